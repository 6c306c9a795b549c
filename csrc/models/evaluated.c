/* Every function of a model but two hands its question on:
 *
 *     the search ----> evaluated ---- evaluate, evaluate_batch ----> evaluation
 *                          |
 *                          +--------- all others ------------------> model
 *
 * A thread that has a context of the model's has one of ours around it. */
#include "evaluated.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

typedef struct context {
  const mcts_evaluated *evaluated;
  void *inner; /* what the model's functions are given */
} context;

struct mcts_evaluated {
  mcts_model model;
  const mcts_model *inner;
  mcts_evaluation evaluation;
  context context;
};

/* Whether what this thread asked last was an evaluation, and failed. */
static _Thread_local int evaluation_failed;

static const mcts_model *inner_of(void *ctx) { return ((context *)ctx)->evaluated->inner; }

/* The model, before it is asked anything but an evaluation. */
static const mcts_model *next_of(void *ctx) {
  evaluation_failed = 0;
  return inner_of(ctx);
}

static void *inner_ctx(void *ctx) { return ((context *)ctx)->inner; }

/* ---- handed on ---------------------------------------------------------------------- */

static int enter(void *ctx) { return next_of(ctx)->enter(inner_ctx(ctx)); }

static void leave(void *ctx) { next_of(ctx)->leave(inner_ctx(ctx)); }

static int retain(void *ctx, const void *state) {
  return next_of(ctx)->retain(inner_ctx(ctx), state);
}

static void release(void *ctx, const void *state) {
  next_of(ctx)->release(inner_ctx(ctx), state);
}

static int key(void *ctx, const void *state, void *result) {
  return next_of(ctx)->key(inner_ctx(ctx), state, result);
}

static int validate(void *ctx, const void *state) {
  return next_of(ctx)->validate(inner_ctx(ctx), state);
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  return next_of(ctx)->terminal(inner_ctx(ctx), state, result);
}

static int player(void *ctx, const void *state, int32_t *result) {
  return next_of(ctx)->player(inner_ctx(ctx), state, result);
}

static int actions(void *ctx, const void *state, int32_t *count, int32_t *result) {
  return next_of(ctx)->actions(inner_ctx(ctx), state, count, result);
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  return next_of(ctx)->sample(inner_ctx(ctx), state, action, rng, next_state, rewards, terminated,
                               observation);
}

static int transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                       double *probabilities, void *next_states, double *rewards,
                       int32_t *terminated) {
  return next_of(ctx)->transitions(inner_ctx(ctx), state, action, count, probabilities,
                                    next_states, rewards, terminated);
}

static int sample_action(void *ctx, const void *state, mcts_bitgen *rng, void *action) {
  return next_of(ctx)->sample_action(inner_ctx(ctx), state, rng, action);
}

static int rollout_action(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action) {
  return next_of(ctx)->rollout_action(inner_ctx(ctx), state, rng, action);
}

static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  return next_of(ctx)->rollout(inner_ctx(ctx), state, max_steps, discount, rng, returns, steps);
}

static int observation_density(void *ctx, int64_t action, const void *next_state,
                               const void *observation, double *density) {
  return next_of(ctx)->observation_density(inner_ctx(ctx), action, next_state, observation,
                                            density);
}

/* Priors and values of next states are not asked for: no flag promises them. */
static int step_batch(void *ctx, int64_t count, const void *states, const int64_t *chosen,
                      mcts_bitgen *const *rngs, void *next_states, double *rewards,
                      int32_t *terminated, void *observations, double *priors, double *values,
                      int32_t *status) {
  return next_of(ctx)->step_batch(inner_ctx(ctx), count, states, chosen, rngs, next_states,
                                   rewards, terminated, observations, priors, values, status);
}

/* ---- evaluated ---------------------------------------------------------------------- */

static const mcts_evaluation *evaluation_of(void *ctx) {
  return &((context *)ctx)->evaluated->evaluation;
}

/* What the evaluation does not give, the model does. Each pointer goes to one of the two. */
typedef struct shares {
  double *priors, *values;             /* of the evaluation */
  double *inner_priors, *inner_values; /* of the model */
} shares;

static shares shared_out(const mcts_evaluation *evaluation, double *priors, double *values) {
  int own_priors = (evaluation->gives & MCTS_MODEL_PRIORS) != 0;
  int own_values = (evaluation->gives & MCTS_MODEL_VALUES) != 0;
  return (shares){own_priors ? priors : NULL, own_values ? values : NULL,
                  own_priors ? NULL : priors, own_values ? NULL : values};
}

void mcts_evaluation_fails(const char *text) { (void)fail(MCTS_ERROR, "%s", text); }

/* Before an evaluation: nothing is known of it. */
static void begin_evaluation(void) {
  evaluation_failed = 0;
  failure[0] = 0;
}

/* Keeps that an evaluation has failed. */
static int ended(int status) {
  evaluation_failed = status < 0;
  return status;
}

static int evaluate(void *ctx, const void *state, double *priors, double *values) {
  const mcts_evaluation *evaluation = evaluation_of(ctx);
  shares to = shared_out(evaluation, priors, values);
  int status = MCTS_OK;
  begin_evaluation();
  if (to.inner_priors || to.inner_values)
    status = inner_of(ctx)->evaluate(inner_ctx(ctx), state, to.inner_priors, to.inner_values);
  if (status < 0 || !(to.priors || to.values)) return status;
  return ended(evaluation->evaluate(evaluation->data, state, to.priors, to.values));
}

/* The model's share, row by row: it may have no form for many. */
static void inner_rows(void *ctx, int64_t count, const char *states, const shares *to,
                       int32_t *status) {
  const mcts_model *m = inner_of(ctx);
  size_t stride = ((size_t)m->state_bytes + 7) / 8 * 8;
  for (int64_t i = 0; i < count; i++) {
    double *priors = to->inner_priors ? to->inner_priors + i * m->max_actions : NULL;
    double *values = to->inner_values ? to->inner_values + i * m->num_players : NULL;
    status[i] = m->evaluate(inner_ctx(ctx), states + (size_t)i * stride, priors, values);
  }
}

static int evaluate_batch(void *ctx, int64_t count, const void *states, double *priors,
                          double *values, int32_t *status) {
  const mcts_evaluation *evaluation = evaluation_of(ctx);
  shares to = shared_out(evaluation, priors, values);
  begin_evaluation();
  if (to.inner_priors || to.inner_values) inner_rows(ctx, count, states, &to, status);
  if (!(to.priors || to.values)) return MCTS_OK;
  return ended(evaluation->evaluate_batch(evaluation->data, count, states, to.priors, to.values,
                                          status));
}

static const char *error_text(void *ctx) {
  const mcts_model *m = inner_of(ctx);
  if (evaluation_failed) return failure_text(NULL);
  return m->error_text ? m->error_text(inner_ctx(ctx)) : NULL;
}

/* ---- contexts ----------------------------------------------------------------------- */

static int context_new(void *ctx, void **thread_ctx) {
  context *mine = malloc(sizeof *mine);
  if (!mine) return fail(MCTS_ERROR, "no memory for a thread's context");
  *mine = *(context *)ctx;
  int status = inner_of(ctx)->context_new(inner_ctx(ctx), &mine->inner);
  if (status < 0) free(mine);
  else *thread_ctx = mine;
  return status;
}

static void context_free(void *thread_ctx) {
  inner_of(thread_ctx)->context_free(inner_ctx(thread_ctx));
  free(thread_ctx);
}

/* ---- building ----------------------------------------------------------------------- */

static uint64_t flags_of(const mcts_model *model, const mcts_evaluation *evaluation) {
  uint64_t flags = model->flags | evaluation->gives;
  flags &= ~(uint64_t)MCTS_MODEL_STEP_EVALUATES;
  return evaluation->thread_safe ? flags : flags & ~(uint64_t)MCTS_MODEL_THREAD_SAFE;
}

mcts_evaluated *mcts_evaluated_new(const mcts_model *model, const mcts_evaluation *evaluation) {
  mcts_evaluated *e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->inner = model;
  e->evaluation = *evaluation;
  e->context = (context){e, model->ctx};
  mcts_model *m = &e->model;
  *m = *model;
  m->struct_size = sizeof *m;
  m->flags = flags_of(model, evaluation);
  m->ctx = &e->context;
  m->enter = model->enter ? enter : NULL;
  m->leave = model->leave ? leave : NULL;
  m->context_new = model->context_new ? context_new : NULL;
  m->context_free = model->context_free ? context_free : NULL;
  m->retain = model->retain ? retain : NULL;
  m->release = model->release ? release : NULL;
  m->error_text = error_text;
  m->key = model->key ? key : NULL;
  m->validate = model->validate ? validate : NULL;
  m->terminal = model->terminal ? terminal : NULL;
  m->player = model->player ? player : NULL;
  m->actions = model->actions ? actions : NULL;
  m->sample = sample;
  m->transitions = model->transitions ? transitions : NULL;
  m->sample_action = model->sample_action ? sample_action : NULL;
  m->rollout_action = model->rollout_action ? rollout_action : NULL;
  m->rollout = model->rollout ? rollout : NULL;
  m->evaluate = evaluate;
  m->observation_density = model->observation_density ? observation_density : NULL;
  m->step_batch = model->step_batch ? step_batch : NULL;
  m->evaluate_batch = evaluation->evaluate_batch ? evaluate_batch : NULL;
  return e;
}

void mcts_evaluated_free(mcts_evaluated *evaluated) { free(evaluated); }

const mcts_model *mcts_evaluated_model(const mcts_evaluated *evaluated) {
  return &evaluated->model;
}

/* ---- by a table --------------------------------------------------------------------- */

static int look_up(void *data, const void *state, double *priors, double *values) {
  const mcts_evaluation_table *table = data;
  int64_t s = *(const int64_t *)state;
  if (values) values[0] = table->values[s];
  if (priors)
    memcpy(priors, table->priors + s * table->max_actions,
           (size_t)table->max_actions * sizeof *priors);
  return MCTS_OK;
}

mcts_evaluation mcts_evaluation_of_table(mcts_evaluation_table *table) {
  return (mcts_evaluation){
      .data = table,
      .gives = (table->values ? MCTS_MODEL_VALUES : 0) | (table->priors ? MCTS_MODEL_PRIORS : 0),
      .thread_safe = 1,
      .evaluate = look_up,
  };
}
