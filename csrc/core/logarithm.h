/* The natural logarithm, of numbers and from a table of counts, with the same bits on every CPU.
 *
 * A C library's log() may round differently where the CPU fuses multiply and add, and one
 * last bit can turn a selection. This one uses only operations that IEEE 754 fixes:
 *
 *   x = 2^e m,  sqrt(1/2) < m <= sqrt(2),  s = (m - 1) / (m + 1)
 *   ln x = e ln 2 + 2 s (1 + s^2/3 + s^4/5 + ... + s^22/23),  |s| < 0.172
 */
#ifndef MCTS_CORE_LOGARITHM_H
#define MCTS_CORE_LOGARITHM_H

#include <stdint.h>
#include <string.h>

enum { LOGARITHM_TERMS = 11, LOGARITHM_TABLE = 65536, LOGARITHM_PUCT = 8192 };

/* ln n, and ln((n + base + 1) / base), which PUCT asks for at every choice. */
#define LOGARITHM_PUCT_BASE 19652.0

extern double logarithm_table[LOGARITHM_TABLE], logarithm_puct[LOGARITHM_PUCT];

/* `x` > 0, finite and not below 2^-1022. */
static inline double logarithm_series(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  bits = (bits & UINT64_C(0xFFFFFFFFFFFFF)) | UINT64_C(1023) << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
  for (int k = LOGARITHM_TERMS; k >= 0; k--) sum = sum * square + 1.0 / (double)(2 * k + 1);
  return (double)exponent * 0.69314718055994531 + 2.0 * s * sum;
}

/* `n` >= 1; fill the tables first. */
static inline double logarithm(uint32_t n) {
  return n < LOGARITHM_TABLE ? logarithm_table[n] : logarithm_series(n);
}

/* Call once before the first search. */
void logarithm_fill_tables(void);

#endif
