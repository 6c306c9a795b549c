/* Questions to the model. Outputs are set to sentinels before a call and validated after
 * it, because a compiled callback that failed may return 0 and leave garbage behind. */
#ifndef MCTS_CORE_ASK_H
#define MCTS_CORE_ASK_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "loop.h"
#include "mcts_model.h"

/* What the core's functions return beside MCTS_OK. */
enum outcome_of_call {
  FAILED = -100,      /* the model broke its contract: see the fault */
  OUT_OF_BYTES = -101,
  INTERRUPTED = -102  /* cancelled, or out of time, in the middle of a simulation */
};

/* How the model broke its contract. */
typedef struct {
  const char *function; /* of the model; NULL: no fault */
  const char *problem;  /* what was wrong with its answer; NULL: it returned `status` */
  int status;
  char text[256]; /* the model's own error text */
} fault;

RARE_PIECE void fault_note(fault *f, const mcts_model *m, void *ctx, const char *function,
                           const char *problem, int status) {
  f->function = function;
  f->problem = problem;
  f->status = status;
  const char *text = !problem && m->error_text ? m->error_text(ctx) : NULL;
  strncpy(f->text, text ? text : "", sizeof f->text - 1);
  f->text[sizeof f->text - 1] = '\0';
}

LOOP_PIECE int fault_set(fault *f, const mcts_model *m, void *ctx, const char *function,
                         const char *problem, int status) {
  fault_note(f, m, ctx, function, problem, status);
  return FAILED;
}

#define ASK_IS_SIZED " is not a finite number of at most 1e140 in size, or was not set"
#define ASK_REWARD_PROBLEM "a reward" ASK_IS_SIZED
#define ASK_VALUE_PROBLEM "a value" ASK_IS_SIZED
#define ASK_END_PROBLEM "terminated is neither 0 nor 1, or was not set"

/* Finite, and so far from the largest double that neither a return of many such numbers nor
 * the square of one overflows. */
static inline bool ask_is_sound(double x) { return fabs(x) <= 1e140; }

/* What is wrong with the answer to a step; NULL: nothing. */
LOOP_PIECE const char *ask_step_problem(const double *rewards, uint32_t players,
                                        int32_t terminated) {
  if (terminated != 0 && terminated != 1) return ASK_END_PROBLEM;
  for (uint32_t p = 0; p < players; p++)
    if (!ask_is_sound(rewards[p])) return ASK_REWARD_PROBLEM;
  return NULL;
}

/* `observation` is NULL where none is asked for; `players` are the model's. */
LOOP_PIECE int ask_sample(const mcts_model *m, void *ctx, const void *state, int32_t action,
                          mcts_bitgen *rng, size_t state_size, void *next_state, double *rewards,
                          uint32_t players, bool *terminated, void *observation, fault *f) {
  int32_t ended = -1;
  state_clear(next_state, state_size);
  if (observation) memset(observation, 0, m->observation_bytes);
  for (uint32_t p = 0; p < players; p++) rewards[p] = NAN;
  int status = m->sample(ctx, state, action, rng, next_state, rewards, &ended, observation);
  if (status < 0) return fault_set(f, m, ctx, "sample", NULL, status);
  const char *problem = ask_step_problem(rewards, players, ended);
  if (problem) {
    if (m->release) m->release(ctx, next_state);
    return fault_set(f, m, ctx, "sample", problem, MCTS_OK);
  }
  *terminated = ended;
  return MCTS_OK;
}

/* All outcomes of an action of a single player's model; next states `state_size` apart. */
static inline int ask_transitions(const mcts_model *m, void *ctx, const void *state,
                                  int32_t action, size_t state_size, int32_t *count,
                                  double *probability, unsigned char *next_states,
                                  double *reward, int32_t *terminated, fault *f) {
  *count = -1;
  memset(next_states, 0, state_size * m->max_outcomes);
  for (uint32_t i = 0; i < m->max_outcomes; i++) {
    probability[i] = reward[i] = NAN;
    terminated[i] = -1;
  }
  int status = m->transitions(ctx, state, action, count, probability, next_states, reward,
                              terminated);
  if (status < 0) return fault_set(f, m, ctx, "transitions", NULL, status);
  if (*count < 1 || (uint32_t)*count > m->max_outcomes)
    return fault_set(f, m, ctx, "transitions", "the count is not from 1 to max_outcomes", MCTS_OK);
  double sum = 0.0;
  const char *problem = NULL;
  for (int32_t i = 0; i < *count; i++) {
    sum += probability[i];
    if (!(probability[i] > 0.0)) problem = "a probability is not above 0, or was not set";
    if (!ask_is_sound(reward[i])) problem = ASK_REWARD_PROBLEM;
    if (terminated[i] != 0 && terminated[i] != 1) problem = ASK_END_PROBLEM;
  }
  if (!(fabs(sum - 1.0) < 1e-6)) problem = "the probabilities do not sum to 1";
  if (!problem) return MCTS_OK;
  for (int32_t i = 0; i < *count && m->release; i++)
    m->release(ctx, next_states + (size_t)i * state_size);
  return fault_set(f, m, ctx, "transitions", problem, MCTS_OK);
}

/* The legal actions, ascending; `actions` has room for max_actions. */
static inline int ask_actions(const mcts_model *m, void *ctx, const void *state,
                              int32_t *actions, int32_t *count, fault *f) {
  if (!m->actions) {
    *count = (int32_t)m->num_actions;
    for (int32_t i = 0; i < *count; i++) actions[i] = i;
    return MCTS_OK;
  }
  *count = -1;
  int status = m->actions(ctx, state, count, actions);
  if (status < 0) return fault_set(f, m, ctx, "actions", NULL, status);
  if (*count < 0 || (uint32_t)*count > m->max_actions)
    return fault_set(f, m, ctx, "actions", "the count is not from 0 to max_actions", MCTS_OK);
  for (int32_t i = 0; i < *count; i++) {
    if (actions[i] < 0 || (m->num_actions && (uint32_t)actions[i] >= m->num_actions))
      return fault_set(f, m, ctx, "actions", "an action is not from 0 to num_actions - 1",
                       MCTS_OK);
    if (i > 0 && actions[i] <= actions[i - 1])
      return fault_set(f, m, ctx, "actions", "the actions do not ascend", MCTS_OK);
  }
  return MCTS_OK;
}

/* As ask_actions, of a state that is not terminal: there must be one. */
static inline int ask_some_actions(const mcts_model *m, void *ctx, const void *state,
                                   int32_t *actions, int32_t *count, fault *f) {
  int status = ask_actions(m, ctx, state, actions, count, f);
  if (status == MCTS_OK && *count == 0)
    return fault_set(f, m, ctx, "actions", "no action is legal in a state that is not terminal",
                     MCTS_OK);
  return status;
}

static inline int ask_player(const mcts_model *m, void *ctx, const void *state, uint8_t *player,
                             fault *f) {
  *player = 0;
  if (!m->player) return MCTS_OK;
  int32_t answer = -1;
  int status = m->player(ctx, state, &answer);
  if (status < 0) return fault_set(f, m, ctx, "player", NULL, status);
  if (answer < 0 || (uint32_t)answer >= m->num_players)
    return fault_set(f, m, ctx, "player", "the player is not from 0 to num_players - 1", MCTS_OK);
  *player = (uint8_t)answer;
  return MCTS_OK;
}

static inline int ask_terminal(const mcts_model *m, void *ctx, const void *state, bool *terminal,
                               fault *f) {
  *terminal = false;
  if (!m->terminal) return MCTS_OK;
  int32_t answer = -1;
  int status = m->terminal(ctx, state, &answer);
  if (status < 0) return fault_set(f, m, ctx, "terminal", NULL, status);
  if (answer != 0 && answer != 1)
    return fault_set(f, m, ctx, "terminal", "the answer is neither 0 nor 1", MCTS_OK);
  *terminal = answer;
  return MCTS_OK;
}

LOOP_PIECE int ask_finite(const mcts_model *m, void *ctx, const double *numbers, uint32_t players,
                          const char *function, const char *problem, fault *f) {
  for (uint32_t p = 0; p < players; p++)
    if (!ask_is_sound(numbers[p])) return fault_set(f, m, ctx, function, problem, MCTS_OK);
  return MCTS_OK;
}

/* The model's own priors over the actions of a state, [max_actions], and its value for each
 * player; what is NULL is not asked for. Priors are validated by who knows which are legal. */
static inline int ask_evaluation(const mcts_model *m, void *ctx, const void *state, double *priors,
                                 double *values, fault *f) {
  for (uint32_t i = 0; priors && i < m->max_actions; i++) priors[i] = NAN;
  for (uint32_t p = 0; values && p < m->num_players; p++) values[p] = NAN;
  int status = m->evaluate(ctx, state, priors, values);
  if (status < 0) return fault_set(f, m, ctx, "evaluate", NULL, status);
  if (!values) return MCTS_OK;
  return ask_finite(m, ctx, values, m->num_players, "evaluate", ASK_VALUE_PROBLEM, f);
}

static inline int ask_value(const mcts_model *m, void *ctx, const void *state, double *values,
                            fault *f) {
  return ask_evaluation(m, ctx, state, NULL, values, f);
}

LOOP_PIECE int ask_rollout(const mcts_model *m, void *ctx, const void *state, uint32_t max_steps,
                           double discount, mcts_bitgen *rng, double *returns, uint32_t players,
                           uint64_t *steps, fault *f) {
  int64_t taken = -1;
  for (uint32_t p = 0; p < players; p++) returns[p] = NAN;
  int status = m->rollout(ctx, state, max_steps, discount, rng, returns, &taken);
  if (status < 0) return fault_set(f, m, ctx, "rollout", NULL, status);
  if (taken < 0 || taken > (int64_t)max_steps)
    return fault_set(f, m, ctx, "rollout", "the steps are not from 0 to max_steps", MCTS_OK);
  *steps += (uint64_t)taken;
  return ask_finite(m, ctx, returns, players, "rollout", "a return" ASK_IS_SIZED, f);
}

/* The action that the rollout policy takes in a state that is not terminal; `random`: whatever the
 * model's own is. */
static inline int ask_rollout_action(const mcts_model *m, void *ctx, const void *state, bool random,
                                     mcts_bitgen *rng, int32_t *scratch, int32_t *action,
                                     fault *f) {
  if (random || !m->rollout_action) {
    if (!m->actions) {
      *action = (int32_t)mcts_random_below(rng, m->num_actions);
      return MCTS_OK;
    }
    int32_t count;
    int status = ask_some_actions(m, ctx, state, scratch, &count, f);
    if (status < 0) return status;
    *action = scratch[mcts_random_below(rng, (uint32_t)count)];
    return MCTS_OK;
  }
  int64_t answer = -1;
  int status = m->rollout_action(ctx, state, rng, &answer);
  if (status < 0) return fault_set(f, m, ctx, "rollout_action", NULL, status);
  if (answer < 0 || answer >= (int64_t)(m->num_actions ? m->num_actions : m->max_actions))
    return fault_set(f, m, ctx, "rollout_action", "the action is not from 0 to num_actions - 1",
                     MCTS_OK);
  *action = (int32_t)answer;
  return MCTS_OK;
}

#endif
