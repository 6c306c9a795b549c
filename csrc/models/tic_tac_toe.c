/* Tic-tac-toe on the sets of tic_tac_toe_rules.h. */
#include "tic_tac_toe.h"

#include "failure.h"
#include "tic_tac_toe_decisive.h"
#include "tic_tac_toe_rules.h"

static int is_over(const mcts_tic_tac_toe *board) {
  return (board->first | board->second) == BOARD || has_three[board->first] ||
         has_three[board->second];
}

/* ---- states ------------------------------------------------------------------------- */

void mcts_tic_tac_toe_from_cells(const int8_t *cells, mcts_tic_tac_toe *state) {
  *state = (mcts_tic_tac_toe){0, 0};
  for (int cell = 0; cell < CELLS; cell++) {
    state->first |= (uint32_t)(cells[cell] > 0) << cell;
    state->second |= (uint32_t)(cells[cell] < 0) << cell;
  }
}

void mcts_tic_tac_toe_to_cells(const mcts_tic_tac_toe *state, int8_t *cells) {
  for (int cell = 0; cell < CELLS; cell++) {
    cells[cell] = (int8_t)((int)(state->first >> cell & 1) - (int)(state->second >> cell & 1));
  }
}

/* The last move made all the lines that there are: two lines take five marks, and so they
 * cross. */
static int validate(void *ctx, const void *state) {
  const mcts_tic_tac_toe *board = state;
  uint32_t occupied = board->first | board->second;
  int num_first = __builtin_popcount(board->first);
  int num_second = __builtin_popcount(board->second);
  (void)ctx;

  if ((board->first & board->second) || occupied > BOARD) {
    return fail(MCTS_INVALID_STATE, "is not a board: bits overlap or lie outside of it");
  }
  if (num_first - num_second != 0 && num_first - num_second != 1) {
    return fail(MCTS_INVALID_STATE,
                "has %d marks of the first player (1) and %d of the second (-1); must have as "
                "many of each, or one more of the first", num_first, num_second);
  }
  if (has_three[player_to_move(occupied) == 0 ? board->first : board->second]) {
    return fail(MCTS_INVALID_STATE,
                "has three in a line of the side to move; a game ends with the first three, "
                "made by the side that moved last");
  }
  return MCTS_OK;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  (void)ctx;
  *result = is_over(state);
  return MCTS_OK;
}

static int player(void *ctx, const void *state, int32_t *result) {
  const mcts_tic_tac_toe *board = state;
  (void)ctx;
  *result = player_to_move(board->first | board->second);
  return MCTS_OK;
}

static int actions(void *ctx, const void *state, int32_t *count, int32_t *cells) {
  const mcts_tic_tac_toe *board = state;
  uint32_t occupied = is_over(board) ? BOARD : board->first | board->second;
  int32_t empty = 0;
  (void)ctx;
  for (int32_t cell = 0; cell < CELLS; cell++) {
    cells[empty] = cell; /* stays if the cell is empty; never past the last one */
    empty += (int32_t)(~occupied >> cell & 1);
  }
  *count = empty;
  return MCTS_OK;
}

/* ---- dynamics ----------------------------------------------------------------------- */

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  mcts_tic_tac_toe board = *(const mcts_tic_tac_toe *)state;
  uint32_t occupied = board.first | board.second;
  int mover = player_to_move(occupied);
  uint32_t *own = mover == 0 ? &board.first : &board.second;
  (void)ctx, (void)rng, (void)observation;

  if ((uint64_t)action >= CELLS || (occupied >> action & 1)) {
    return fail(MCTS_INVALID_ACTION, "cell %lld is taken or not on the board", (long long)action);
  }
  *own |= 1u << action;
  int won = has_three[*own];
  *(mcts_tic_tac_toe *)next_state = board;
  rewards[mover] = won ? 1.0 : 0.0;
  rewards[1 - mover] = won ? -1.0 : 0.0;
  *terminated = won || (board.first | board.second) == BOARD;
  return MCTS_OK;
}

/* Uniform moves to the end of the game, drawn as the default rollout draws them: one
 * mcts_random_below a move. The empty cells stand in ascending order in the hexadecimal
 * digits of one word, from the right; a move takes its digit out. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  const mcts_tic_tac_toe *board = state;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  uint32_t occupied = board->first | board->second;
  int mover = player_to_move(occupied);
  uint32_t own = mover == 0 ? board->first : board->second;
  uint32_t other = occupied ^ own;
  uint64_t empty = 0;
  uint32_t num_empty = 0;
  double weight = 1.0;
  int won = 0;
  int64_t step = 0;
  (void)ctx;

  for (uint64_t cell = 0; cell < CELLS; cell++) {
    if (!(occupied >> cell & 1)) {
      empty |= cell << 4 * num_empty++;
    }
  }
  while (step < max_steps && num_empty > 0) {
    uint32_t place = 4 * mcts_random_below(&local, num_empty--);
    uint64_t before = (UINT64_C(1) << place) - 1;
    uint32_t moved = own | 1u << (empty >> place & 0xF);
    empty = (empty & before) | (empty >> 4 & ~before);
    own = other;
    other = moved;
    step++;
    if (has_three[moved]) {
      won = 1;
      break;
    }
    weight *= discount;
  }
  *(uint64_t *)rng->state = counter;
  *steps = step;
  int last = (mover + (int)(step & 1) + 1) & 1; /* who made the last move */
  returns[last] = won ? weight : 0.0;
  returns[1 - last] = won ? -weight : 0.0;
  return MCTS_OK;
}

#define TIC_TAC_TOE                                                                 \
  .abi_version = MCTS_MODEL_ABI_VERSION, .struct_size = sizeof(mcts_model),         \
  .flags = MCTS_MODEL_THREAD_SAFE | MCTS_MODEL_DETERMINISTIC, .discount = 1.0,    \
  .min_return = -1.0, .max_return = 1.0,                                            \
  .state_bytes = sizeof(mcts_tic_tac_toe), .num_actions = CELLS,                    \
  .max_actions = CELLS, .num_players = 2, .error_text = failure_text,               \
  .validate = validate, .terminal = terminal, .player = player, .actions = actions, \
  .sample = sample

const mcts_model mcts_tic_tac_toe_model = {TIC_TAC_TOE, .rollout = rollout};
const mcts_model mcts_tic_tac_toe_decisive_model = {
    TIC_TAC_TOE,
    .rollout_action = decisive_action,
    .rollout = decisive_rollout,
};
