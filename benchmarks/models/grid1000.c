/* grid1000: the walk of grid10.c over a thousand by a thousand cells, a million states.
 *
 *   cell = 1000 row + column    the goal is in the middle; the start 20 rows above and 20 columns
 *                               to the left of it, 40 steps away
 *   actions 0 up, 1 right, 2 down, 3 left; a step off the board stays
 *   with 0.8 as meant, with 0.1 each a quarter turn to either side
 *   reward 10 on reaching the goal, which ends it, else -0.1; the discount is 0.99
 *
 * `grid1000` knows its probabilities, `grid1000_by_samples` is known from samples alone. */
#include "mcts_model.h"

enum { SIDE = 1000, CELLS = SIDE * SIDE, ACTIONS = 4, OUTCOMES = 3 };
enum { GOAL = SIDE / 2 * SIDE + SIDE / 2 };

#define DISCOUNT 0.99
#define GOAL_REWARD 10.0
#define STEP_REWARD (-0.1)

/* In quarter turns to the right of what was meant. */
static const uint32_t turns[OUTCOMES] = {0, 1, 3};
static const double probability[OUTCOMES] = {0.8, 0.1, 0.1};

static inline int32_t neighbour(int32_t cell, uint32_t direction) {
  int32_t row = cell / SIDE, column = cell % SIDE;
  switch (direction % ACTIONS) {
    case 0: return row > 0 ? cell - SIDE : cell;
    case 1: return column < SIDE - 1 ? cell + 1 : cell;
    case 2: return row < SIDE - 1 ? cell + SIDE : cell;
    default: return column > 0 ? cell - 1 : cell;
  }
}

static int validate(void *ctx, const void *state) {
  int32_t cell = *(const int32_t *)state;
  (void)ctx;
  return 0 <= cell && cell < CELLS ? MCTS_OK : MCTS_INVALID_STATE;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  (void)ctx;
  *result = *(const int32_t *)state == GOAL;
  return MCTS_OK;
}

static void arrive(int32_t cell, int32_t *next_state, double *reward, int32_t *terminated) {
  *next_state = cell;
  *terminated = cell == GOAL;
  *reward = cell == GOAL ? GOAL_REWARD : STEP_REWARD;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx, (void)observation;
  if (action < 0 || action >= ACTIONS) return MCTS_INVALID_ACTION;
  double draw = mcts_random_double(rng);
  uint32_t turn = turns[(draw >= 0.8) + (draw >= 0.9)];
  int32_t cell = neighbour(*(const int32_t *)state, (uint32_t)action + turn);
  arrive(cell, next_state, rewards, terminated);
  return MCTS_OK;
}

/* At an edge two outcomes may be one cell: their probabilities are added. */
static int transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                       double *probabilities, void *next_states, double *rewards,
                       int32_t *terminated) {
  int32_t found = 0, cells[OUTCOMES];
  (void)ctx;
  if (action < 0 || action >= ACTIONS) return MCTS_INVALID_ACTION;
  for (int i = 0; i < OUTCOMES; i++) {
    int32_t cell = neighbour(*(const int32_t *)state, (uint32_t)action + turns[i]), k = 0;
    while (k < found && cells[k] != cell) k++;
    if (k == found) {
      /* A state takes eight bytes in an array of them. */
      arrive(cell, (int32_t *)((char *)next_states + 8 * k), rewards + k, terminated + k);
      cells[found++] = cell;
      probabilities[k] = 0.0;
    }
    probabilities[k] += probability[i];
  }
  *count = found;
  return MCTS_OK;
}

#define MODEL                                                                       \
  .abi_version = MCTS_MODEL_ABI_VERSION, .struct_size = sizeof(mcts_model),         \
  .flags = MCTS_MODEL_THREAD_SAFE, .discount = DISCOUNT,                            \
  .state_bytes = sizeof(int32_t), .num_actions = ACTIONS, .max_actions = ACTIONS,   \
  .num_players = 1, .validate = validate, .terminal = terminal, .sample = sample

const mcts_model grid1000 = {MODEL, .transitions = transitions, .max_outcomes = OUTCOMES};
const mcts_model grid1000_by_samples = {MODEL};
