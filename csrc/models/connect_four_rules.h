/* The rules of connect four on two bitboards, for the model and for its rollouts.
 *
 * Seven bits a column, the lowest row first. The seventh bit of a column is never set: it
 * keeps lines from running over from one column into the next, and adding one disc below a
 * column carries into its lowest empty cell.
 *
 *      6 13 20 27 34 41 48     never set
 *     +--------------------+
 *      5 12 19 26 33 40 47     row 0 of the cells
 *      4 11 18 25 32 39 46
 *      3 10 17 24 31 38 45
 *      2  9 16 23 30 37 44
 *      1  8 15 22 29 36 43
 *      0  7 14 21 28 35 42     row 5
 *
 * Lines run at a distance of 1 (upwards), 7 (to the right), 8 and 6 (the diagonals). */
#ifndef MCTS_CONNECT_FOUR_RULES_H
#define MCTS_CONNECT_FOUR_RULES_H

#include "connect_four.h"

enum { ROWS = MCTS_CONNECT_FOUR_ROWS, COLUMNS = MCTS_CONNECT_FOUR_COLUMNS, STRIDE = ROWS + 1 };

#define BOTTOM_ROW UINT64_C(0x0000040810204081)
#define TOP_ROW (BOTTOM_ROW << (ROWS - 1))
#define BOARD (BOTTOM_ROW * ((1u << ROWS) - 1))
#define COLUMN_CELLS(column) (UINT64_C(0x3F) << (STRIDE * (column)))

static inline uint64_t fours_along(uint64_t discs, int distance) {
  uint64_t pairs = discs & (discs >> distance);
  return pairs & (pairs >> (2 * distance));
}

static inline int has_four(uint64_t discs) {
  return (fours_along(discs, 1) | fours_along(discs, STRIDE) | fours_along(discs, STRIDE + 1) |
          fours_along(discs, STRIDE - 1)) != 0;
}

/* Where a disc dropped into the column comes to rest; 0 if the column is full. */
static inline uint64_t landing_cell(uint64_t occupied, int column) {
  return (occupied + BOTTOM_ROW) & COLUMN_CELLS(column);
}

/* The landing cells of all columns. */
static inline uint64_t landing_cells(uint64_t occupied) {
  return (occupied + BOTTOM_ROW) & BOARD;
}

static inline int player_to_move(uint64_t occupied) { return __builtin_parityll(occupied); }

/* Every cell that one more disc would make part of a four, taken or not, and bits beside the
 * board. A cell is the first, second, third or last of its four. */
static inline uint64_t completing_along(uint64_t discs, int distance) {
  uint64_t two_before = (discs << distance) & (discs << 2 * distance);
  uint64_t two_behind = (discs >> distance) & (discs >> 2 * distance);
  return (two_before & ((discs << 3 * distance) | (discs >> distance))) |
         (two_behind & ((discs >> 3 * distance) | (discs << distance)));
}

static inline uint64_t completing_cells(uint64_t discs) {
  uint64_t upwards = (discs << 1) & (discs << 2) & (discs << 3); /* none lies above a landing cell */
  return upwards | completing_along(discs, STRIDE) | completing_along(discs, STRIDE + 1) |
         completing_along(discs, STRIDE - 1);
}

#endif
