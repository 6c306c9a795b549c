/* The inventory of plain_python.py in C: the one function that a model needs. */
#include "mcts_model.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int inventory_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                     void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx;
  (void)observation;
  int64_t stock = least(*(const int64_t *)state + action, 20);
  int64_t sold = least((int64_t)(mcts_random_double(rng) * 10.0), stock);
  *(int64_t *)next_state = stock - sold;
  rewards[0] = 3.0 * (double)sold - 1.0 * (double)action - 0.25 * (double)(stock - sold);
  *terminated = 0;
  return MCTS_OK;
}
