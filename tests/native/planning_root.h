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

/* Simulations carry their states: nodes are histories, or sequences of actions. */
static const search_options BY_HISTORY = {
    .exploration = 1.0, .max_depth = 8, .outcome_key = OUTCOME_OBSERVATION};
static const search_options OPEN_LOOP = {
    .exploration = 1.0, .max_depth = 8, .outcome_key = OUTCOME_NONE};
static const search_options OPEN_TRIALS = {.exploration = 1.0,
                                           .max_depth = 8,
                                           .evaluation = EVALUATION_TRIAL,
                                           .backup = BACKUP_BELLMAN,
                                           .outcome_key = OUTCOME_NONE};

enum { MOST_PARTICLES = 4 };

/* Of a root where simulations carry their states, from position 0 on. */
static uint32_t particles = 1;

/* search_begin from position 0; the handles are the caller's for the time of the call only. */
static int begin_with_seed(search *s, handle_model *h, uint64_t seed, uint64_t max_bytes) {
  void *states[MOST_PARTICLES];
  uint32_t count = s->carried ? particles : 1;
  for (uint32_t i = 0; i < count; i++) handle_write(h, &states[i], i);
  search_root root = {
      .state = states, .num_states = count, .seed = seed, .max_bytes = max_bytes};
  int status = search_begin(s, &root);
  h->inside = 1;
  for (uint32_t i = 0; i < count; i++) handle_release(h, &states[i]);
  h->inside = 0;
  return status;
}

static int begin_at_zero(search *s, handle_model *h, uint64_t max_bytes) {
  return begin_with_seed(s, h, 7, max_bytes);
}

/* States that the search holds while nothing is in progress. */
static int64_t states_held(const search *s) {
  return s->carried ? s->num_particles : (int64_t)s->tree.nodes;
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
