/* Rollouts of connect four that are decisive at one move's distance.
 *
 * The side to move takes the leftmost column that wins at once; where there is none, the
 * leftmost in which the other side would win at once; and where there is none either, one
 * mcts_random_below over the open columns. Only the last draws.
 *
 * Source: Teytaud and Teytaud (2010), decisive and anti-decisive moves. */
#ifndef MCTS_CONNECT_FOUR_DECISIVE_H
#define MCTS_CONNECT_FOUR_DECISIVE_H

#include "connect_four_rules.h"

/* The cell that the policy takes, as a bit; `landing`, the cells that a disc can come to rest
 * in, has one at least. `winning` and `losing` complete a four of the side to move and of the
 * other. Lower bits lie further to the left. */
static inline uint64_t decisive_cell(uint64_t winning, uint64_t losing, uint64_t landing,
                                     mcts_bitgen *rng) {
  uint64_t choices = winning & landing ? winning & landing : losing & landing;
  if (!choices) {
    uint32_t choice = mcts_random_below(rng, (uint32_t)__builtin_popcountll(landing));
    choices = landing;
    while (choice-- > 0) {
      choices &= choices - 1;
    }
  }
  return choices & (0u - choices);
}

static int decisive_action(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action) {
  const mcts_connect_four *board = state;
  uint64_t occupied = board->first | board->second;
  uint64_t own = player_to_move(occupied) == 0 ? board->first : board->second;
  (void)ctx;
  *action = __builtin_ctzll(decisive_cell(completing_cells(own), completing_cells(occupied ^ own),
                                          landing_cells(occupied), rng)) / STRIDE;
  return MCTS_OK;
}

/* The columns that are not full, from the left; gives their number. */
static inline uint32_t open_columns(uint64_t landing, uint64_t *open) {
  uint32_t num_open = 0;
  for (int column = 0; column < COLUMNS; column++) {
    open[num_open] = COLUMN_CELLS(column); /* stays if the column is open */
    num_open += (landing & COLUMN_CELLS(column)) != 0;
  }
  return num_open;
}

/* The same move after move. What completes a four of the side that waits is what it wins with
 * on its turn, so a move looks for fours once. Whether a move is a block or drawn nobody can
 * predict, so both are made ready and one is taken; a block leaves the stream where it was. */
static int decisive_rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                            mcts_bitgen *rng, double *returns, int64_t *steps) {
  const mcts_connect_four *board = state;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  uint64_t occupied = board->first | board->second;
  int mover = player_to_move(occupied);
  uint64_t own = mover == 0 ? board->first : board->second;
  uint64_t winning = completing_cells(own); /* for the side to move */
  uint64_t landing = landing_cells(occupied);
  uint64_t open[COLUMNS];
  uint32_t num_open = open_columns(landing, open);
  double weight = 1.0;
  int won = 0;
  int64_t step = 0;
  (void)ctx;

  while (step < max_steps && num_open > 0) {
    uint64_t after_draw = counter;
    mcts_bitgen drawing = {.state = &after_draw};
    uint64_t drawn = landing & open[mcts_random_below(&drawing, num_open)];
    uint64_t other = occupied ^ own;
    uint64_t losing = completing_cells(other);
    uint64_t blocks = losing & landing;
    step++;
    if (winning & landing) {
      won = 1;
      break;
    }
    uint64_t disc = blocks ? blocks & (0u - blocks) : drawn;
    counter = blocks ? counter : after_draw;
    occupied |= disc;
    own = other;
    winning = losing;
    landing = landing_cells(occupied);
    if (disc & TOP_ROW) num_open = open_columns(landing, open);
    weight *= discount;
  }
  *(uint64_t *)rng->state = counter;
  *steps = step;
  int last = (mover + (int)(step & 1) + 1) & 1; /* who made the last move */
  returns[last] = won ? weight : 0.0;
  returns[1 - last] = won ? -weight : 0.0;
  return MCTS_OK;
}

#endif
