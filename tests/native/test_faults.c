/* A model that fails at its k-th call, for every k: the status says so, the fault names the
 * function, no state is leaked or used again, and the next search is as good as new. */
#include "graph_walk.h"

enum { SIMULATIONS = 40, FEWER = 12 };

static uint64_t simulations = SIMULATIONS; /* of a plan */

static const char *const NAMES[QUESTIONS] = {
    [SAMPLE] = "sample",     [ACTIONS] = "actions",   [PLAYER] = "player",
    [TERMINAL] = "terminal", [KEY] = "key",           [VALIDATE] = "validate",
    [EVALUATE] = "evaluate", [ROLLOUT_ACTION] = "rollout_action",
    [ROLLOUT] = "rollout",   [TRANSITIONS] = "transitions", [STEP_BATCH] = "step_batch",
    [EVALUATE_BATCH] = "evaluate_batch", [ENTER] = "enter"};

static int plan(search *s, handle_model *h) {
  stop_reason reason = STOP_NONE;
  int status = begin_at_zero(s, h, 1 << 20);
  if (status == MCTS_OK) status = run_to(s, h, simulations, &reason);
  CHECK(!h->inside);
  return status;
}

/* What the search has learned, boiled down to one number. */
static double digest(const search *s) {
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  double sum = 0.0;
  for (uint32_t i = 0; i < e.count; i++)
    sum = 3 * sum + e.value[i] + (double)e.visits[i];
  return sum;
}

static void fails_at(const handle_model *pattern, search_options options, enum question question,
                     int64_t call, double expected) {
  static handle_model h;
  h = *pattern;
  h.model.ctx = &h;
  h.fail_at[question] = call;
  search *s = search_new(&h.model, options, 0);
  CHECK(s);
  CHECK(plan(s, &h) == FAILED);
  CHECK(strcmp(s->fault.function, NAMES[question]) == 0);
  CHECK(s->fault.status == MCTS_ERROR && !s->fault.problem);
  CHECK(strcmp(s->fault.text, "told to fail") == 0);
  CHECK(h.calls[question] == call);
  if (s->tree.root && h.ring) check_graph(s);
  if (s->simulations > 0) check_sound(s);
  CHECK(plan(s, &h) == MCTS_OK);
  CHECK(digest(s) == expected);
  search_free(s);
  CHECK(h.handles_alive == 0);
}

/* At every call that an undisturbed plan makes. */
static void fails_everywhere(const handle_model *pattern, search_options options) {
  static handle_model h;
  h = *pattern;
  h.model.ctx = &h;
  search *s = search_new(&h.model, options, 0);
  CHECK(s);
  CHECK(plan(s, &h) == MCTS_OK);
  CHECK(s->simulations == simulations || node_at(&s->tree, s->tree.root)->flags & NODE_SOLVED);
  double expected = digest(s);
  int64_t calls[QUESTIONS];
  memcpy(calls, h.calls, sizeof calls);
  search_free(s);
  CHECK(h.handles_alive == 0);
  for (int question = 0; question < QUESTIONS; question++)
    for (int64_t call = 1; call <= calls[question]; call++)
      fails_at(pattern, options, (enum question)question, call, expected);
}

/* Where simulations carry their states, from a root that may be any of several, with actions that
 * differ from state to state, so that nodes get edges again and again. */
static void carried_states_fail_everywhere(void) {
  handle_model h;
  for (int recipe = GRAPH_RECIPES; recipe < RECIPES; recipe++) {
    for (particles = 1; particles <= 3; particles += 2) {
      ring_model(&h, 0);
      h.model.actions = handle_odd_actions;
      h.model.validate = handle_validate;
      h.model.terminal = handle_terminal;
      fails_everywhere(&h, graph_recipe(recipe));
    }
  }
  particles = 2;
  h.model.evaluate = handle_evaluate;
  h.model.flags |= MCTS_MODEL_VALUES;
  search_options valued = BY_HISTORY;
  valued.evaluation = EVALUATION_VALUE;
  fails_everywhere(&h, valued);
  particles = 1;
}

static void invalid_root_is_told_from_a_fault(void) {
  handle_model h;
  handle_model_begin_whole(&h);
  search *s = search_new(&h.model, BY_ROLLOUT, 0);
  h.fail_at[VALIDATE] = 1;
  h.fail_status = MCTS_INVALID_STATE;
  CHECK(begin_at_zero(s, &h, 1 << 20) == ROOT_INVALID);
  CHECK(strcmp(s->fault.text, "told to fail") == 0);
  CHECK(plan(s, &h) == MCTS_OK);
  search_free(s);
  CHECK(h.handles_alive == 0);
}

static void states_are_released_as_soon_as_the_model_can_be_entered_again(void) {
  handle_model h;
  handle_model_begin(&h);
  search *s = search_new(&h.model, BY_ROLLOUT, 0);
  CHECK(plan(s, &h) == MCTS_OK);
  int64_t alive = h.handles_alive;
  h.fail_at[ENTER] = h.calls[ENTER] + 1;
  CHECK(plan(s, &h) == FAILED);
  CHECK(strcmp(s->fault.function, "enter") == 0);
  CHECK(h.handles_alive == alive && s->tree.root == 0);
  CHECK(plan(s, &h) == MCTS_OK);
  CHECK(h.handles_alive == alive);
  search_free(s);
  CHECK(h.handles_alive == 0);
}

/* A state that could not be released is released before its place is taken by another, even
 * where the search goes on with the tree that it has. */
static void search_goes_on_after_a_failed_entry(void) {
  handle_model h;
  for (int64_t call = 2; call <= 12; call++) {
    stop_reason reason = STOP_NONE;
    handle_model_begin(&h);
    search *s = search_new(&h.model, BY_ROLLOUT, 0);
    CHECK(begin_at_zero(s, &h, 1 << 20) == MCTS_OK);
    h.fail_at[ENTER] = h.calls[ENTER] + call;
    CHECK(run_to(s, &h, 20 * SIMULATIONS, &reason) == FAILED);
    CHECK(run_to(s, &h, 20 * SIMULATIONS, &reason) == MCTS_OK);
    check_sound(s);
    CHECK(h.handles_alive == (int64_t)s->tree.nodes);
    search_free(s);
    CHECK(h.handles_alive == 0);
  }
}

/* What `transitions` has written is given back where its answer is refused. */
static void refused_transitions_are_released(void) {
  for (int omission = OMIT_REWARDS; omission <= OMIT_TERMINATED; omission += 2) {
    handle_model h;
    ring_model(&h, 2);
    h.omit = (enum omission)omission;
    search *s = search_new(&h.model, BY_STATE, 0);
    CHECK(begin_at_zero(s, &h, 1 << 20) == FAILED);
    CHECK(strcmp(s->fault.function, "transitions") == 0 && s->fault.problem);
    search_free(s);
    CHECK(h.handles_alive == 0);
  }
}

int main(void) {
  logarithm_fill_tables();
  handle_model h;
  handle_model_begin(&h);
  fails_everywhere(&h, BY_ROLLOUT);
  h.model.flags |= MCTS_MODEL_DETERMINISTIC;
  fails_everywhere(&h, BY_ROLLOUT);
  h.model.flags = 0;
  h.model.rollout = handle_rollout;
  fails_everywhere(&h, BY_ROLLOUT);
  handle_model_begin_whole(&h);
  fails_everywhere(&h, BY_ROLLOUT);
  fails_everywhere(&h, BY_VALUE);
  simulations = FEWER;
  for (int recipe = 0; recipe < GRAPH_RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      if (!recipe_takes(recipe, which)) continue;
      recipe_model(&h, recipe, which);
      fails_everywhere(&h, graph_recipe(recipe));
    }
    recipe_model(&h, recipe, 0);
    if (!h.model.actions) h.model.actions = handle_actions;
    h.model.validate = handle_validate;
    h.model.rollout = handle_rollout;
    fails_everywhere(&h, graph_recipe(recipe));
  }
  carried_states_fail_everywhere();
  invalid_root_is_told_from_a_fault();
  states_are_released_as_soon_as_the_model_can_be_entered_again();
  search_goes_on_after_a_failed_entry();
  refused_transitions_are_released();
  return 0;
}
