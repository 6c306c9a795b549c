/* 2048: slide all tiles to one side; two equal ones that meet become one of twice the value. */
#ifndef MCTS_GAME_2048_H
#define MCTS_GAME_2048_H

#include "mcts_model.h"

/* Most outcomes of a move: a 2 or a 4 in each of fifteen cells. */
#define MCTS_GAME_2048_OUTCOMES 30

/* A state: sixteen hexadecimal digits, row by row from the lowest, column by column within a row.
 * A digit e above 0 is a tile of the value 2^e, 0 an empty cell. */
typedef struct mcts_game_2048 {
  uint64_t cells;
} mcts_game_2048;

/* Actions slide up (0), right (1), down (2) or left (3); those that would change nothing are not
 * legal. The reward is the sum of the tiles that merged into being. Then a tile appears in an
 * empty cell, each as likely: a 2 with probability 0.9, else a 4. A state is terminal where
 * no action is legal. Two tiles of 32768, the greatest, do not merge. */
extern const mcts_model mcts_game_2048_model;

/* Fills in the table that the model reads: once, before its first question, by one thread. Again
 * does no harm. */
void mcts_game_2048_prepare(void);

#endif
