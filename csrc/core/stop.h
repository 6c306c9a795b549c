/* When to stop: small rules, looked at between simulations, and, for models that are slow
 * enough to hold a lock, within them. */
#ifndef MCTS_CORE_STOP_H
#define MCTS_CORE_STOP_H

#include <time.h>

#include "search.h"

/* Model calls between two moments in which a lock such as Python's is let go. */
enum { STOP_BURST = 64 };

/* The clock is read about this often, in nanoseconds. */
enum { STOP_CLOCK_INTERVAL = 50000 };

static inline bool stop_is_cancelled(const search *s) {
  return s->limits.cancelled &&
         atomic_load_explicit(s->limits.cancelled, memory_order_relaxed) != 0;
}

/* A clock that is cheap enough to be read after every call of a slow model, and may be behind
 * by some milliseconds. */
static inline int64_t stop_coarse_now(void) {
#ifdef CLOCK_MONOTONIC_COARSE
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
#else
  return search_now();
#endif
}

/* After a call of a model that holds a lock, and so may be slow. INTERRUPTED: cancelled, or out
 * of time, so the simulation is to be given up. Lets others have the lock every STOP_BURST
 * calls. */
LOOP_PIECE int stop_breathe(search *s) {
  if (!s->model->enter) return MCTS_OK;
  if (stop_is_cancelled(s) || stop_coarse_now() >= s->limits.deadline) return INTERRUPTED;
  if (--s->burst_left > 0) return MCTS_OK;
  s->burst_left = STOP_BURST;
  search_leave(s);
  return search_enter(s);
}

/* Reads the clock only so often that it costs nothing beside the simulations. */
static inline stop_reason stop_by_clock(search *s) {
  if (s->until_clock > 0) {
    s->until_clock -= 1;
    return STOP_NONE;
  }
  int64_t now = search_now();
  if (now >= s->limits.deadline) return STOP_TIME_LIMIT;
  if (now >= s->limits.slice_deadline) return STOP_SLICE;
  uint64_t done = s->simulations - s->simulations_then;
  int64_t elapsed = now - s->clock_read;
  uint64_t fitting = elapsed > 0 ? done * STOP_CLOCK_INTERVAL / (uint64_t)elapsed : done * 2;
  s->until_clock = (uint32_t)(fitting < 4096 ? fitting : 4096);
  s->clock_read = now;
  s->simulations_then = s->simulations;
  return STOP_NONE;
}

/* Before simulation number `next`. */
static inline stop_reason stop_now(search *s, uint64_t next) {
  if (node_at(&s->tree, s->tree.root)->flags & NODE_SOLVED) return STOP_SOLVED;
  if (next >= s->limits.simulations) return STOP_SIMULATIONS;
  if (stop_is_cancelled(s)) return STOP_CANCELLED;
  return stop_by_clock(s);
}

#endif
