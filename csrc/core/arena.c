#define _GNU_SOURCE
#include "arena.h"

#include <string.h>
#include <sys/mman.h>

/* Grown by at least CHUNK, so that the system is asked rarely; KEEP stays over a reset. */
static const size_t CHUNK = (size_t)1 << 20;
static const size_t KEEP = (size_t)16 << 20;
static const size_t PAGE = (size_t)1 << 16; /* no system has larger ones */

/* Ref 0 is nobody's. */
static const size_t FIRST = 8;

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

int arena_open(arena *a, size_t limit) {
  if (limit > ARENA_MAX_BYTES) limit = ARENA_MAX_BYTES;
  void *base = mmap(NULL, round_up(limit, PAGE), PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return -1;
  *a = (arena){base, FIRST, 0, limit};
  return 0;
}

void arena_close(arena *a) {
  if (a->base) munmap(a->base, round_up(a->limit, PAGE));
  memset(a, 0, sizeof *a);
}

int arena_commit(arena *a, size_t bytes) {
  if (a->used > a->limit || bytes > a->limit - a->used) return -1;
  size_t step = a->committed / 2 > CHUNK ? a->committed / 2 : CHUNK;
  size_t needed = a->used + bytes, target = a->committed + step;
  target = round_up(target > needed ? target : needed, PAGE);
  if (target > a->limit) target = a->limit;
  size_t mapped = round_up(a->committed, PAGE);
  if (mprotect(a->base + mapped, round_up(target, PAGE) - mapped, PROT_READ | PROT_WRITE) != 0)
    return -1;
  a->committed = target;
  return 0;
}

void arena_reset(arena *a) {
  a->used = FIRST;
  if (a->committed > KEEP) madvise(a->base + KEEP, a->committed - KEEP, MADV_DONTNEED);
}
