/* Functions of models, good ones and those that break their contract, each in one way. A state
 * is an int64. */
#include "mcts_model.h"

#define SAMPLE(name)                                                                       \
  int name(void *ctx, const void *state, int64_t action, mcts_bitgen *rng, void *next_state, \
           double *rewards, int32_t *terminated, void *observation)
#define UNUSED (void)ctx, (void)state, (void)action, (void)rng, (void)observation

SAMPLE(good) {
  UNUSED;
  *(int64_t *)next_state = *(const int64_t *)state + 1;
  rewards[0] = 1.0;
  *terminated = 0;
  return MCTS_OK;
}

SAMPLE(fails) {
  UNUSED, (void)next_state, (void)rewards, (void)terminated;
  return -7;
}

SAMPLE(leaves_reward_unset) {
  UNUSED, (void)rewards, (void)next_state;
  *terminated = 0;
  return MCTS_OK;
}

SAMPLE(leaves_terminated_unset) {
  UNUSED, (void)terminated, (void)next_state;
  rewards[0] = 1.0;
  return MCTS_OK;
}

SAMPLE(refuses_the_state) {
  UNUSED, (void)next_state, (void)rewards, (void)terminated;
  return MCTS_INVALID_STATE;
}

SAMPLE(refuses_the_action) {
  UNUSED, (void)next_state, (void)rewards, (void)terminated;
  return MCTS_INVALID_ACTION;
}

/* The reward is the double that ctx points to. */
SAMPLE(pays_ctx) {
  UNUSED, (void)next_state;
  rewards[0] = *(const double *)ctx;
  *terminated = 1;
  return MCTS_OK;
}

/* ctx: int32_t[2], how often each was called. */
int counts_enter(void *ctx) {
  ((int32_t *)ctx)[0] += 1;
  return MCTS_OK;
}

void counts_leave(void *ctx) { ((int32_t *)ctx)[1] += 1; }

int fails_to_enter(void *ctx) {
  (void)ctx;
  return MCTS_ERROR;
}

int keeps(void *ctx, const void *state) {
  (void)ctx, (void)state;
  return MCTS_OK;
}

void drops(void *ctx, const void *state) { (void)ctx, (void)state; }

const char *says_why(void *ctx) {
  (void)ctx;
  return "the disk is full";
}

const char *says_nothing(void *ctx) {
  (void)ctx;
  return NULL;
}

int leaves_count_unset(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  (void)ctx, (void)state, (void)count, (void)actions;
  return MCTS_OK;
}

int leaves_flag_unset(void *ctx, const void *state, int32_t *flag) {
  (void)ctx, (void)state, (void)flag;
  return MCTS_OK;
}

int no_outcomes(void *ctx, const void *state, int64_t action, int32_t *count,
                double *probabilities, void *next_states, double *rewards, int32_t *terminated) {
  (void)ctx, (void)state, (void)action, (void)count, (void)probabilities, (void)next_states;
  (void)rewards, (void)terminated;
  return MCTS_OK;
}

int unset_outcomes(void *ctx, const void *state, int64_t action, int32_t *count,
                   double *probabilities, void *next_states, double *rewards,
                   int32_t *terminated) {
  (void)ctx, (void)state, (void)action, (void)probabilities, (void)next_states, (void)rewards;
  (void)terminated;
  *count = 2;
  return MCTS_OK;
}

int evaluates_nothing(void *ctx, const void *state, double *priors, double *values) {
  (void)ctx, (void)state, (void)priors, (void)values;
  return MCTS_OK;
}

int rolls_nothing_out(void *ctx, const void *state, int64_t max_steps, double discount,
                      mcts_bitgen *rng, double *returns, int64_t *steps) {
  (void)ctx, (void)state, (void)max_steps, (void)discount, (void)rng, (void)returns, (void)steps;
  return MCTS_OK;
}

int chooses_nothing(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action) {
  (void)ctx, (void)state, (void)rng, (void)action;
  return MCTS_OK;
}

int writes_no_key(void *ctx, const void *state, void *key) {
  (void)ctx, (void)state, (void)key;
  return MCTS_ERROR;
}

int refuses_negative(void *ctx, const void *state) {
  (void)ctx;
  return *(const int64_t *)state < 0 ? MCTS_INVALID_STATE : MCTS_OK;
}

/* ctx: int64_t[2], the states that evaluate_batch was asked about and those that step_batch was. */
static void weigh(int64_t state, double *priors, double *values) {
  if (priors) priors[0] = 1.0 + (double)(state % 3);
  if (priors) priors[1] = 2.0;
  if (values) values[0] = (double)(state % 5);
}

int weighs(void *ctx, const void *state, double *priors, double *values) {
  (void)ctx;
  weigh(*(const int64_t *)state, priors, values);
  return MCTS_OK;
}

int weighs_rows(void *ctx, int64_t count, const void *states, double *priors, double *values,
                int32_t *status) {
  (void)status;
  ((int64_t *)ctx)[0] += count;
  for (int64_t i = 0; i < count; i++)
    weigh(((const int64_t *)states)[i], priors ? priors + 2 * i : 0, values ? values + i : 0);
  return MCTS_OK;
}

int steps_and_weighs(void *ctx, int64_t count, const void *states, const int64_t *actions,
                     mcts_bitgen *const *rngs, void *next_states, double *rewards,
                     int32_t *terminated, void *observations, double *priors, double *values,
                     int32_t *status) {
  (void)rngs, (void)observations, (void)status;
  if (priors || values) ((int64_t *)ctx)[1] += count;
  for (int64_t i = 0; i < count; i++) {
    int64_t next = ((int64_t *)next_states)[i] = ((const int64_t *)states)[i] + 1 + actions[i];
    rewards[i] = 1.0;
    terminated[i] = 0;
    weigh(next, priors ? priors + 2 * i : 0, values ? values + i : 0);
  }
  return MCTS_OK;
}

SAMPLE(steps) {
  UNUSED;
  *(int64_t *)next_state = *(const int64_t *)state + 1 + action;
  rewards[0] = 1.0;
  *terminated = 0;
  return MCTS_OK;
}

/* A good struct, which a test copies and spoils. */
const mcts_model good_model = {
    .abi_version = MCTS_MODEL_ABI_VERSION,
    .struct_size = sizeof(mcts_model),
    .discount = 1.0,
    .state_bytes = 8,
    .num_actions = 2,
    .max_actions = 2,
    .num_players = 1,
    .sample = good,
};
