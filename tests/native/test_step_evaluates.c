/* Steps that come with priors and values of where they lead to: the same trees with fewer
 * questions, and what is wrong with an answer ends the search that asked alone. */
#include "batch_group.h"

enum { DEEP = 40 };

static handle_model without(const handle_model *pattern) {
  handle_model h = *pattern;
  h.model.flags &= ~(uint64_t)MCTS_MODEL_STEP_EVALUATES;
  return h;
}

/* ---- the same trees -------------------------------------------------------------------------- */

/* With several in flight the tree depends on when which of them has come how far: then it is that
 * of the search alone. */
static void the_tree_is_the_same(const handle_model *pattern, search_options options) {
  static group g;
  walk expected[SEARCHES];
  handle_model plain = options.in_flight == 1 ? without(pattern) : *pattern;
  for (int k = 0; k < SEARCHES; k++) expected[k] = tree_alone(&plain, options, k);
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  group_run(&g, SIMULATIONS, INT64_MAX);
  check_at_rest(&g);
  CHECK(g.h.told > 0);
  for (int k = 0; k < SEARCHES; k++) check_tree(&g, &expected[k], k);
  group_root(&g, LIMIT);
  for (int slice = 0; slice < 200; slice++) group_run(&g, SIMULATIONS, search_now());
  group_run(&g, SIMULATIONS, INT64_MAX);
  check_at_rest(&g);
  for (int k = 0; k < SEARCHES; k++) check_tree(&g, &expected[k], k);
  group_end(&g);
  for (int k = 0; k < SEARCHES; k++) walk_end(&expected[k]);
}

static walk tree_of_one(const handle_model *pattern, search_options options, uint64_t simulations) {
  static handle_model h;
  h = *pattern;
  h.model.ctx = &h;
  search *s = search_new(&h.model, options, 0);
  CHECK(s && begin_at_zero(s, &h, LIMIT) == MCTS_OK);
  batch *b = batch_new(&s, 1);
  batch_end end = {0};
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, NULL};
  CHECK(b);
  batch_run(b, &limits, &end);
  CHECK(end.status == MCTS_OK && s->simulations == simulations);
  if (h.ring) check_graph(s);
  walk w = walk_from(s, s->tree.root);
  batch_free(b);
  search_free(s);
  CHECK(h.handles_alive == 0);
  return w;
}

static void a_long_search_is_the_same(const handle_model *pattern, search_options options) {
  handle_model plain = without(pattern);
  walk one = tree_of_one(pattern, options, 400), other = tree_of_one(&plain, options, 400);
  check_same(&one, &other);
  walk_end(&one);
  walk_end(&other);
}

/* ---- fewer questions ------------------------------------------------------------------------- */

static void only_roots_are_asked_about(const handle_model *pattern, search_options options) {
  static group g;
  options.max_depth = DEEP;
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  group_run(&g, SIMULATIONS, INT64_MAX);
  for (int k = 0; k < SEARCHES; k++) CHECK(g.searches[k]->tree.deepest < DEEP);
  CHECK(g.h.evaluated == SEARCHES && g.h.calls[EVALUATE_BATCH] == 1 && g.h.calls[EVALUATE] == 0);
  group_end(&g);
}

/* ---- what is wrong with an answer ------------------------------------------------------------ */

static void check_fault(const search *s, enum flaw flaw) {
  bool of_value = flaw == FLAW_NO_VALUE || flaw == FLAW_LARGE_VALUE;
  CHECK(strcmp(s->fault.function, "step_batch") == 0 && s->fault.text[0] == '\0');
  CHECK(strstr(s->fault.problem, of_value ? "a value is not" : "a prior is not"));
}

static void a_flaw_ends_one_search(const handle_model *pattern, search_options options,
                                   enum flaw flaw) {
  static group g;
  walk expected[SEARCHES];
  for (int k = 0; k < SEARCHES; k++) expected[k] = tree_alone(pattern, options, k);
  group_begin(&g, pattern, options);
  for (int64_t row = 1; row < 3 * SIMULATIONS; row += 2) {
    group_root(&g, LIMIT);
    g.h.told_flaw = flaw;
    g.h.told_flaw_at = g.h.told + row;
    group_run(&g, SIMULATIONS, INT64_MAX);
    check_at_rest(&g);
    int failed = 0;
    for (int k = 0; k < SEARCHES; k++) {
      if (g.ends[k].status == MCTS_OK) {
        check_tree(&g, &expected[k], k);
        continue;
      }
      failed += 1;
      CHECK(g.ends[k].status == FAILED);
      check_fault(g.searches[k], flaw);
    }
    bool was_there = g.h.told >= g.h.told_flaw_at;
    CHECK(failed <= was_there);
    /* With several in flight another simulation may have opened the node meanwhile. */
    if (options.in_flight == 1) CHECK(failed == was_there);
  }
  group_end(&g);
  for (int k = 0; k < SEARCHES; k++) walk_end(&expected[k]);
}

static void flaws_end_one_search(const handle_model *pattern, search_options options) {
  a_flaw_ends_one_search(pattern, options, FLAW_NO_VALUE);
  a_flaw_ends_one_search(pattern, options, FLAW_LARGE_VALUE);
  a_flaw_ends_one_search(pattern, options, FLAW_NO_PRIOR);
  a_flaw_ends_one_search(pattern, options, FLAW_NEGATIVE);
  a_flaw_ends_one_search(pattern, options, FLAW_INFINITE);
}

/* A whole call is asked again row by row, and rows that fail end their search. */
static void calls_and_rows_may_fail(const handle_model *pattern, search_options options) {
  static group g;
  walk expected[SEARCHES];
  for (int k = 0; k < SEARCHES; k++) expected[k] = tree_alone(pattern, options, k);
  group_begin(&g, pattern, options);
  for (int64_t at = 1; at < 2 * SIMULATIONS; at++) {
    group_root(&g, LIMIT);
    g.h.fail_at[STEP_BATCH] = g.h.calls[STEP_BATCH] + at;
    group_run(&g, SIMULATIONS, INT64_MAX);
    check_at_rest(&g);
    for (int k = 0; k < SEARCHES; k++) check_tree(&g, &expected[k], k);
    g.h.fail_at[STEP_BATCH] = 0;
    group_root(&g, LIMIT);
    g.h.fail_row_at = g.h.rows + at;
    group_run(&g, SIMULATIONS, INT64_MAX);
    check_at_rest(&g);
    int failed = 0;
    for (int k = 0; k < SEARCHES; k++) {
      failed += g.ends[k].status == FAILED;
      if (g.ends[k].status == MCTS_OK) check_tree(&g, &expected[k], k);
    }
    CHECK(failed == 1);
  }
  group_end(&g);
  for (int k = 0; k < SEARCHES; k++) walk_end(&expected[k]);
}

/* ---- the models ------------------------------------------------------------------------------ */

static bool values_leaves(search_options o) { return o.evaluation == EVALUATION_VALUE; }

static void holds(const handle_model *pattern, search_options options) {
  the_tree_is_the_same(pattern, options);
  if (pattern->ring && options.in_flight == 1) a_long_search_is_the_same(pattern, options);
  if (values_leaves(options) && options.in_flight == 1)
    only_roots_are_asked_about(pattern, options);
  if (values_leaves(options)) flaws_end_one_search(pattern, options);
  calls_and_rows_may_fail(pattern, options);
}

/* A ring, whose actions have places or numbers; or two players, who may end. */
static void begin_model(handle_model *h, int which) {
  if (which == 2) {
    handle_model_begin_whole(h);
    h->model.flags |= MCTS_MODEL_PRIORS;
  } else {
    handle_model_begin_ring(h, RING);
    handle_model_evaluates(h, MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS);
    h->model.actions = handle_gap_actions;
    if (which == 1) h->model.num_actions = 0;
  }
  handle_model_answers_in_batches(h);
  handle_model_steps_evaluate(h);
}

static void for_every_model(void) {
  const search_options all[] = {PUCT_BY_VALUE, PUCT_BY_ROLLOUT, PUCT_MIXED, GUMBEL,
                                PUCT_BELLMAN,  PUCT_BY_STATE,   WIDE_PUCT};
  handle_model h;
  for (int which = 0; which < 3; which++)
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
      for (uint32_t in_flight = 1; in_flight <= 4; in_flight += 3) {
        search_options options = all[i];
        options.in_flight = in_flight;
        begin_model(&h, which);
        if (!search_refuses_options(&h.model, options)) holds(&h, options);
      }
}

/* Steps of stochastic models, and of searches that open no nodes, are asked for nothing more. */
static void nothing_is_told(bool deterministic, search_options options) {
  static group g;
  handle_model h;
  begin_model(&h, 0);
  if (!deterministic) h.model.flags &= ~(uint64_t)MCTS_MODEL_DETERMINISTIC;
  group_begin(&g, &h, options);
  group_root(&g, LIMIT);
  group_run(&g, SIMULATIONS, INT64_MAX);
  check_at_rest(&g);
  CHECK(g.h.told == 0 && g.h.evaluated > SEARCHES);
  for (int k = 0; k < SEARCHES; k++) check_whole(&g, k);
  group_end(&g);
}

int main(void) {
  logarithm_fill_tables();
  for_every_model();
  nothing_is_told(false, PUCT_BY_VALUE);
  nothing_is_told(false, GUMBEL);
  nothing_is_told(true, BY_VALUE);
  return 0;
}
