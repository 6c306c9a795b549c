/* Tic-tac-toe: three in a line win. Actions are cells 0 .. 8, row by row. */
#ifndef MCTS_TIC_TAC_TOE_H
#define MCTS_TIC_TAC_TOE_H

#include "mcts_model.h"

#define MCTS_TIC_TAC_TOE_CELLS 9

/* A state: bit i is set where the player has a mark in cell i. The side to move follows
 * from the counts. */
typedef struct mcts_tic_tac_toe {
  uint32_t first;
  uint32_t second;
} mcts_tic_tac_toe;

/* Two players. The winning move gives its player 1 and the other -1; all else gives 0. */
extern const mcts_model mcts_tic_tac_toe_model;

/* The same game, whose rollouts win in one where they can, else stop a win in one of the other
 * side, else move uniformly. */
extern const mcts_model mcts_tic_tac_toe_decisive_model;

/* Between a state and cells [3][3]: positive for a mark of the first player, negative for
 * one of the second, 0 for an empty cell. Written cells are 1, -1 and 0. */
void mcts_tic_tac_toe_from_cells(const int8_t *cells, mcts_tic_tac_toe *state);
void mcts_tic_tac_toe_to_cells(const mcts_tic_tac_toe *state, int8_t *cells);

#endif
