/* One stretch of address space, reserved up to the byte limit and committed chunk by chunk.
 *
 *   base            used            committed                     limit
 *   |###############|...............|                             |
 *    blocks in use   usable, free    reserved: no memory behind it
 *
 * Blocks are named by a `ref`: their offset in units of 8 bytes. Nothing ever moves, so a
 * pointer stays good, but whatever is stored is a ref: half the size. Ref 0 is no block. */
#ifndef MCTS_CORE_ARENA_H
#define MCTS_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t ref;

#define ARENA_MAX_BYTES ((size_t)UINT32_MAX * 8)

typedef struct {
  unsigned char *base;
  size_t used, committed, limit;
} arena;

/* Reserves `limit` bytes, at most ARENA_MAX_BYTES. Returns 0, or -1 if the system has not
 * that much address space. */
int arena_open(arena *a, size_t limit);
void arena_close(arena *a);

/* Forgets every block; keeps a modest amount of memory for the next use. */
void arena_reset(arena *a);

/* Makes at least `bytes` more usable. Returns 0, or -1 at the limit. */
int arena_commit(arena *a, size_t bytes);

static inline size_t arena_round(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static inline void *arena_at(const arena *a, ref r) { return a->base + (size_t)r * 8; }

/* A block of `bytes`, which must be a multiple of 8, uninitialised; 0 at the limit. */
static inline ref arena_alloc(arena *a, size_t bytes) {
  size_t start = a->used;
  if (start + bytes > a->committed && arena_commit(a, bytes) < 0) return 0;
  a->used = start + bytes;
  return (ref)(start / 8);
}

#endif
