/* A walk whose states are handles to counted objects, as a Python model's are.
 *
 * It counts its calls and can be told to fail at one of them, or at a row of a batch, to cancel the
 * search at one of them, to leave an output unset, and to give priors that are none. Every call is
 * checked to come between `enter` and `leave`; a state that is used after its last release is found
 * by AddressSanitizer, one that is never released by `handles_alive`. */
#ifndef HANDLE_MODEL_H
#define HANDLE_MODEL_H

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "mcts_model.h"

typedef struct {
  int owners;
  int64_t position;
} counted;

/* The functions that answer the search. */
enum question { SAMPLE, ACTIONS, PLAYER, TERMINAL, KEY, VALIDATE, EVALUATE, ROLLOUT_ACTION,
                ROLLOUT, TRANSITIONS, STEP_BATCH, EVALUATE_BATCH, ENTER, QUESTIONS };

/* Outputs that `sample` can leave unset. */
enum omission { OMIT_NOTHING, OMIT_REWARDS, OMIT_SECOND_REWARD, OMIT_TERMINATED, OMIT_ALL };

/* What is wrong with an evaluation: its value is unset, or the prior of the last legal action is
 * unset, negative or infinite. All priors may be zero: then actions are equally likely. A step that
 * evaluates may also give a value that is too large. */
enum flaw { FLAW_NONE, FLAW_NO_VALUE, FLAW_NO_PRIOR, FLAW_NEGATIVE, FLAW_INFINITE, FLAWS,
            ZERO_PRIORS, FLAW_LARGE_VALUE };

typedef struct {
  mcts_model model;
  int64_t handles_alive;
  int inside; /* between enter and leave */
  int64_t calls[QUESTIONS];
  int64_t fail_at[QUESTIONS]; /* the number of the call that fails, from 1; 0: none */
  bool fails_on;              /* and so do all later ones */
  int64_t rows, fail_row_at;  /* of batches: so many were asked; the one that fails */
  int fail_status;
  enum omission omit;
  enum flaw flaw;
  bool certain;      /* steps do not depend on what is drawn */
  int64_t evaluated; /* rows that evaluate_batch was asked for */
  int64_t told;      /* rows that did not end whose step was asked to evaluate */
  int64_t told_flaw_at; /* the one of them that has `told_flaw`; 0: none */
  enum flaw told_flaw;
  int64_t ring;  /* positions go round: from ring - 1 on to 0; 0: they do not */
  double charge; /* taken off every reward */
  int64_t cancel_at; /* the sample that sets `cancelled`; 0: none */
  atomic_int cancelled;
} handle_model;

static counted *handle_at(const void *state) { return *(counted *const *)state; }

static void handle_write(handle_model *h, void *state, int64_t position) {
  counted *object = malloc(sizeof *object);
  CHECK(object);
  *object = (counted){1, position};
  h->handles_alive += 1;
  *(counted **)state = object;
}

/* Counts a call; whether it is to fail. */
static int handle_asked(handle_model *h, enum question question) {
  CHECK(h->inside == (question != ENTER));
  h->calls[question] += 1;
  int64_t call = h->calls[question], at = h->fail_at[question];
  return call == at || (h->fails_on && at > 0 && call > at);
}

static int handle_enter(void *ctx) {
  handle_model *h = ctx;
  if (handle_asked(h, ENTER)) return h->fail_status;
  h->inside = 1;
  return MCTS_OK;
}

static void handle_leave(void *ctx) {
  handle_model *h = ctx;
  CHECK(h->inside == 1);
  h->inside = 0;
}

static int handle_retain(void *ctx, const void *state) {
  CHECK(((handle_model *)ctx)->inside);
  handle_at(state)->owners += 1;
  return MCTS_OK;
}

static void handle_release(void *ctx, const void *state) {
  handle_model *h = ctx;
  counted *object = handle_at(state);
  CHECK(h->inside);
  if (!object) return; /* a state that `sample` never wrote */
  CHECK(object->owners > 0);
  if (--object->owners > 0) return;
  h->handles_alive -= 1;
  free(object);
}

static const char *handle_error_text(void *ctx) {
  (void)ctx;
  return "told to fail";
}

static int handle_key(void *ctx, const void *state, void *key) {
  if (handle_asked(ctx, KEY)) return ((handle_model *)ctx)->fail_status;
  *(int64_t *)key = handle_at(state)->position;
  return MCTS_OK;
}

static int handle_validate(void *ctx, const void *state) {
  (void)state;
  return handle_asked(ctx, VALIDATE) ? ((handle_model *)ctx)->fail_status : MCTS_OK;
}

static int handle_terminal(void *ctx, const void *state, int32_t *terminal) {
  if (handle_asked(ctx, TERMINAL)) return ((handle_model *)ctx)->fail_status;
  *terminal = handle_at(state)->position >= 20;
  return MCTS_OK;
}

static int handle_player(void *ctx, const void *state, int32_t *player) {
  if (handle_asked(ctx, PLAYER)) return ((handle_model *)ctx)->fail_status;
  *player = (int32_t)(handle_at(state)->position & 1);
  return MCTS_OK;
}

static int handle_actions(void *ctx, const void *state, int32_t *count, int32_t *actions);
static int handle_gap_actions(void *ctx, const void *state, int32_t *count, int32_t *actions);
static int handle_odd_actions(void *ctx, const void *state, int32_t *count, int32_t *actions);

/* The legal actions at a position, as many as returned, by the function that the model has. */
static int32_t handle_legal(const handle_model *h, int64_t position, int32_t *actions) {
  int64_t legal = 7;
  if (h->model.actions == handle_actions) legal = position % 3 ? 7 : 3;
  if (h->model.actions == handle_gap_actions) legal = position % 3 ? 7 : 5;
  if (h->model.actions == handle_odd_actions) legal = 1 + position % 7;
  int32_t count = 0;
  for (int32_t i = 0; i < 3; i++)
    if (legal >> i & 1) actions[count++] = i;
  return count;
}

static int handle_list(handle_model *h, const void *state, int32_t *count, int32_t *actions) {
  if (handle_asked(h, ACTIONS)) return h->fail_status;
  *count = handle_legal(h, handle_at(state)->position, actions);
  return MCTS_OK;
}

static int handle_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  return handle_list(ctx, state, count, actions);
}

/* Where an action's place in the list is not its number. */
static int handle_gap_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  return handle_list(ctx, state, count, actions);
}

/* Another choice at almost every position. */
static int handle_odd_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  return handle_list(ctx, state, count, actions);
}

/* Where a step leads to. */
static int64_t handle_follow(const handle_model *h, const void *state, int64_t steps) {
  int64_t position = handle_at(state)->position + steps;
  return h->ring ? position % h->ring : position;
}

static int32_t handle_ends(const handle_model *h, int64_t position) {
  return h->ring ? position == h->ring - 1 : position >= 20;
}

/* A step; what is observed of it is drawn too, where that is asked for. */
static int handle_step(handle_model *h, bool fails, const void *state, int64_t action,
                       mcts_bitgen *rng, void *next_state, double *rewards, int32_t *terminated,
                       void *observation) {
  int64_t drawn = mcts_random_below(rng, 2);
  int64_t position = handle_follow(h, state, action + (h->certain ? 1 : drawn));
  if (fails) return h->fail_status;
  handle_write(h, next_state, position);
  if (h->omit == OMIT_ALL) return MCTS_OK;
  bool second = h->omit != OMIT_REWARDS && h->omit != OMIT_SECOND_REWARD;
  if (h->omit != OMIT_REWARDS) rewards[0] = (action == 1 ? 1.0 : 0.0) - h->charge;
  if (second && h->model.num_players > 1) rewards[1] = -rewards[0];
  if (h->omit != OMIT_TERMINATED) *terminated = handle_ends(h, position);
  if (observation) *(int64_t *)observation = (position + mcts_random_below(rng, 2)) % 3;
  return MCTS_OK;
}

static int handle_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                         void *next_state, double *rewards, int32_t *terminated,
                         void *observation) {
  handle_model *h = ctx;
  int fails = handle_asked(h, SAMPLE);
  if (h->calls[SAMPLE] == h->cancel_at) atomic_store(&h->cancelled, 1);
  return handle_step(h, fails, state, action, rng, next_state, rewards, terminated, observation);
}

/* Whether the next row of a batch is to fail. */
static bool handle_row_fails(handle_model *h) {
  h->rows += 1;
  if (h->rows == h->cancel_at) atomic_store(&h->cancelled, 1);
  return h->rows == h->fail_row_at;
}

/* `max_outcomes` of them, as likely as each other, one step further each. */
static int handle_transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                              double *probabilities, void *next_states, double *rewards,
                              int32_t *terminated) {
  handle_model *h = ctx;
  if (handle_asked(h, TRANSITIONS)) return h->fail_status;
  *count = (int32_t)h->model.max_outcomes;
  for (int32_t i = 0; i < *count; i++) {
    int64_t position = handle_follow(h, state, action + i);
    handle_write(h, (unsigned char *)next_states + (size_t)i * sizeof(counted *), position);
    probabilities[i] = 1.0 / *count;
    if (h->omit != OMIT_REWARDS) rewards[i] = (action == 1 ? 1.0 : 0.0) - h->charge;
    if (h->omit != OMIT_TERMINATED) terminated[i] = handle_ends(h, position);
  }
  return MCTS_OK;
}

static int handle_rollout_action(void *ctx, const void *state, mcts_bitgen *rng,
                                 int64_t *action) {
  (void)state;
  if (handle_asked(ctx, ROLLOUT_ACTION)) return ((handle_model *)ctx)->fail_status;
  *action = mcts_random_below(rng, 2);
  return MCTS_OK;
}

static int handle_rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                          mcts_bitgen *rng, double *returns, int64_t *steps) {
  (void)state, (void)discount, (void)rng;
  if (handle_asked(ctx, ROLLOUT)) return ((handle_model *)ctx)->fail_status;
  returns[0] = 0.5 - ((handle_model *)ctx)->charge * (double)max_steps;
  if (((handle_model *)ctx)->model.num_players > 1) returns[1] = -0.5;
  *steps = max_steps;
  return MCTS_OK;
}

/* Of the first player; below every return's best where steps are charged for. */
static double handle_value(const handle_model *h, int64_t position) {
  return h->charge > 0.0 ? -10.0 - (double)position / 16.0 : (double)position;
}

/* Small whole numbers, whose sums are exact in any order. */
static double handle_prior(const handle_model *h, int64_t position, int32_t action) {
  return h->flaw == ZERO_PRIORS ? 0.0 : 1.0 + (double)((position + 2 * action) % 4);
}

/* What is not legal is left unset. */
static void handle_write_priors(const handle_model *h, int64_t position, double *priors) {
  int32_t legal[3], count = handle_legal(h, position, legal);
  for (int32_t k = 0; k < count; k++) {
    double *prior = &priors[h->model.num_actions ? legal[k] : k];
    CHECK(isnan(*prior));
    bool is_flawed = k == count - 1;
    if (is_flawed && h->flaw == FLAW_NO_PRIOR) continue;
    *prior = handle_prior(h, position, legal[k]);
    if (is_flawed && h->flaw == FLAW_NEGATIVE) *prior = -1.0;
    if (is_flawed && h->flaw == FLAW_INFINITE) *prior = INFINITY;
  }
}

static void handle_answer(const handle_model *h, const void *state, double *priors,
                          double *values) {
  int64_t position = handle_at(state)->position;
  CHECK(!priors || h->model.flags & MCTS_MODEL_PRIORS);
  CHECK(!values || h->model.flags & MCTS_MODEL_VALUES);
  if (priors) handle_write_priors(h, position, priors);
  if (!values) return;
  CHECK(isnan(values[0]));
  if (h->flaw != FLAW_NO_VALUE) values[0] = handle_value(h, position);
  if (h->model.num_players > 1) values[1] = -values[0];
}

/* What a step tells of where it leads to: of an end, what must not be looked at. */
static void handle_tell(handle_model *h, const void *next_state, bool ends, double *priors,
                        double *values) {
  for (uint32_t i = 0; ends && priors && i < h->model.max_actions; i++) priors[i] = -1.0;
  for (uint32_t p = 0; ends && values && p < h->model.num_players; p++) values[p] = INFINITY;
  if (ends) return;
  h->told += 1;
  h->flaw = h->told == h->told_flaw_at ? h->told_flaw : FLAW_NONE;
  handle_answer(h, next_state, priors, values);
  if (values && h->flaw == FLAW_LARGE_VALUE) values[h->model.num_players - 1] = 1e141;
  h->flaw = FLAW_NONE;
}

static int handle_step_batch(void *ctx, int64_t count, const void *states, const int64_t *actions,
                             mcts_bitgen *const *rngs, void *next_states, double *rewards,
                             int32_t *terminated, void *observations, double *priors,
                             double *values, int32_t *status) {
  handle_model *h = ctx;
  const uint64_t tells = MCTS_MODEL_STEP_EVALUATES | MCTS_MODEL_DETERMINISTIC;
  bool evaluates = priors || values;
  CHECK(count > 0 && (!evaluates || (h->model.flags & tells) == tells));
  if (handle_asked(h, STEP_BATCH)) {
    mcts_random_uint64(rngs[count - 1]); /* which must not be missed by who is asked again */
    return h->fail_status;
  }
  for (int64_t i = 0; i < count; i++) {
    CHECK(status[i] == MCTS_OK && terminated[i] == -1);
    void *observation = observations ? (int64_t *)observations + i : NULL;
    status[i] = handle_step(h, handle_row_fails(h), (counted *const *)states + i, actions[i],
                            rngs[i], (counted **)next_states + i,
                            rewards + i * h->model.num_players, terminated + i, observation);
    if (evaluates && status[i] == MCTS_OK)
      handle_tell(h, (counted **)next_states + i, terminated[i] == 1,
                  priors ? priors + i * h->model.max_actions : NULL,
                  values ? values + i * h->model.num_players : NULL);
  }
  return MCTS_OK;
}

static int handle_evaluate(void *ctx, const void *state, double *priors, double *values) {
  CHECK(priors || values);
  if (handle_asked(ctx, EVALUATE)) return ((handle_model *)ctx)->fail_status;
  handle_answer(ctx, state, priors, values);
  return MCTS_OK;
}

static int handle_evaluate_batch(void *ctx, int64_t count, const void *states, double *priors,
                                 double *values, int32_t *status) {
  handle_model *h = ctx;
  CHECK(count > 0 && (priors || values));
  if (handle_asked(h, EVALUATE_BATCH)) return h->fail_status;
  for (int64_t i = 0; i < count; i++) {
    CHECK(status[i] == MCTS_OK);
    h->evaluated += 1;
    if (handle_row_fails(h)) status[i] = h->fail_status;
    else
      handle_answer(h, (counted *const *)states + i,
                    priors ? priors + i * h->model.max_actions : NULL,
                    values ? values + i * h->model.num_players : NULL);
  }
  return MCTS_OK;
}

/* With every function that has a default left out. `h` must not move afterwards. */
static void handle_model_begin(handle_model *h) {
  memset(h, 0, sizeof *h);
  h->fail_status = MCTS_ERROR;
  h->model = (mcts_model){
      .abi_version = MCTS_MODEL_ABI_VERSION,
      .struct_size = sizeof(mcts_model),
      .ctx = h,
      .discount = 0.9,
      .state_bytes = sizeof(counted *),
      .key_bytes = sizeof(int64_t),
      .num_actions = 3,
      .max_actions = 3,
      .num_players = 2,
      .enter = handle_enter,
      .leave = handle_leave,
      .retain = handle_retain,
      .release = handle_release,
      .error_text = handle_error_text,
      .key = handle_key,
      .player = handle_player,
      .sample = handle_sample,
  };
}

/* For one player, who pays for every step and may go round in a ring. */
static void handle_model_begin_ring(handle_model *h, int64_t ring) {
  handle_model_begin(h);
  h->ring = ring;
  h->charge = 2.0;
  h->model.num_players = 1;
  h->model.player = NULL;
  h->model.observation_bytes = sizeof(int64_t);
}

/* Which evaluates states: MCTS_MODEL_VALUES, MCTS_MODEL_PRIORS, or both. */
static void handle_model_evaluates(handle_model *h, uint64_t flags) {
  h->model.evaluate = handle_evaluate;
  h->model.flags |= flags;
}

/* Which is asked in batches. */
static void handle_model_answers_in_batches(handle_model *h) {
  h->model.step_batch = handle_step_batch;
  if (h->model.evaluate) h->model.evaluate_batch = handle_evaluate_batch;
}

/* Which is deterministic indeed, and whose steps evaluate where they lead to. */
static void handle_model_steps_evaluate(handle_model *h) {
  h->certain = true;
  h->model.flags |= MCTS_MODEL_DETERMINISTIC | MCTS_MODEL_STEP_EVALUATES;
  h->model.step_batch = handle_step_batch;
}

/* Which also tells all outcomes of an action. */
static void handle_model_tells(handle_model *h, uint32_t outcomes) {
  h->model.transitions = handle_transitions;
  h->model.max_outcomes = outcomes;
}

/* With every function there is. */
static void handle_model_begin_whole(handle_model *h) {
  handle_model_begin(h);
  h->model.validate = handle_validate;
  h->model.terminal = handle_terminal;
  h->model.actions = handle_actions;
  h->model.rollout_action = handle_rollout_action;
  h->model.evaluate = handle_evaluate;
  h->model.flags |= MCTS_MODEL_VALUES;
}

#endif
