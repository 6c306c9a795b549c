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

static int map_space(arena *a, size_t limit, size_t size) {
  if (limit == 0) return -1;
  size_t mapped = round_up(size, PAGE) + LARGE_PAGE;
  void *mapping = mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return -1;
  *a = (arena){.limit = limit, .mapping = mapping, .mapped = mapped};
  a->base = (unsigned char *)round_up((uintptr_t)mapping, LARGE_PAGE);
  a->size = size / 8 * 8;
  a->high_ready = a->border = a->size;
  forget(a);
  return 0;
}

int arena_open(arena *a, size_t limit) {
  if (limit > ARENA_MAX_BYTES) limit = ARENA_MAX_BYTES;
  return map_space(a, limit, limit);
}

int arena_open_for_windows(arena *a, size_t limit) {
  if (limit > ARENA_MAX_BYTES / 2) limit = ARENA_MAX_BYTES / 2;
  size_t border = round_down(limit, 8);
  if (map_space(a, limit, 2 * border) < 0) return -1;
  a->border = border;
  a->has_windows = true;
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

static int commit_low(arena *a, size_t bytes) {
  if (!has_room(a, bytes)) return -1;
  size_t needed = a->low + bytes, shut = closed(a);
  size_t target = grown(a->low_ready, needed, needed + half(a->high - needed - shut));
  if (commit(a, a->low_ready, target, target > SMALL) < 0) return -1;
  a->low_ready = target;
  if (a->high_ready < target + shut) a->high_ready = target + shut;
  if (!a->has_windows) a->border = a->high_ready;
  return 0;
}

static int commit_high(arena *a, size_t bytes) {
  if (!has_room(a, bytes)) return -1;
  size_t needed = a->size - a->high + bytes, ready = a->size - a->high_ready, shut = closed(a);
  size_t target = grown(ready, needed, needed + half(a->high - bytes - a->low - shut));
  if (commit(a, a->size - target, a->high_ready, target > SMALL) < 0) return -1;
  a->high_ready = a->size - target;
  if (a->low_ready + shut > a->high_ready) a->low_ready = a->high_ready - shut;
  if (!a->has_windows) a->border = a->high_ready;
  return 0;
}

/* ---- windows ----------------------------------------------------------------------------------- */

/* So long that they are rarely asked for, and that little of them is left over at the end. */
static const size_t STRETCH = (size_t)1 << 16;

void arena_open_window(arena *window, const arena_source *source) {
  const arena *whole = source->whole;
  *window = (arena){.base = whole->base,
                    .border = whole->border,
                    .has_windows = true,
                    .limit = SIZE_MAX,
                    .source = source};
}

/* A stretch of the whole for a block of `bytes`, in `*length`; 0 at the limit. */
static ref take_stretch(const arena_source *source, bool is_high, size_t bytes, size_t *length) {
  arena *whole = source->whole;
  ref found = 0;
  *length = round_up(bytes, ARENA_LINE) > STRETCH ? round_up(bytes, ARENA_LINE) : STRETCH;
  pthread_mutex_lock(source->lock);
  for (int shorter = 0; !found && shorter < 2; shorter++) {
    if (shorter) *length = arena_round(bytes) + ARENA_LINE; /* there may be less left */
    if (arena_used(whole) + *length + source->outside > whole->limit) continue;
    found = is_high ? arena_alloc_high(whole, *length) : arena_alloc_low(whole, *length);
  }
  pthread_mutex_unlock(source->lock);
  return found;
}

static int extend_window(arena *window, bool is_high, size_t bytes) {
  size_t length;
  ref at = take_stretch(window->source, is_high, bytes, &length);
  if (!at) return -1;
  size_t from = (size_t)at * 8, to = from + length;
  if (is_high) {
    window->high_ready = from;
    window->high = to;
  } else {
    window->low = from;
    window->low_ready = to;
  }
  return 0;
}

/* ---- the ends ---------------------------------------------------------------------------------- */

int arena_extend_low(arena *a, size_t bytes) {
  return a->source ? extend_window(a, false, bytes) : commit_low(a, bytes);
}

int arena_extend_high(arena *a, size_t bytes) {
  return a->source ? extend_window(a, true, bytes) : commit_high(a, bytes);
}

void arena_reset(arena *a) {
  forget(a);
  if (a->low_ready > KEEP) madvise(a->base + KEEP, a->low_ready - KEEP, MADV_DONTNEED);
  size_t from = round_up(a->high_ready, PAGE), kept = round_down(a->size, PAGE);
  kept = kept > KEEP ? kept - KEEP : 0;
  if (from < kept) madvise(a->base + from, kept - from, MADV_DONTNEED);
}
