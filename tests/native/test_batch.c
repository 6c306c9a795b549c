/* Several searches together: each is the search that it is alone, to whatever end it comes. */
#include "batch_group.h"
#include "reroot.h"

/* ---- undisturbed --------------------------------------------------------------------------- */

static void each_is_what_it_is_alone(const handle_model *pattern, search_options options) {
  static group g;
  walk expected[SEARCHES];
  for (int k = 0; k < SEARCHES; k++) expected[k] = tree_alone(pattern, options, k);
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  group_run(&g, SIMULATIONS, INT64_MAX);
  check_at_rest(&g);
  for (int k = 0; k < SEARCHES; k++) check_tree(&g, &expected[k], k);
  /* In slices as short as they can be, and a simulation more each time. */
  group_root(&g, LIMIT);
  for (int slice = 0; g.ends[0].reason != STOP_SIMULATIONS && slice < 2000; slice++) {
    group_run(&g, SIMULATIONS, search_now());
    if (is_solved(g.searches[0])) break;
  }
  group_run(&g, SIMULATIONS, INT64_MAX);
  check_at_rest(&g);
  for (int k = 0; k < SEARCHES; k++) {
    check_tree(&g, &expected[k], k);
    walk_end(&expected[k]);
  }
  group_end(&g);
}

/* ---- stopped ------------------------------------------------------------------------------- */

static void cancelled_anywhere_they_stop(const handle_model *pattern, search_options options) {
  static group g;
  for (int64_t at = 1; at < 120; at += 3) {
    group_begin(&g, pattern, options);
    group_root(&g, LIMIT);
    g.h.cancel_at = at;
    group_run(&g, 3000, INT64_MAX);
    bool cancelled = atomic_load(&g.h.cancelled); /* not where all transitions are known by then */
    check_at_rest(&g);
    for (int k = 0; k < SEARCHES; k++) {
      CHECK(g.ends[k].status == MCTS_OK);
      CHECK(g.ends[k].reason == STOP_CANCELLED || !cancelled || is_solved(g.searches[k]));
    }
    group_end(&g);
  }
}

static void each_stops_at_its_own_byte_limit(const handle_model *pattern,
                                             search_options options) {
  static group g;
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  uint64_t roots = 0;
  for (int k = 0; k < SEARCHES; k++)
    if (tree_bytes(&g.searches[k]->tree) > roots) roots = tree_bytes(&g.searches[k]->tree);
  group_run(&g, SIMULATIONS, INT64_MAX);
  uint64_t enough = tree_bytes(&g.searches[1]->tree);
  for (uint64_t limit = roots + 8; limit <= enough; limit += 56) {
    memset(g.ends, 0, sizeof g.ends);
    for (int k = 0; k < SEARCHES; k++)
      CHECK(begin_with_seed(g.searches[k], &g.h, 7 + (uint64_t)k, k == 1 ? limit : LIMIT) ==
            MCTS_OK);
    group_run(&g, SIMULATIONS, INT64_MAX);
    check_at_rest(&g);
    check_whole(&g, 0);
    check_whole(&g, 2);
    CHECK(g.ends[1].status == MCTS_OK && tree_bytes(&g.searches[1]->tree) <= limit);
    if (limit < enough) CHECK(g.ends[1].reason == STOP_MAX_BYTES || is_solved(g.searches[1]));
  }
  group_end(&g);
}

/* Alone and together in turn, in slices or not: what was in progress is given up, nothing else. */
static void a_search_may_be_run_alone_in_between(const handle_model *pattern,
                                                 search_options options) {
  static group g;
  stop_reason reason;
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  for (uint64_t simulations = 3; simulations < 40; simulations += 3) {
    CHECK(run_to(g.searches[1], &g.h, simulations + 1, &reason) == MCTS_OK);
    memset(g.ends, 0, sizeof g.ends);
    for (int slices = 0; slices < 3; slices++) group_run(&g, simulations, search_now());
    CHECK(run_to(g.searches[0], &g.h, simulations, &reason) == MCTS_OK);
    memset(g.ends, 0, sizeof g.ends);
    group_run(&g, simulations, INT64_MAX);
    check_at_rest(&g);
    CHECK(g.searches[0]->simulations == simulations || is_solved(g.searches[0]));
  }
  group_end(&g);
}

/* A tree that moves with simulations in progress gives them up. */
static void a_slice_may_be_followed_by_a_move(const handle_model *pattern,
                                              search_options options) {
  static group g;
  for (int slices = 1; slices < 60; slices += 4) {
    group_begin(&g, pattern, options);
    group_root(&g, LIMIT);
    for (int i = 0; i < slices; i++) group_run(&g, 1000, search_now());
    for (int k = 0; k < SEARCHES; k++) {
      search *s = g.searches[k];
      void *state;
      handle_write(&g.h, &state, k + 1);
      int status = search_advance(s, 1, &state);
      g.h.inside = 1;
      handle_release(&g.h, &state);
      g.h.inside = 0;
      CHECK(status == MCTS_OK || status == NOT_IN_TREE);
      CHECK(s->started == s->simulations);
      if (status == MCTS_OK) search_resume(s, &(search_root){.seed = 3});
    }
    memset(g.ends, 0, sizeof g.ends);
    group_run(&g, 1000 + SIMULATIONS, INT64_MAX);
    check_at_rest(&g);
    group_end(&g);
  }
}

static void holds(const handle_model *pattern, search_options options) {
  each_is_what_it_is_alone(pattern, options);
  if (options.backup == BACKUP_MEAN || !pattern->model.transitions)
    cancelled_anywhere_they_stop(pattern, options);
  each_stops_at_its_own_byte_limit(pattern, options);
  if (options.in_flight == 1) a_search_may_be_run_alone_in_between(pattern, options);
  if (options.outcome_key == OUTCOME_STATE) a_slice_may_be_followed_by_a_move(pattern, options);
}

int main(void) {
  logarithm_fill_tables();
  for_every_group(holds);
  return 0;
}
