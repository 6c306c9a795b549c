/* A batch of searches whose model fails at its k-th call, or row, for every k: who has failed says
 * why, who has not is as it is alone, no state is leaked, and the next run is as good as new. */
#include "batch_group.h"

static const char *const NAMES[QUESTIONS] = {
    [SAMPLE] = "sample",     [ACTIONS] = "actions",   [PLAYER] = "player",
    [TERMINAL] = "terminal", [KEY] = "key",           [VALIDATE] = "validate",
    [EVALUATE] = "evaluate", [ROLLOUT_ACTION] = "rollout_action",
    [ROLLOUT] = "rollout",   [TRANSITIONS] = "transitions", [STEP_BATCH] = "step_batch",
    [EVALUATE_BATCH] = "evaluate_batch", [ENTER] = "enter"};

/* ---- what fails ---------------------------------------------------------------------------- */

/* After a run in which something failed: who has failed says why, who has not is as it is alone;
 * and the next run is as good as new. */
static int check_after_failure(group *g, const walk *expected, const char *function) {
  int failed = 0;
  check_at_rest(g);
  for (int k = 0; k < SEARCHES; k++) {
    search *s = g->searches[k];
    if (g->ends[k].status == MCTS_OK) {
      check_tree(g, &expected[k], k);
      continue;
    }
    failed += 1;
    CHECK(g->ends[k].status == FAILED && strcmp(s->fault.function, function) == 0);
  }
  /* One that has ended stays so. */
  batch_end before[SEARCHES];
  memcpy(before, g->ends, sizeof before);
  group_run(g, 10 * SIMULATIONS, INT64_MAX);
  CHECK(memcmp(before, g->ends, sizeof before) == 0);
  g->h.fails_on = false;
  memset(g->h.fail_at, 0, sizeof g->h.fail_at);
  g->h.fail_row_at = 0;
  group_root(g, LIMIT);
  group_run(g, SIMULATIONS, INT64_MAX);
  check_at_rest(g);
  for (int k = 0; k < SEARCHES; k++) check_tree(g, &expected[k], k);
  return failed;
}

/* The call of a function that fails; with `fails_on` every one from there on. */
static void fails_at(group *g, const walk *expected, enum question question, int64_t call,
                     bool fails_on, int slices) {
  handle_model *h = &g->h;
  group_root(g, LIMIT);
  h->fail_at[question] = h->calls[question] + call;
  h->fails_on = fails_on;
  for (int i = 0; i < slices; i++) group_run(g, SIMULATIONS, search_now());
  if (!slices) group_run(g, SIMULATIONS, INT64_MAX);
  h->fails_on = false;
  h->fail_at[question] = 0;
  for (int k = 0; k < SEARCHES; k++)
    if (g->ends[k].reason == STOP_SLICE) { /* the failure came before, or never */
      group_run(g, SIMULATIONS, INT64_MAX);
      break;
    }
  int failed = check_after_failure(g, expected, NAMES[question]);
  bool is_batch = question == STEP_BATCH || question == EVALUATE_BATCH;
  if (question == ENTER) CHECK(failed > 0 || slices);
  else if (is_batch && !fails_on) CHECK(failed == 0); /* asked again row by row, all was well */
  else if (!fails_on) CHECK(failed == 1 || slices);
}

static void row_fails_at(group *g, const walk *expected, int64_t row) {
  group_root(g, LIMIT);
  g->h.fail_row_at = g->h.rows + row;
  group_run(g, SIMULATIONS, INT64_MAX);
  const char *function = "none";
  for (int k = 0; k < SEARCHES; k++)
    if (g->ends[k].status < 0) {
      function = g->searches[k]->fault.function;
      CHECK(g->searches[k]->fault.status == MCTS_ERROR && !g->searches[k]->fault.problem);
      CHECK(strcmp(g->searches[k]->fault.text, "told to fail") == 0);
    }
  CHECK(strcmp(function, "step_batch") == 0 || strcmp(function, "evaluate_batch") == 0);
  CHECK(check_after_failure(g, expected, function) == 1);
}

/* At every call and every row of an undisturbed run. */
static void fails_everywhere(const handle_model *pattern, search_options options,
                             const walk *expected) {
  static group g;
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  int64_t calls[QUESTIONS], rows = g.h.rows;
  memcpy(calls, g.h.calls, sizeof calls);
  group_run(&g, SIMULATIONS, INT64_MAX);
  for (int q = 0; q < QUESTIONS; q++) calls[q] = g.h.calls[q] - calls[q];
  rows = g.h.rows - rows;
  for (int q = 0; q < QUESTIONS; q++)
    for (int64_t call = 1; call <= calls[q]; call += 1 + calls[q] / 20) {
      fails_at(&g, expected, (enum question)q, call, false, 0);
      fails_at(&g, expected, (enum question)q, call, true, 0);
      fails_at(&g, expected, (enum question)q, call, false, 40);
    }
  for (int64_t row = 1; row <= rows; row += 1 + rows / 30) row_fails_at(&g, expected, row);
  group_end(&g);
}

static void unset_outputs_are_found(const handle_model *pattern, search_options options) {
  static group g;
  for (int omission = OMIT_REWARDS; omission <= OMIT_ALL; omission++) {
    if (omission == OMIT_SECOND_REWARD && pattern->model.num_players == 1) continue;
    group_begin(&g, pattern, options);
    group_root(&g, LIMIT);
    g.h.omit = (enum omission)omission;
    group_run(&g, SIMULATIONS, INT64_MAX);
    check_at_rest(&g);
    for (int k = 0; k < SEARCHES; k++) {
      const fault *f = &g.searches[k]->fault;
      CHECK(g.ends[k].status == FAILED && f->problem && f->text[0] == '\0');
      CHECK(strcmp(f->function, pattern->model.step_batch ? "step_batch" : "sample") == 0);
    }
    group_end(&g);
  }
}

/* A first search that has ended keeps its own fault where the model cannot be entered later. */
static void a_fault_is_not_overwritten_by_a_later_one(const handle_model *pattern,
                                                      search_options options) {
  static group g;
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  g.h.fail_row_at = g.h.rows + 1;
  g.h.fail_at[ENTER] = g.h.calls[ENTER] + 6;
  group_run(&g, SIMULATIONS, INT64_MAX);
  CHECK(g.ends[0].status == FAILED && g.ends[1].status == FAILED);
  CHECK(strcmp(g.searches[0]->fault.function, "step_batch") == 0);
  CHECK(strcmp(g.searches[1]->fault.function, "enter") == 0);
  CHECK(strcmp(g.searches[2]->fault.function, "enter") == 0);
  group_end(&g);
}

static void holds(const handle_model *pattern, search_options options) {
  walk expected[SEARCHES];
  for (int k = 0; k < SEARCHES; k++) expected[k] = tree_alone(pattern, options, k);
  fails_everywhere(pattern, options, expected);
  if (options.backup == BACKUP_MEAN || !pattern->model.transitions)
    unset_outputs_are_found(pattern, options);
  for (int k = 0; k < SEARCHES; k++) walk_end(&expected[k]);
}

int main(void) {
  logarithm_fill_tables();
  for_every_group(holds);
  handle_model h;
  handle_model_begin_whole(&h);
  handle_model_answers_in_batches(&h);
  a_fault_is_not_overwritten_by_a_later_one(&h, BY_VALUE);
  return 0;
}
