/* Connect four: 7 columns, 6 rows, four in a line win. Actions are columns 0 .. 6. */
#ifndef MCTS_CONNECT_FOUR_H
#define MCTS_CONNECT_FOUR_H

#include "mcts_model.h"

#define MCTS_CONNECT_FOUR_ROWS 6
#define MCTS_CONNECT_FOUR_COLUMNS 7

/* A state: bit 7 * column + height is set where the player has a disc; height 0 is the
 * bottom row. The side to move follows from the counts. */
typedef struct mcts_connect_four {
  uint64_t first;
  uint64_t second;
} mcts_connect_four;

/* Two players. The winning move gives its player 1 and the other -1; all else gives 0. */
extern const mcts_model mcts_connect_four_model;

/* The same game, whose rollouts win in one where they can, else stop a win in one of the other
 * side, else move uniformly. */
extern const mcts_model mcts_connect_four_decisive_model;

/* Between a state and cells [6][7], row 0 on top: positive for a disc of the first player,
 * negative for one of the second, 0 for an empty cell. Written cells are 1, -1 and 0. */
void mcts_connect_four_from_cells(const int8_t *cells, mcts_connect_four *state);
void mcts_connect_four_to_cells(const mcts_connect_four *state, int8_t *cells);

#endif
