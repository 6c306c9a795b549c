/* Random streams: one per simulation, keyed by (seed, simulation number), so that what a
 * simulation draws depends neither on its neighbours nor on the order in which they run. */
#ifndef MCTS_CORE_RNG_H
#define MCTS_CORE_RNG_H

#include "mcts_model.h"

/* The counter that simulation number `simulation` of a search with `seed` starts from. */
static inline uint64_t stream_start(uint64_t seed, uint64_t simulation) {
  uint64_t counter = mcts_splitmix64(&seed) ^ (simulation * UINT64_C(0xD1342543DE82EF95));
  return mcts_splitmix64(&counter);
}

static inline uint64_t stream_next_uint64(void *state) {
  return mcts_splitmix64((uint64_t *)state);
}

static inline uint32_t stream_next_uint32(void *state) {
  return (uint32_t)(mcts_splitmix64((uint64_t *)state) >> 32);
}

static inline double stream_next_double(void *state) {
  return (double)(mcts_splitmix64((uint64_t *)state) >> 11) * 0x1.0p-53;
}

/* The generator that models are handed, drawing from `counter`. */
static inline mcts_bitgen stream_bitgen(uint64_t *counter) {
  return (mcts_bitgen){counter, stream_next_uint64, stream_next_uint32, stream_next_double,
                       stream_next_uint64};
}

#endif
