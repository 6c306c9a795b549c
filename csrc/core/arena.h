/* One stretch of address space, reserved up to the byte limit and committed chunk by chunk, filled
 * from both ends.
 *
 *   base      low           low_ready          high_ready     high        size
 *   |##########|................|                  |............|##########|
 *    low blocks   usable, free    no memory behind   usable       high blocks
 *
 * Blocks are named by a `ref`: their offset in units of 8 bytes. Nothing ever moves, so a
 * pointer stays good, but whatever is stored is a ref: half the size. Ref 0 is no block; which end
 * a block is at can be told from its ref.
 *
 * Low blocks are placed so that they lie in as few cache lines as their size allows.
 *
 * Several threads may fill one arena, each through a window of its own: a stretch at either end
 * that is the window's alone, and that is followed by another when it is full. Then the two ends
 * have half of the address space each, so that all windows know where the border is. */
#ifndef MCTS_CORE_ARENA_H
#define MCTS_CORE_ARENA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t ref;

#define ARENA_MAX_BYTES ((size_t)UINT32_MAX * 8)

enum { ARENA_LINE = 64 };

typedef struct arena arena;

/* Where a window gets its stretches from. */
typedef struct {
  arena *whole;
  pthread_mutex_t *lock; /* of `whole`, and of: */
  size_t outside;        /* bytes of the limit that are in use elsewhere */
} arena_source;

struct arena {
  unsigned char *base;
  size_t low, low_ready, high_ready, high; /* offsets */
  size_t border;      /* low blocks end at or below it, high ones begin at or above it */
  bool has_windows;   /* the border stays where it is */
  size_t size, limit; /* bytes that are reserved, and that may be in use */
  void *mapping;      /* what the system gave, of `mapped` bytes; NULL in a window */
  size_t mapped;
  const arena_source *source; /* of a window; else NULL */
};

/* Reserves `limit` bytes, at most ARENA_MAX_BYTES. Returns 0, or -1 if the system has not
 * that much address space. */
int arena_open(arena *a, size_t limit);

/* The same for an arena that is to have windows: at most half of ARENA_MAX_BYTES. */
int arena_open_for_windows(arena *a, size_t limit);
void arena_close(arena *a);

/* An empty window. Its limit is that of the whole, of which its stretches are a part. */
void arena_open_window(arena *window, const arena_source *source);

/* Forgets every block; keeps a modest amount of memory for the next use. */
void arena_reset(arena *a);

/* Makes at least `bytes` more usable at one end; in a window that end may then be elsewhere. Returns
 * 0, or -1 at the limit. */
int arena_extend_low(arena *a, size_t bytes);
int arena_extend_high(arena *a, size_t bytes);

static inline size_t arena_round(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static inline void *arena_at(const arena *a, ref r) { return a->base + (size_t)r * 8; }

/* Bytes in use, with those that are left empty between blocks. */
static inline size_t arena_used(const arena *a) { return a->low + (a->size - a->high); }

/* True if a block was allocated at the high end. */
static inline bool arena_is_high(const arena *a, ref r) { return (size_t)r * 8 >= a->border; }

/* Bytes to leave empty before a low block, so that it lies in no more cache lines than it must. */
static inline size_t arena_gap(const arena *a, size_t bytes) {
  size_t into = a->low % ARENA_LINE, lines = (bytes + ARENA_LINE - 1) / ARENA_LINE;
  return into + bytes > lines * ARENA_LINE ? ARENA_LINE - into : 0;
}

/* A block of `bytes`, which must be a multiple of 8, uninitialised; 0 at the limit. */
static inline ref arena_alloc_low(arena *a, size_t bytes) {
  size_t gap = arena_gap(a, bytes);
  if (a->low + gap + bytes > a->low_ready) {
    if (arena_extend_low(a, gap + bytes) < 0) return 0;
    gap = arena_gap(a, bytes);
  }
  size_t start = a->low + gap;
  a->low = start + bytes;
  return (ref)(start / 8);
}

static inline ref arena_alloc_high(arena *a, size_t bytes) {
  if (a->high - a->high_ready < bytes && arena_extend_high(a, bytes) < 0) return 0;
  a->high -= bytes;
  return (ref)(a->high / 8);
}

#endif
