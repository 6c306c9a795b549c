/* The exponential function, with the same bits on every CPU; see logarithm.h for why.
 *
 *   x = k ln 2 + r,  |r| <= ln 2 / 2,   e^x = 2^k (1 + r (1 + r/2 (1 + r/3 ( ... (1 + r/14)))))
 *
 * ln 2 is taken off in two parts, the first of which has so few digits that k times it is exact. */
#ifndef MCTS_CORE_EXPONENTIAL_H
#define MCTS_CORE_EXPONENTIAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { EXPONENTIAL_TERMS = 14 };

#define EXPONENTIAL_BASE 1.4426950408889634 /* 1 / ln 2 */
#define EXPONENTIAL_LN2 0.693147180369123816490
#define EXPONENTIAL_LN2_REST 1.90821492927058770002e-10

/* 0 below -700; `x` is at most 700. */
static inline double exponential(double x) {
  if (!(x >= -700.0)) return 0.0;
  double k = floor(x * EXPONENTIAL_BASE + 0.5);
  double r = x - k * EXPONENTIAL_LN2 - k * EXPONENTIAL_LN2_REST, sum = 1.0;
  for (int i = EXPONENTIAL_TERMS; i >= 1; i--) sum = 1.0 + r / (double)i * sum;
  uint64_t bits = (uint64_t)((int64_t)k + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return sum * power;
}

#endif
