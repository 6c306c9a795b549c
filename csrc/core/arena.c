#define _GNU_SOURCE
#include "arena.h"

#include <string.h>
#include <sys/mman.h>

/* Grown by at least CHUNK, so that the system is asked rarely; KEEP stays over a reset, at each
 * end. */
static const size_t CHUNK = (size_t)1 << 20;
static const size_t KEEP = (size_t)8 << 20;
static const size_t PAGE = (size_t)1 << 16; /* no system has larger ones */

/* From here on, at each end, memory is asked for in large pages: a tree of many nodes is walked
 * from one end to the other, and would look up an address more often than its bytes. */
static const size_t SMALL = (size_t)2 << 20;
static const size_t LARGE_PAGE = (size_t)2 << 20;

/* Ref 0 is nobody's, and the first block begins a cache line. */
static const size_t FIRST = 2 * ARENA_LINE;

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }
static size_t round_down(size_t bytes, size_t unit) { return bytes / unit * unit; }

static void forget(arena *a) {
  a->low = FIRST;
  a->high = a->size;
}

int arena_open(arena *a, size_t limit) {
  if (limit > ARENA_MAX_BYTES) limit = ARENA_MAX_BYTES;
  if (limit == 0) return -1;
  size_t mapped = round_up(limit, PAGE) + LARGE_PAGE;
  void *mapping = mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return -1;
  *a = (arena){.limit = limit, .mapping = mapping, .mapped = mapped};
  a->base = (unsigned char *)round_up((uintptr_t)mapping, LARGE_PAGE);
  a->size = limit / 8 * 8;
  a->high_ready = a->size;
  forget(a);
  return 0;
}

void arena_close(arena *a) {
  if (a->mapping) munmap(a->mapping, a->mapped);
  memset(a, 0, sizeof *a);
}

/* Makes a part of the reserved space, in whole pages, usable. */
static int commit(const arena *a, size_t from, size_t to, bool large) {
  from = round_down(from, PAGE);
  to = round_up(to, PAGE);
  if (from >= to) return 0;
  if (mprotect(a->base + from, to - from, PROT_READ | PROT_WRITE) != 0) return -1;
#ifdef MADV_HUGEPAGE
  if (large) madvise(a->base + from, to - from, MADV_HUGEPAGE); /* in vain where there are none */
#else
  (void)large;
#endif
  return 0;
}

/* Bytes between the ends that are to stay empty: the limit may have been lowered. */
static size_t closed(const arena *a) {
  size_t open = round_down(a->limit, 8);
  return open < a->size ? a->size - open : 0;
}

static bool has_room(const arena *a, size_t bytes) {
  size_t between = a->low <= a->high ? a->high - a->low : 0, shut = closed(a);
  return shut <= between && bytes <= between - shut;
}

/* How far an end that has `ready` bytes is to reach, for `needed` at least and `most` at most. */
static size_t grown(size_t ready, size_t needed, size_t most) {
  size_t step = ready / 2 > CHUNK ? ready / 2 : CHUNK;
  size_t target = ready + step > needed ? ready + step : needed;
  target = round_up(target, target > SMALL ? LARGE_PAGE : PAGE);
  return target < most ? target : most;
}

/* What is free where the ends come close is shared out in halves. */
static size_t half(size_t bytes) { return bytes / 16 * 8; }

int arena_commit_low(arena *a, size_t bytes) {
  if (!has_room(a, bytes)) return -1;
  size_t needed = a->low + bytes, shut = closed(a);
  size_t target = grown(a->low_ready, needed, needed + half(a->high - needed - shut));
  if (commit(a, a->low_ready, target, target > SMALL) < 0) return -1;
  a->low_ready = target;
  if (a->high_ready < target + shut) a->high_ready = target + shut;
  return 0;
}

int arena_commit_high(arena *a, size_t bytes) {
  if (!has_room(a, bytes)) return -1;
  size_t needed = a->size - a->high + bytes, ready = a->size - a->high_ready, shut = closed(a);
  size_t target = grown(ready, needed, needed + half(a->high - bytes - a->low - shut));
  if (commit(a, a->size - target, a->high_ready, target > SMALL) < 0) return -1;
  a->high_ready = a->size - target;
  if (a->low_ready + shut > a->high_ready) a->low_ready = a->high_ready - shut;
  return 0;
}

void arena_reset(arena *a) {
  forget(a);
  if (a->low_ready > KEEP) madvise(a->base + KEEP, a->low_ready - KEEP, MADV_DONTNEED);
  size_t from = round_up(a->high_ready, PAGE), kept = round_down(a->size, PAGE);
  kept = kept > KEEP ? kept - KEEP : 0;
  if (from < kept) madvise(a->base + from, kept - from, MADV_DONTNEED);
}
