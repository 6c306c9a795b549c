/* The range of the values seen, by which they are scaled.
 *
 *   scaled(v) = (v - low) / (high - low), and at least 0 and at most 1 where values lie outside
 *
 * One value far outside of all others does not stretch the range by more than its own width: low
 * and high lie at most second_high - second_low beyond the second lowest and the second highest
 * value. So a single freak return does not make all others look alike, and one that comes again
 * counts in full.
 *
 * In a tree returns are compared with those from the same depth, which have as many steps to go: a
 * constant that is added to the reward of each step then changes nothing. */
#ifndef MCTS_CORE_RANGE_H
#define MCTS_CORE_RANGE_H

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "loop.h"

/* Part of the values themselves below which their differences are those of rounding. */
#define RANGE_LEAST 1e-12

typedef struct {
  double low, high;   /* of the scale; 0 while nothing has been seen */
  double scale;       /* 1 / (high - low); 0 while they are equal */
  double first_low, second_low, second_high, first_high;
  bool clips; /* some value lies outside of it */
} value_range;

/* 1 / (high - low); 0 where that is no range. */
static inline double range_inverse(double low, double high) {
  double size = fabs(low) > fabs(high) ? fabs(low) : fabs(high), width = high - low;
  return width > RANGE_LEAST * size && width > DBL_MIN ? 1.0 / width : 0.0;
}

static inline void range_clear(value_range *r) {
  *r = (value_range){0.0, 0.0, 0.0, INFINITY, INFINITY, -INFINITY, -INFINITY, false};
}

/* For good: no value widens it. */
static inline void range_fix(value_range *r, double low, double high) {
  double scale = range_inverse(low, high);
  *r = (value_range){low, high, scale, low, -INFINITY, INFINITY, high, true};
}

/* Of a value outside of the second ones. */
RARE_PIECE void range_widen(value_range *r, double value) {
  if (value < r->first_low) {
    r->second_low = r->first_low;
    r->first_low = value;
  } else if (value < r->second_low) {
    r->second_low = value;
  }
  if (value > r->first_high) {
    r->second_high = r->first_high;
    r->first_high = value;
  } else if (value > r->second_high) {
    r->second_high = value;
  }
  double width = r->second_high - r->second_low;
  r->low = r->first_low;
  r->high = r->first_high;
  if (width > 0.0) {
    if (r->low < r->second_low - width) r->low = r->second_low - width;
    if (r->high > r->second_high + width) r->high = r->second_high + width;
  }
  r->clips = r->low > r->first_low || r->high < r->first_high;
  r->scale = range_inverse(r->low, r->high);
}

LOOP_PIECE void range_add(value_range *r, double value) {
  if (!(value >= r->second_low && value <= r->second_high)) range_widen(r, value);
}

/* A value at an end of another range, which has `mine` there. */
static inline void range_take(value_range *r, double value, double mine) {
  if (isfinite(value) && value != mine) range_add(r, value);
}

/* With the values that another range has seen; one that both have seen is one. */
static inline void range_merge(value_range *r, const value_range *other) {
  range_take(r, other->first_low, r->first_low);
  range_take(r, other->first_high, r->first_high);
  range_take(r, other->second_low, r->second_low);
  range_take(r, other->second_high, r->second_high);
}

LOOP_PIECE double range_scaled(const value_range *r, double value) {
  double scaled = (value - r->low) * r->scale;
  if (!r->clips) return scaled;
  scaled = scaled > 0.0 ? scaled : 0.0; /* as a machine's maximum and minimum are written */
  return scaled < 1.0 ? scaled : 1.0;
}

#endif
