/* A compiled callback that raised returns 0 and leaves its outputs as they were: each of them
 * is an error that names the function, never a number that was lying around. */
#include "batch.h"
#include "graph_walk.h"

static void check_fault(handle_model *h, search_options options, const char *function,
                        const char *problem) {
  stop_reason reason = STOP_NONE;
  h->model.ctx = h;
  search *s = search_new(&h->model, options, 0);
  CHECK(s);
  int status = begin_at_zero(s, h, 1 << 20);
  if (status == MCTS_OK) status = run_to(s, h, 100, &reason);
  CHECK(status == FAILED);
  CHECK(strcmp(s->fault.function, function) == 0);
  CHECK(s->fault.problem && strstr(s->fault.problem, problem));
  CHECK(s->fault.text[0] == '\0');
  search_free(s);
  CHECK(h->handles_alive == 0);
}

static int silent_flag(void *ctx, const void *state, int32_t *answer) {
  (void)ctx, (void)state, (void)answer;
  return MCTS_OK;
}

static int silent_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  (void)ctx, (void)state, (void)count, (void)actions;
  return MCTS_OK;
}

static int silent_evaluate(void *ctx, const void *state, double *priors, double *values) {
  (void)ctx, (void)state, (void)priors, (void)values;
  return MCTS_OK;
}

static int silent_choice(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action) {
  (void)ctx, (void)state, (void)rng, (void)action;
  return MCTS_OK;
}

static int silent_rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                          mcts_bitgen *rng, double *returns, int64_t *steps) {
  (void)ctx, (void)state, (void)max_steps, (void)discount, (void)rng, (void)returns, (void)steps;
  return MCTS_OK;
}

static int stepping_rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                            mcts_bitgen *rng, double *returns, int64_t *steps) {
  (void)ctx, (void)state, (void)discount, (void)rng, (void)returns;
  *steps = max_steps;
  return MCTS_OK;
}

static int too_long_rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                            mcts_bitgen *rng, double *returns, int64_t *steps) {
  (void)ctx, (void)state, (void)discount, (void)rng;
  returns[0] = returns[1] = 0.0;
  *steps = max_steps + 1;
  return MCTS_OK;
}

static void sample_is_checked(void) {
  const struct { enum omission omit; const char *problem; } omissions[] = {
      {OMIT_REWARDS, "a reward"},
      {OMIT_SECOND_REWARD, "a reward"},
      {OMIT_TERMINATED, "terminated"},
      {OMIT_ALL, "terminated"}};
  for (int i = 0; i < 4; i++) {
    handle_model h;
    handle_model_begin(&h);
    h.omit = omissions[i].omit;
    check_fault(&h, BY_ROLLOUT, "sample", omissions[i].problem);
  }
}

static void other_functions_are_checked(void) {
  handle_model h;
  handle_model_begin(&h);
  h.model.player = silent_flag;
  check_fault(&h, BY_ROLLOUT, "player", "from 0 to num_players - 1");
  handle_model_begin(&h);
  h.model.terminal = silent_flag;
  check_fault(&h, BY_ROLLOUT, "terminal", "neither 0 nor 1");
  handle_model_begin(&h);
  h.model.actions = silent_actions;
  check_fault(&h, BY_ROLLOUT, "actions", "the count");
  handle_model_begin(&h);
  h.model.evaluate = silent_evaluate;
  h.model.flags |= MCTS_MODEL_VALUES;
  check_fault(&h, BY_VALUE, "evaluate", "a value");
  handle_model_begin(&h);
  h.model.rollout_action = silent_choice;
  check_fault(&h, BY_ROLLOUT, "rollout_action", "the action");
}

static void rollouts_are_checked(void) {
  handle_model h;
  handle_model_begin(&h);
  h.model.rollout = silent_rollout;
  check_fault(&h, BY_ROLLOUT, "rollout", "the steps");
  h.model.rollout = stepping_rollout;
  check_fault(&h, BY_ROLLOUT, "rollout", "a return");
  h.model.rollout = too_long_rollout;
  check_fault(&h, BY_ROLLOUT, "rollout", "the steps");
}

static int many_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  (void)ctx, (void)state, (void)actions;
  *count = 4;
  return MCTS_OK;
}

static int no_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  handle_actions(ctx, state, count, actions);
  if (handle_at(state)->position > 0) *count = 0;
  return MCTS_OK;
}

static int repeated_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  (void)ctx, (void)state;
  *count = 2;
  actions[0] = actions[1] = 1;
  return MCTS_OK;
}

static int foreign_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  (void)ctx, (void)state;
  *count = 1;
  actions[0] = 3;
  return MCTS_OK;
}

static void actions_are_checked(void) {
  handle_model h;
  handle_model_begin(&h);
  h.model.actions = many_actions;
  check_fault(&h, BY_ROLLOUT, "actions", "the count");
  h.model.actions = no_actions;
  check_fault(&h, BY_ROLLOUT, "actions", "no action is legal");
  h.model.actions = repeated_actions;
  check_fault(&h, BY_ROLLOUT, "actions", "do not ascend");
  h.model.actions = foreign_actions;
  check_fault(&h, BY_ROLLOUT, "actions", "from 0 to num_actions - 1");
}

/* ---- evaluations ----------------------------------------------------------------------------- */

/* The same where several are in flight, answered in batches or row by row. */
static void check_batch_fault(handle_model *h, search_options options, const char *problem) {
  batch_end end = {0};
  search_limits limits = {100, INT64_MAX, INT64_MAX, NULL};
  options.in_flight = 3;
  search *s = search_new(&h->model, options, 0);
  CHECK(begin_at_zero(s, h, 1 << 20) == MCTS_OK);
  batch *b = batch_new(&s, 1);
  batch_run(b, &limits, &end);
  CHECK(end.status == FAILED && s->simulations == s->started);
  CHECK(strncmp(s->fault.function, "evaluate", 8) == 0);
  CHECK(s->fault.problem && strstr(s->fault.problem, problem) && s->fault.text[0] == '\0');
  check_graph(s);
  batch_free(b);
  search_free(s);
  CHECK(h->handles_alive == 0);
}

static void flaws_are_found(int recipe, int which, enum flaw flaw) {
  search_options options = graph_recipe(recipe);
  bool valued = options.evaluation == EVALUATION_VALUE || options.evaluation == EVALUATION_MIXED;
  bool of_value = flaw == FLAW_NO_VALUE;
  if (!valued && (of_value || !options_weigh_priors(options))) return;
  if (!of_value && !options_weigh_priors(options)) return;
  handle_model h;
  recipe_model(&h, recipe, which);
  h.flaw = flaw;
  const char *problem = of_value ? "a value" : "a prior is not a finite number of 0 or more";
  check_fault(&h, options, "evaluate", problem);
  check_batch_fault(&h, options, problem);
  handle_model_answers_in_batches(&h);
  check_batch_fault(&h, options, problem);
}

static void evaluations_are_checked(void) {
  for (int recipe = PLAIN_RECIPES; recipe < GRAPH_RECIPES; recipe++)
    for (int which = 0; which < RING_MODELS; which++)
      for (int flaw = FLAW_NO_VALUE; flaw < FLAWS; flaw++)
        flaws_are_found(recipe, which, (enum flaw)flaw);
}

static void priors_that_are_all_zero_are_equal(void) {
  for (int recipe = PLAIN_RECIPES; recipe < GRAPH_RECIPES; recipe++) {
    handle_model h;
    stop_reason reason;
    recipe_model(&h, recipe, recipe % RING_MODELS);
    if (!options_weigh_priors(graph_recipe(recipe))) continue;
    h.flaw = ZERO_PRIORS;
    search *s = search_new(&h.model, graph_recipe(recipe), 0);
    CHECK(begin_at_zero(s, &h, 1 << 20) == MCTS_OK && run_to(s, &h, 60, &reason) == MCTS_OK);
    check_graph(s); /* which looks at them */
    edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
    CHECK(e.prior[0] == 0.5 && e.prior[1] == 0.5);
    search_free(s);
    CHECK(h.handles_alive == 0);
  }
}

int main(void) {
  logarithm_fill_tables();
  sample_is_checked();
  other_functions_are_checked();
  rollouts_are_checked();
  actions_are_checked();
  evaluations_are_checked();
  priors_that_are_all_zero_are_equal();
  return 0;
}
