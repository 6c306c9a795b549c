/* grid10: a slippery walk over ten by ten cells, as a user's model behind mcts_model.h.
 *
 *      0  1  2 ...  9      start 0, goal 99
 *     10 11 12 ... 19      actions 0 up, 1 right, 2 down, 3 left; a step off the board stays
 *      .            .      with 0.8 as meant, with 0.1 each a quarter turn to either side
 *     90 91 92 ... 99      reward 10 on reaching the goal, which ends it, else -0.1
 *
 * Draws the same numbers as the model of the same name in grid10.py, so that the two give the
 * same plan for the same seed. */
#include "mcts_model.h"

enum { SIDE = 10, CELLS = SIDE * SIDE, GOAL = CELLS - 1, ACTIONS = 4 };

#define DISCOUNT 0.95
#define GOAL_REWARD 10.0
#define STEP_REWARD (-0.1)

/* mcts_random_double() >= 0.8 and >= 0.9, asked of the 53 bits that it is made from. */
#define SLIP (UINT64_C(7205759403792794))
#define SLIP_LEFT (UINT64_C(8106479329266893))

#define UP(cell) ((cell) < SIDE ? (cell) : (cell)-SIDE)
#define RIGHT(cell) ((cell) % SIDE == SIDE - 1 ? (cell) : (cell) + 1)
#define DOWN(cell) ((cell) >= CELLS - SIDE ? (cell) : (cell) + SIDE)
#define LEFT(cell) ((cell) % SIDE == 0 ? (cell) : (cell)-1)
#define CELL(cell) {UP(cell), RIGHT(cell), DOWN(cell), LEFT(cell)}
#define FIVE_CELLS(cell) \
  CELL(cell), CELL((cell) + 1), CELL((cell) + 2), CELL((cell) + 3), CELL((cell) + 4)
#define ROW(cell) FIVE_CELLS(cell), FIVE_CELLS((cell) + 5)

static const int8_t neighbour[CELLS][ACTIONS] = {ROW(0),  ROW(10), ROW(20), ROW(30), ROW(40),
                                                 ROW(50), ROW(60), ROW(70), ROW(80), ROW(90)};

static inline int32_t move(int32_t cell, uint32_t action, mcts_bitgen *rng) {
  uint64_t draw = mcts_random_uint64(rng) >> 11;
  uint32_t turn = (uint32_t)(draw >= SLIP) + 2 * (uint32_t)(draw >= SLIP_LEFT);
  return neighbour[cell][(action + turn) % ACTIONS];
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

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx, (void)observation;
  if (action < 0 || action >= ACTIONS) return MCTS_INVALID_ACTION;
  int32_t cell = move(*(const int32_t *)state, (uint32_t)action, rng);
  *(int32_t *)next_state = cell;
  *terminated = cell == GOAL;
  rewards[0] = cell == GOAL ? GOAL_REWARD : STEP_REWARD;
  return MCTS_OK;
}

/* Draws as the search's own rollout does: the action, then the step. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  int32_t cell = *(const int32_t *)state;
  double weight = 1.0, total = 0.0;
  int64_t step = 0;
  (void)ctx;
  while (step < max_steps && cell != GOAL) {
    uint32_t action = mcts_random_below(&local, ACTIONS);
    cell = move(cell, action, &local);
    total += weight * (cell == GOAL ? GOAL_REWARD : STEP_REWARD);
    weight *= discount;
    step++;
  }
  *(uint64_t *)rng->state = counter;
  *returns = total;
  *steps = step;
  return MCTS_OK;
}

#define MODEL                                                                       \
  .abi_version = MCTS_MODEL_ABI_VERSION, .struct_size = sizeof(mcts_model),         \
  .flags = MCTS_MODEL_THREAD_SAFE, .discount = DISCOUNT,                            \
  .state_bytes = sizeof(int32_t), .num_actions = ACTIONS, .max_actions = ACTIONS,   \
  .num_players = 1, .validate = validate, .terminal = terminal, .sample = sample

const mcts_model grid10 = {MODEL, .rollout = rollout};
const mcts_model grid10_by_steps = {MODEL};
