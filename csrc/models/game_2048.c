/* 2048 on sixteen hexadecimal digits.
 *
 *                column 0   1   2   3
 *     row 0             0   1   2   3     digit of the cell, counted from the lowest
 *     row 1             4   5   6   7
 *     row 2             8   9  10  11
 *     row 3            12  13  14  15
 *
 * A row is sixteen bits, and a table knows what becomes of each when it slides to the left. The
 * other directions turn the board so that theirs is to the left, and turn it back.
 *
 * Flags of cells stand in the lowest bit of each digit. */
#include "game_2048.h"

#include "failure.h"

enum { UP, RIGHT, DOWN, LEFT, NUM_ACTIONS };
enum { SIDE = 4, GREATEST = 15, CHANCES_OF_TEN = 9 };

#define EVERY_CELL UINT64_C(0x1111111111111111)
#define NOT_LAST_COLUMN UINT64_C(0x0111011101110111)

/* ---- sliding ------------------------------------------------------------------------ */

/* What a row becomes: the row in the lower half, a quarter of the reward in the upper one. */
static uint32_t slid_rows[1 << 16];

static uint32_t slid_row(uint32_t row) {
  uint32_t slid = 0, quarter = 0, place = 0, waiting = 0; /* waiting: the last tile, not merged */
  for (uint32_t column = 0; column < SIDE; column++) {
    uint32_t tile = row >> 4 * column & 0xF;
    if (tile == 0) continue;
    if (tile == waiting && tile < GREATEST) {
      slid += 1u << 4 * (place - 1);
      quarter += (2u << tile) / 4;
      waiting = 0;
    } else {
      slid |= tile << 4 * place++;
      waiting = tile;
    }
  }
  return quarter << 16 | slid;
}

void mcts_game_2048_prepare(void) {
  if (slid_rows[1]) return;
  for (uint32_t row = 1; row < 1u << 16; row++) {
    slid_rows[row] = slid_row(row);
  }
}

/* Columns in the opposite order. */
static inline uint64_t mirrored(uint64_t cells) {
  const uint64_t low_bytes = UINT64_C(0x00FF00FF00FF00FF), low_digits = UINT64_C(0x0F0F0F0F0F0F0F0F);
  cells = (cells & low_bytes) << 8 | (cells >> 8 & low_bytes);
  return (cells & low_digits) << 4 | (cells >> 4 & low_digits);
}

/* Exchanges the digits under the mask with those `distance` bits higher. */
static inline uint64_t exchanged(uint64_t cells, int distance, uint64_t mask) {
  uint64_t differing = (cells ^ (cells >> distance)) & mask;
  return cells ^ differing ^ (differing << distance);
}

/* Rows and columns exchanged: within each quarter of the board, then the quarters. */
static inline uint64_t transposed(uint64_t cells) {
  cells = exchanged(cells, 12, UINT64_C(0x0000F0F00000F0F0));
  return exchanged(cells, 24, UINT64_C(0x00000000FF00FF00));
}

static inline uint64_t slid_left(uint64_t cells, uint64_t *quarter) {
  uint32_t a = slid_rows[cells & 0xFFFF], b = slid_rows[cells >> 16 & 0xFFFF];
  uint32_t c = slid_rows[cells >> 32 & 0xFFFF], d = slid_rows[cells >> 48];
  *quarter = (uint64_t)(a >> 16) + (b >> 16) + (c >> 16) + (d >> 16);
  return (uint64_t)(a & 0xFFFF) | (uint64_t)(b & 0xFFFF) << 16 | (uint64_t)(c & 0xFFFF) << 32 |
         (uint64_t)(d & 0xFFFF) << 48;
}

/* The board after an action and before a new tile; the reward is its merged tiles. */
static inline uint64_t slid(uint64_t cells, int64_t action, double *reward) {
  int is_vertical = action == UP || action == DOWN, is_backward = action == RIGHT || action == DOWN;
  uint64_t quarter;
  if (is_vertical) cells = transposed(cells);
  if (is_backward) cells = mirrored(cells);
  cells = slid_left(cells, &quarter);
  if (is_backward) cells = mirrored(cells);
  if (is_vertical) cells = transposed(cells);
  *reward = (double)(4 * quarter);
  return cells;
}

/* ---- what is legal ------------------------------------------------------------------ */

static inline uint64_t taken_cells(uint64_t cells) {
  uint64_t pairs = cells | cells >> 1;
  return (pairs | pairs >> 2) & EVERY_CELL;
}

static inline uint64_t empty_cells(uint64_t cells) { return ~taken_cells(cells) & EVERY_CELL; }

/* The actions that change the board, ascending; gives their number. A slide changes something
 * where a tile has an empty cell before it, or an equal tile that it can merge with. */
static inline uint32_t legal_actions(uint64_t cells, int32_t *actions) {
  uint64_t taken = taken_cells(cells), empty = ~taken & EVERY_CELL;
  uint64_t greatest = cells & cells >> 1 & cells >> 2 & cells >> 3;
  uint64_t can_merge = taken & ~greatest;
  uint64_t beside = can_merge & ~taken_cells(cells ^ cells >> 4) & NOT_LAST_COLUMN;
  uint64_t below = can_merge & ~taken_cells(cells ^ cells >> 16);
  uint64_t changes[NUM_ACTIONS] = {
      [UP] = (empty & taken >> 16) | below,
      [RIGHT] = (taken & empty >> 4 & NOT_LAST_COLUMN) | beside,
      [DOWN] = (taken & empty >> 16) | below,
      [LEFT] = (empty & taken >> 4 & NOT_LAST_COLUMN) | beside,
  };
  uint32_t count = 0;
  for (int32_t action = 0; action < NUM_ACTIONS; action++) {
    actions[count] = action; /* stays if the action is legal; never past the last one */
    count += changes[action] != 0;
  }
  return count;
}

static int is_stuck(uint64_t cells) {
  int32_t actions[NUM_ACTIONS];
  return legal_actions(cells, actions) == 0;
}

/* A new tile: one draw chooses the cell and, one time in ten, a 4. */
static inline uint64_t with_new_tile(uint64_t cells, mcts_bitgen *rng) {
  uint64_t empty = empty_cells(cells);
  uint32_t drawn = mcts_random_below(rng, 10 * (uint32_t)__builtin_popcountll(empty));
  for (uint32_t skipped = drawn / 10; skipped > 0; skipped--) {
    empty &= empty - 1;
  }
  uint64_t cell = empty & (0u - empty);
  return cells | (drawn % 10 < CHANCES_OF_TEN ? cell : cell << 1);
}

/* ---- the model ---------------------------------------------------------------------- */

static int validate(void *ctx, const void *state) {
  (void)ctx;
  if (((const mcts_game_2048 *)state)->cells == 0) {
    return fail(MCTS_INVALID_STATE, "has no tile; a game begins with two");
  }
  return MCTS_OK;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  (void)ctx;
  *result = is_stuck(((const mcts_game_2048 *)state)->cells);
  return MCTS_OK;
}

static int actions(void *ctx, const void *state, int32_t *count, int32_t *found) {
  (void)ctx;
  *count = (int32_t)legal_actions(((const mcts_game_2048 *)state)->cells, found);
  return MCTS_OK;
}

/* The board after a legal action, before a new tile. */
static int slide(const void *state, int64_t action, uint64_t *cells, double *reward) {
  uint64_t before = ((const mcts_game_2048 *)state)->cells;
  *reward = 0.0;
  *cells = action < 0 || action >= NUM_ACTIONS ? before : slid(before, action, reward);
  if (*cells == before) {
    return fail(MCTS_INVALID_ACTION, "action %lld slides nothing", (long long)action);
  }
  return MCTS_OK;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  uint64_t cells;
  (void)ctx, (void)observation;
  int status = slide(state, action, &cells, rewards);
  if (status < 0) return status;
  cells = with_new_tile(cells, rng);
  ((mcts_game_2048 *)next_state)->cells = cells;
  *terminated = is_stuck(cells);
  return MCTS_OK;
}

/* Cell by cell, a 2 and then a 4. */
static int transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                       double *probabilities, void *next_states, double *rewards,
                       int32_t *terminated) {
  mcts_game_2048 *next = next_states;
  uint64_t cells;
  double reward;
  int32_t number = 0;
  (void)ctx;
  int status = slide(state, action, &cells, &reward);
  if (status < 0) return status;
  uint64_t empty = empty_cells(cells);
  double share = 1.0 / (10 * __builtin_popcountll(empty));
  for (; empty; empty &= empty - 1) {
    uint64_t cell = empty & (0u - empty);
    for (int is_four = 0; is_four < 2; is_four++) {
      probabilities[number] = (is_four ? 10 - CHANCES_OF_TEN : CHANCES_OF_TEN) * share;
      next[number].cells = cells | cell << is_four;
      rewards[number] = reward;
      terminated[number] = is_stuck(next[number].cells);
      number++;
    }
  }
  *count = number;
  return MCTS_OK;
}

/* Random slides until none is legal, drawn as the default rollout draws them: one
 * mcts_random_below for the action, then the new tile. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  uint64_t cells = ((const mcts_game_2048 *)state)->cells;
  int32_t legal[NUM_ACTIONS];
  uint32_t num_legal = legal_actions(cells, legal);
  double total = 0.0;
  double weight = 1.0;
  int64_t step = 0;
  (void)ctx;

  while (step < max_steps && num_legal > 0) {
    double reward;
    cells = slid(cells, legal[mcts_random_below(&local, num_legal)], &reward);
    cells = with_new_tile(cells, &local);
    num_legal = legal_actions(cells, legal);
    total += weight * reward;
    weight *= discount;
    step++;
  }
  *(uint64_t *)rng->state = counter;
  returns[0] = total;
  *steps = step;
  return MCTS_OK;
}

const mcts_model mcts_game_2048_model = {
    .abi_version = MCTS_MODEL_ABI_VERSION,
    .struct_size = sizeof(mcts_model),
    .flags = MCTS_MODEL_THREAD_SAFE,
    .discount = 1.0,
    .state_bytes = sizeof(mcts_game_2048),
    .num_actions = NUM_ACTIONS,
    .max_actions = NUM_ACTIONS,
    .max_outcomes = MCTS_GAME_2048_OUTCOMES,
    .num_players = 1,
    .error_text = failure_text,
    .validate = validate,
    .terminal = terminal,
    .actions = actions,
    .sample = sample,
    .transitions = transitions,
    .rollout = rollout,
};
