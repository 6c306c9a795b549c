/* Starting a search from a state of the handle model. */
#ifndef PLANNING_ROOT_H
#define PLANNING_ROOT_H

#include "handle_model.h"
#include "logarithm.h"
#include "search.h"

static const search_options BY_ROLLOUT = {.exploration = 1.0, .max_depth = 8};
static const search_options BY_VALUE = {
    .exploration = 1.0, .max_depth = 8, .evaluation = EVALUATION_VALUE};
static const search_options BY_DEPTH = {.exploration = 1.0,
                                        .max_depth = 8,
                                        .evaluation = EVALUATION_TRIAL,
                                        .backup = BACKUP_BELLMAN,
                                        .sharing = SHARING_DEPTH};
static const search_options BY_STATE = {.exploration = 1.0,
                                        .max_depth = 8,
                                        .evaluation = EVALUATION_TRIAL,
                                        .backup = BACKUP_BELLMAN,
                                        .sharing = SHARING_STATE};
/* Leaves are played out, and what is learned of one is its own again on the next path. */
static const search_options SHARED_MEANS = {
    .exploration = 1.0, .max_depth = 8, .sharing = SHARING_STATE};
static const search_options PLAYED_OUT = {.exploration = 1.0,
                                          .max_depth = 8,
                                          .backup = BACKUP_BELLMAN,
                                          .sharing = SHARING_STATE};

/* search_begin from position 0; the handle is the caller's for the time of the call only. */
static int begin_at_zero(search *s, handle_model *h, uint64_t max_bytes) {
  void *state;
  handle_write(h, &state, 0);
  search_root root = {.state = &state, .seed = 7, .max_bytes = max_bytes};
  int status = search_begin(s, &root);
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  return status;
}

static int run_to(search *s, handle_model *h, uint64_t simulations, stop_reason *reason) {
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, &h->cancelled};
  return search_run(s, &limits, reason);
}

/* The root has seen every simulation that was counted, and its edges share them. */
static void check_sound(const search *s) {
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  uint64_t visits = 0, expected = s->simulations;
  for (uint32_t i = 0; i < root->count; i++) {
    visits += e.visits[i];
    expected += s->root_before[i];
  }
  if (s->options.sharing == SHARING_STATE) { /* a path may come back to the root, or end there */
    CHECK(root->visits >= visits && visits >= expected);
  } else {
    CHECK(root->visits == visits && visits == expected);
  }
}

#endif
