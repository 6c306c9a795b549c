/* A latent model as a learned one looks to a search: states lead to states, with a reward each,
 * and each has a value and priors. Its answers are looked up in a table, so that what is left is
 * the search. Nothing ends, and an action leads to one state only. */
#include "latent_table.h"
#include "mcts_model.h"

/* For whoever writes the same model in another language. */
latent_table latent_numbers;

__attribute__((constructor)) static void fill(void) { latent_fill(&latent_numbers); }

static int validate(void *ctx, const void *state) {
  int64_t s = *(const int64_t *)state;
  (void)ctx;
  return 0 <= s && s < LATENT_STATES ? MCTS_OK : MCTS_INVALID_STATE;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx, (void)rng, (void)observation;
  if (action < 0 || action >= LATENT_ACTIONS) return MCTS_INVALID_ACTION;
  int64_t s = *(const int64_t *)state;
  *(int64_t *)next_state = latent_numbers.next[s][action];
  rewards[0] = (double)latent_numbers.reward[s][action];
  *terminated = 0;
  return MCTS_OK;
}

static int evaluate(void *ctx, const void *state, double *priors, double *values) {
  int64_t s = *(const int64_t *)state;
  (void)ctx;
  for (int a = 0; priors && a < LATENT_ACTIONS; a++) priors[a] = (double)latent_numbers.prior[s][a];
  if (values) values[0] = (double)latent_numbers.value[s];
  return MCTS_OK;
}

static int evaluate_batch(void *ctx, int64_t count, const void *states, double *priors,
                          double *values, int32_t *status) {
  (void)status;
  for (int64_t i = 0; i < count; i++)
    evaluate(ctx, (const int64_t *)states + i, priors ? priors + i * LATENT_ACTIONS : NULL,
             values ? values + i : NULL);
  return MCTS_OK;
}

static int step_batch(void *ctx, int64_t count, const void *states, const int64_t *actions,
                      mcts_bitgen *const *rngs, void *next_states, double *rewards,
                      int32_t *terminated, void *observations, double *priors, double *values,
                      int32_t *status) {
  (void)rngs, (void)observations;
  for (int64_t i = 0; i < count; i++)
    status[i] = sample(ctx, (const int64_t *)states + i, actions[i], NULL,
                       (int64_t *)next_states + i, rewards + i, terminated + i, NULL);
  if (priors || values) evaluate_batch(ctx, count, next_states, priors, values, status);
  return MCTS_OK;
}

const mcts_model latent = {
    .abi_version = MCTS_MODEL_ABI_VERSION,
    .struct_size = sizeof(mcts_model),
    .flags = MCTS_MODEL_THREAD_SAFE | MCTS_MODEL_DETERMINISTIC | MCTS_MODEL_VALUES |
             MCTS_MODEL_PRIORS,
    .discount = LATENT_DISCOUNT,
    .state_bytes = sizeof(int64_t),
    .num_actions = LATENT_ACTIONS,
    .max_actions = LATENT_ACTIONS,
    .num_players = 1,
    .validate = validate,
    .sample = sample,
    .evaluate = evaluate,
    .step_batch = step_batch,
    .evaluate_batch = evaluate_batch,
};
