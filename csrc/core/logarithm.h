/* The natural logarithm of a count, with the same bits on every CPU.
 *
 * A C library's log() may round differently where the CPU fuses multiply and add, and one
 * last bit can turn a selection. This one uses only operations that IEEE 754 fixes:
 *
 *   n = 2^e m,  sqrt(1/2) < m <= sqrt(2),  s = (m - 1) / (m + 1)
 *   ln n = e ln 2 + 2 s (1 + s^2/3 + s^4/5 + ... + s^22/23),  |s| < 0.172
 */
#ifndef MCTS_CORE_LOGARITHM_H
#define MCTS_CORE_LOGARITHM_H

#include <stdint.h>

enum { LOGARITHM_TERMS = 11, LOGARITHM_TABLE = 4096 };

extern double logarithm_table[LOGARITHM_TABLE];

/* `n` >= 1. */
static inline double logarithm_series(uint32_t n) {
  int exponent = 31 - __builtin_clz(n);
  double m = (double)n / (double)(UINT64_C(1) << exponent);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
  for (int k = LOGARITHM_TERMS; k >= 0; k--) sum = sum * square + 1.0 / (double)(2 * k + 1);
  return (double)exponent * 0.69314718055994531 + 2.0 * s * sum;
}

/* `n` >= 1; fill the table first. */
static inline double logarithm(uint32_t n) {
  return n < LOGARITHM_TABLE ? logarithm_table[n] : logarithm_series(n);
}

/* Call once before the first search. */
void logarithm_fill_table(void);

#endif
