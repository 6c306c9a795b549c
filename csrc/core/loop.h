/* A piece of the simulation loop: part of each of the loop's copies, specialised with it. */
#ifndef MCTS_CORE_LOOP_H
#define MCTS_CORE_LOOP_H

#include <stdint.h>
#include <string.h>

#define LOOP_PIECE static inline __attribute__((always_inline))

/* What the loop needs now and then: kept out of it, so that it stays small. */
#define RARE_PIECE static __attribute__((noinline, unused))

/* States are small: a call to clear or copy one would cost more than it does. */
LOOP_PIECE void state_clear(void *state, size_t bytes) {
  uint64_t *words = state;
  if (bytes == 8) {
    words[0] = 0;
  } else if (bytes == 16) {
    words[0] = words[1] = 0;
  } else {
    memset(state, 0, bytes);
  }
}

LOOP_PIECE void state_copy(void *to, const void *from, size_t bytes) {
  if (bytes == 8) {
    memcpy(to, from, 8);
  } else if (bytes == 16) {
    memcpy(to, from, 16);
  } else {
    memcpy(to, from, bytes);
  }
}

#endif
