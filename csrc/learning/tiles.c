#include "tiles.h"

#include <math.h>

static double within(double value, double low, double high) {
  double above = value < low ? low : value;
  return above > high ? high : above;
}

static int64_t tile_number(const mcts_tiling *t, int64_t tiling, const double *state) {
  const double *shifts = t->shifts + tiling * t->dimensions;
  int64_t number = t->first[tiling];
  for (int64_t i = 0; i < t->dimensions; i++) {
    double inside = within(state[i], t->low[i], t->high[i]);
    number += (int64_t)floor((inside - t->low[i]) * t->scale[i] + shifts[i]) * t->strides[i];
  }
  return number;
}

static int is_finite(const double *state, int64_t dimensions) {
  for (int64_t i = 0; i < dimensions; i++) {
    if (!isfinite(state[i])) {
      return 0;
    }
  }
  return 1;
}

int64_t mcts_active_tiles(const mcts_tiling *tiling, int64_t count, const double *states,
                          int64_t *active) {
  for (int64_t n = 0; n < count; n++) {
    const double *state = states + n * tiling->dimensions;
    if (!is_finite(state, tiling->dimensions)) {
      return n;
    }
    for (int64_t k = 0; k < tiling->tilings; k++) {
      *active++ = tile_number(tiling, k, state);
    }
  }
  return count;
}
