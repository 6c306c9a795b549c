/* Rollouts of tic-tac-toe that are decisive at one move's distance.
 *
 * The side to move takes the first cell that wins at once; where there is none, the first in
 * which the other side would win at once; and where there is none either, one
 * mcts_random_below over the empty cells. Only the last draws.
 *
 * Source: Teytaud and Teytaud (2010), decisive and anti-decisive moves. */
#ifndef MCTS_TIC_TAC_TOE_DECISIVE_H
#define MCTS_TIC_TAC_TOE_DECISIVE_H

#include "tic_tac_toe_rules.h"

/* Cells that complete a line of the marks, taken or not. */
static inline uint32_t completing_cells(uint32_t marks) {
  static const uint32_t lines[8] = {0x007, 0x038, 0x1C0, 0x049, 0x092, 0x124, 0x111, 0x054};
  uint32_t found = 0;
  for (int line = 0; line < 8; line++) {
    uint32_t missing = lines[line] & ~marks;
    found |= missing & (missing - 1) ? 0 : missing;
  }
  return found;
}

/* The cell that the policy marks, as a bit; `empty` has one at least. `winning` and `losing`
 * complete a line of the side to move and of the other. */
static inline uint32_t decisive_cell(uint32_t winning, uint32_t losing, uint32_t empty,
                                     mcts_bitgen *rng) {
  uint32_t choices = winning & empty ? winning & empty : losing & empty;
  if (!choices) {
    uint32_t choice = mcts_random_below(rng, (uint32_t)__builtin_popcount(empty));
    choices = empty;
    while (choice-- > 0) {
      choices &= choices - 1;
    }
  }
  return choices & (0u - choices);
}

static int decisive_action(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action) {
  const mcts_tic_tac_toe *board = state;
  uint32_t occupied = board->first | board->second;
  uint32_t own = player_to_move(occupied) == 0 ? board->first : board->second;
  (void)ctx;
  *action = __builtin_ctz(decisive_cell(completing_cells(own), completing_cells(occupied ^ own),
                                        BOARD & ~occupied, rng));
  return MCTS_OK;
}

/* The same move after move. What completes a line of the side that waits is what it wins with
 * on its turn, so a move looks for lines once. */
static int decisive_rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                            mcts_bitgen *rng, double *returns, int64_t *steps) {
  const mcts_tic_tac_toe *board = state;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  uint32_t occupied = board->first | board->second;
  int mover = player_to_move(occupied);
  uint32_t own = mover == 0 ? board->first : board->second;
  uint32_t winning = completing_cells(own); /* for the side to move */
  double weight = 1.0;
  int won = 0;
  int64_t step = 0;
  (void)ctx;

  while (step < max_steps && occupied != BOARD) {
    uint32_t empty = BOARD & ~occupied;
    uint32_t losing = completing_cells(occupied ^ own);
    step++;
    if (winning & empty) {
      won = 1;
      break;
    }
    uint32_t cell = decisive_cell(winning, losing, empty, &local);
    own ^= occupied;
    occupied |= cell;
    winning = losing;
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
