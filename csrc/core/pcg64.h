/* PCG64, the stream behind numpy.random.default_rng: the same numbers from the same seed.
 *
 * Source: O'Neill (2014), "PCG: a family of simple fast space-efficient statistically good
 * algorithms for random number generation"; 128 bits of state, output by XSL-RR. */
#ifndef MCTS_CORE_PCG64_H
#define MCTS_CORE_PCG64_H

#include <math.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 pcg64_word;

typedef struct {
  pcg64_word state, increment; /* the latter odd: which of the streams */
} pcg64;

static inline pcg64_word pcg64_wide(uint64_t high, uint64_t low) {
  return (pcg64_word)high << 64 | low;
}

static inline void pcg64_step(pcg64 *p) {
  const pcg64_word multiplier =
      pcg64_wide(UINT64_C(0x2360ED051FC65DA4), UINT64_C(0x4385DF649FCCF645));
  p->state = p->state * multiplier + p->increment;
}

/* The stream that NumPy's PCG64 begins with the words of a seed sequence. */
static inline pcg64 pcg64_of(const uint64_t words[4]) {
  pcg64 p = {0, pcg64_wide(words[2], words[3]) << 1 | 1};
  pcg64_step(&p);
  p.state += pcg64_wide(words[0], words[1]);
  pcg64_step(&p);
  return p;
}

static inline uint64_t pcg64_next_uint64(pcg64 *p) {
  pcg64_step(p);
  uint64_t mixed = (uint64_t)(p->state >> 64) ^ (uint64_t)p->state;
  unsigned turn = (unsigned)(p->state >> 122);
  return mixed >> turn | mixed << (-turn & 63);
}

/* Uniform in [0, 1). */
static inline double pcg64_next_double(pcg64 *p) {
  return (double)(pcg64_next_uint64(p) >> 11) * 0x1.0p-53;
}

/* Of the standard Gumbel distribution, by its inverse. */
static inline double pcg64_next_gumbel(pcg64 *p) {
  double uniform = 1.0 - pcg64_next_double(p); /* in (0, 1] */
  while (!(uniform < 1.0)) uniform = 1.0 - pcg64_next_double(p);
  return 0.0 - log(-log(uniform));
}

#endif
