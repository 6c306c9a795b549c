/* A model with an evaluation from elsewhere is searched as one that has it itself: every question is
 * handed on, states that are owned find their way back, and a failure says whose it is. */
#include "evaluated.h"

#include "fan_model.h"
#include "planning_root.h"

static search *searched(const mcts_model *m, search_options options, uint64_t state) {
  search *s = search_new(m, options, 0);
  CHECK(s);
  search_root root = {.state = &state, .num_states = 1, .seed = 5, .max_bytes = 1 << 22};
  CHECK(search_begin(s, &root) == MCTS_OK);
  stop_reason reason = STOP_NONE;
  search_limits limits = {300, INT64_MAX, INT64_MAX, NULL};
  CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  return s;
}

static void the_tree_is_that_of_a_model_of_its_own(search_options options, uint32_t players,
                                                   bool certain, uint64_t gives) {
  fan_model m;
  fan_model_begin(&m, 4, players, STYLE_UNIFORM, certain);
  mcts_evaluation evaluation = {.data = &m, .gives = gives, .evaluate = fan_evaluate};
  mcts_evaluated *e = mcts_evaluated_new(&m.model, &evaluation);
  CHECK(e);
  search *one = searched(&m.model, options, 3);
  search *other = searched(mcts_evaluated_model(e), options, 3);
  check_same_memory(one, other);
  search_free(one);
  search_free(other);
  mcts_evaluated_free(e);
}

static void owned_states_come_back(search_options options) {
  handle_model h;
  handle_model_begin_whole(&h);
  handle_model_evaluates(&h, MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS);
  mcts_evaluation evaluation = {.thread_safe = 1};
  mcts_evaluated *e = mcts_evaluated_new(&h.model, &evaluation);
  CHECK(e);
  search *s = search_new(mcts_evaluated_model(e), options, 0);
  CHECK(s && begin_at_zero(s, &h, 1 << 20) == MCTS_OK);
  stop_reason reason = STOP_NONE;
  CHECK(run_to(s, &h, 100, &reason) == MCTS_OK);
  check_sound(s);
  CHECK(h.calls[SAMPLE] + h.calls[TRANSITIONS] > 0);
  search_free(s);
  CHECK(h.handles_alive == 0);
  mcts_evaluated_free(e);
}

/* ---- failures ----------------------------------------------------------------------- */

static int fails(void *data, const void *state, double *priors, double *values) {
  (void)data, (void)state, (void)priors, (void)values;
  mcts_evaluation_fails("no value for this");
  return MCTS_ERROR;
}

static int sample_fails(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                        void *next_state, double *rewards, int32_t *terminated,
                        void *observation) {
  (void)ctx, (void)state, (void)action, (void)rng, (void)next_state, (void)rewards;
  (void)terminated, (void)observation;
  return MCTS_ERROR;
}

static const char *models_text(void *ctx) {
  (void)ctx;
  return "no such step";
}

static void a_failure_says_whose_it_is(void) {
  fan_model m;
  fan_model_begin(&m, 3, 1, STYLE_UNIFORM, false);
  m.model.sample = sample_fails;
  m.model.error_text = models_text;
  mcts_evaluation evaluation = {.gives = MCTS_MODEL_VALUES, .evaluate = fails};
  mcts_evaluated *e = mcts_evaluated_new(&m.model, &evaluation);
  CHECK(e);
  const mcts_model *outer = mcts_evaluated_model(e);
  uint64_t state = 1, counter = 1;
  double value[1], priors[3];
  int32_t terminated;
  mcts_bitgen rng = {.state = &counter};
  CHECK(outer->evaluate(outer->ctx, &state, priors, NULL) == MCTS_OK); /* the model's own */
  CHECK(outer->evaluate(outer->ctx, &state, priors, value) == MCTS_ERROR);
  CHECK(strcmp(outer->error_text(outer->ctx), "no value for this") == 0);
  CHECK(outer->sample(outer->ctx, &state, 0, &rng, &state, value, &terminated, NULL) < 0);
  CHECK(strcmp(outer->error_text(outer->ctx), "no such step") == 0);
  CHECK(!(outer->flags & MCTS_MODEL_THREAD_SAFE)); /* the evaluation is not */
  mcts_evaluated_free(e);
}

/* ---- contexts ----------------------------------------------------------------------- */

typedef struct counting {
  fan_model *m;
  int alive;
} counting;

static counting contexts;

static int new_context(void *ctx, void **thread_ctx) {
  fan_model *mine = malloc(sizeof *mine);
  if (!mine) return MCTS_ERROR;
  *mine = *(fan_model *)ctx;
  contexts.alive += 1;
  *thread_ctx = mine;
  return MCTS_OK;
}

static void free_context(void *thread_ctx) {
  CHECK(thread_ctx != contexts.m);
  contexts.alive -= 1;
  free(thread_ctx);
}

static void a_thread_has_a_context_of_its_own(void) {
  fan_model m;
  fan_model_begin(&m, 3, 2, STYLE_UNIFORM, false);
  m.model.context_new = new_context;
  m.model.context_free = free_context;
  contexts = (counting){&m, 0};
  mcts_evaluation evaluation = {
      .data = &m, .gives = MCTS_MODEL_PRIORS, .evaluate = fan_evaluate, .thread_safe = 1};
  mcts_evaluated *e = mcts_evaluated_new(&m.model, &evaluation);
  CHECK(e);
  search *s = searched(mcts_evaluated_model(e), PUCT_BY_VALUE, 3);
  CHECK(contexts.alive == 1);
  search_free(s);
  CHECK(contexts.alive == 0);
  mcts_evaluated_free(e);
}

/* ---- tables ------------------------------------------------------------------------- */

static void a_table_is_looked_up(void) {
  double values[] = {1.0, -2.0, 0.5}, priors[] = {1, 2, 3, 4, 5, 6}, value, row[2];
  mcts_evaluation_table table = {values, priors, 2};
  mcts_evaluation evaluation = mcts_evaluation_of_table(&table);
  CHECK(evaluation.gives == (MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS) && evaluation.thread_safe);
  for (int64_t state = 0; state < 3; state++) {
    CHECK(evaluation.evaluate(evaluation.data, &state, row, &value) == MCTS_OK);
    CHECK(value == values[state] && row[0] == 2.0 * (double)state + 1.0 && row[1] == row[0] + 1);
    CHECK(evaluation.evaluate(evaluation.data, &state, NULL, NULL) == MCTS_OK);
  }
}

int main(void) {
  logarithm_fill_tables();
  const search_options all[] = {BY_VALUE, PUCT_BY_VALUE, PUCT_BY_ROLLOUT, BY_STATE, BY_HISTORY,
                                GUMBEL, MIXED};
  const uint64_t gives[] = {0, MCTS_MODEL_VALUES, MCTS_MODEL_PRIORS,
                            MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    for (size_t k = 0; k < sizeof gives / sizeof *gives; k++) {
      the_tree_is_that_of_a_model_of_its_own(all[i], 1, false, gives[k]);
      if (all[i].backup != BACKUP_BELLMAN)
        the_tree_is_that_of_a_model_of_its_own(all[i], 2, true, gives[k]);
    }
    /* whose players do not follow from histories */
    if (all[i].outcome_key == OUTCOME_STATE) owned_states_come_back(all[i]);
  }
  a_failure_says_whose_it_is();
  a_thread_has_a_context_of_its_own();
  a_table_is_looked_up();
  return 0;
}
