/* The exact value of every move in a connect-four position, on the bitboards of
 * connect_four_rules.h.
 *
 * Negamax with alpha-beta over the three values -1, 0 and 1, from the side to move. It never
 * looks at a move that loses at once, takes the one move that must be made where there is one,
 * and tries first what makes most threats, towards the centre among equals. A table keeps what
 * is known about a position:
 *
 *     bit 63 ........................ 4 | 3 .. 2      | 1 .. 0
 *         key: own + occupied + BOTTOM  | upper + 1   | lower + 1
 *
 * The key is own plus one disc on top of every column, so that it tells empty cells from the
 * other side's; 49 bits, never 0. An old entry makes way for a new one.
 *
 * Source: Knuth and Moore (1975) for alpha-beta. */
#include <stdlib.h>

#include "connect_four_rules.h"

enum { LOSS = -1, DRAW = 0, WIN = 1, NOT_LEGAL = 2 };

#define TABLE_BITS 23
#define TABLE_SIZE ((size_t)1 << TABLE_BITS)

typedef struct solver {
  uint64_t *table; /* [TABLE_SIZE] */
  uint64_t nodes;
} solver;

solver *solver_new(void) {
  solver *s = malloc(sizeof *s);
  uint64_t *table = calloc(TABLE_SIZE, sizeof *table);
  if (!s || !table) {
    free(table);
    free(s);
    return NULL;
  }
  *s = (solver){.table = table};
  return s;
}

void solver_free(solver *s) {
  if (!s) return;
  free(s->table);
  free(s);
}

/* Positions that were searched since `solver_new`. */
uint64_t solver_nodes(const solver *s) { return s->nodes; }

/* ---- the table ---------------------------------------------------------------------- */

typedef struct bounds {
  int lower;
  int upper;
} bounds;

static uint64_t key_of(uint64_t own, uint64_t occupied) { return own + occupied + BOTTOM_ROW; }

static uint64_t *entry_of(const solver *s, uint64_t key) {
  return &s->table[(key * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - TABLE_BITS)];
}

static bounds remembered(uint64_t entry, uint64_t key) {
  if (entry >> 4 != key) return (bounds){LOSS, WIN};
  return (bounds){(int)(entry & 3) - 1, (int)(entry >> 2 & 3) - 1};
}

static uint64_t entry_for(uint64_t key, bounds known) {
  return key << 4 | (uint64_t)(known.upper + 1) << 2 | (uint64_t)(known.lower + 1);
}

/* ---- moves -------------------------------------------------------------------------- */

/* Cells that do not lose at once; the side to move cannot win at once. */
static uint64_t moves_worth_trying(uint64_t own, uint64_t occupied) {
  uint64_t landing = landing_cells(occupied);
  uint64_t losing = completing_cells(occupied ^ own) & BOARD & ~occupied;
  uint64_t forced = landing & losing;
  if (forced & (forced - 1)) return 0;
  return (forced ? forced : landing) & ~(losing >> 1);
}

/* The moves, most threats first; gives their number. */
static int order_moves(uint64_t own, uint64_t occupied, uint64_t moves, uint64_t *ordered) {
  static const int centre_first[COLUMNS] = {3, 2, 4, 1, 5, 0, 6};
  int threats[COLUMNS], count = 0;
  for (int i = 0; i < COLUMNS; i++) {
    uint64_t disc = moves & COLUMN_CELLS(centre_first[i]);
    if (!disc) continue;
    uint64_t threatened = completing_cells(own | disc) & BOARD & ~occupied & ~disc;
    int number = __builtin_popcountll(threatened), place = count++;
    while (place > 0 && threats[place - 1] < number) {
      threats[place] = threats[place - 1];
      ordered[place] = ordered[place - 1];
      place--;
    }
    threats[place] = number;
    ordered[place] = disc;
  }
  return count;
}

/* ---- the search --------------------------------------------------------------------- */

/* The value for the side to move, who cannot win at once: exact within alpha .. beta, else a
 * bound on that side. */
static int value_of(solver *s, uint64_t own, uint64_t occupied, int alpha, int beta) {
  uint64_t ordered[COLUMNS];
  s->nodes++;
  if (occupied == BOARD) return DRAW;
  uint64_t moves = moves_worth_trying(own, occupied);
  if (!moves) return LOSS;

  uint64_t key = key_of(own, occupied), *entry = entry_of(s, key);
  bounds known = remembered(*entry, key);
  if (known.lower >= beta || known.lower == known.upper) return known.lower;
  if (known.upper <= alpha) return known.upper;
  if (known.lower > alpha) alpha = known.lower;
  if (known.upper < beta) beta = known.upper;

  int best = LOSS, reached = alpha;
  int count = order_moves(own, occupied, moves, ordered);
  for (int i = 0; i < count && best < beta; i++) {
    int value = -value_of(s, occupied ^ own, occupied | ordered[i], -beta, -reached);
    if (value > best) best = value;
    if (best > reached) reached = best;
  }
  if (best > alpha) known.lower = best;
  if (best < beta) known.upper = best;
  *entry = entry_for(key, known);
  return best;
}

/* The game value of each column's move, for the side that moves: -1 a loss, 0 a draw, 1 a win;
 * 2 where the column is full. The position is one that `validate` of the model accepts, and the
 * game is not over in it. */
void solver_move_values(solver *s, uint64_t first, uint64_t second, int8_t *values) {
  uint64_t occupied = first | second;
  uint64_t own = player_to_move(occupied) == 0 ? first : second, other = occupied ^ own;
  for (int column = 0; column < COLUMNS; column++) {
    uint64_t disc = landing_cell(occupied, column);
    if (!disc) {
      values[column] = NOT_LEGAL;
    } else if (has_four(own | disc)) {
      values[column] = WIN;
    } else if (completing_cells(other) & landing_cells(occupied | disc)) {
      values[column] = LOSS;
    } else {
      values[column] = (int8_t)-value_of(s, other, occupied | disc, LOSS, WIN);
    }
  }
}
