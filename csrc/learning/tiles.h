/* Tile coding: which tile of each shifted grid a state lies in. */
#ifndef MCTS_TILES_H
#define MCTS_TILES_H

#include <stdint.h>

/* Grids over a box of `dimensions`, `tilings` of them.
 *
 *     tile of dimension i in tiling k = floor((x_i - low_i) * scale_i + shifts[k, i])
 *     its number                      = first[k] + sum over i of strides_i * that
 */
typedef struct mcts_tiling {
  int64_t dimensions;
  int64_t tilings;
  const double *low; /* these three: [dimensions] */
  const double *high;
  const double *scale;
  const double *shifts;   /* [tilings, dimensions] */
  const int64_t *strides; /* [dimensions] */
  const int64_t *first;   /* [tilings] */
} mcts_tiling;

/* Writes the active tiles of `count` states to `active`, [count, tilings]. `states` is
 * [count, dimensions]; what is beyond an edge of the box counts as on it. Stops at a state that is
 * not finite. Returns how many were done. */
int64_t mcts_active_tiles(const mcts_tiling *tiling, int64_t count, const double *states,
                          int64_t *active);

#endif
