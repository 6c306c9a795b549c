/* Windows of one arena, each filled by a thread of its own: no block lies over another one, all tell
 * which end they are at, and together they take what there is and no more. */
#include "arena.h"

#include <string.h>

#include "check.h"

enum { WINDOWS = 4, MOST_BLOCKS = 30000 };

typedef struct {
  ref at;
  uint32_t bytes;
  bool is_high;
} block;

typedef struct {
  pthread_t thread;
  arena window;
  uint64_t random;
  uint32_t number, highs, most; /* of 8 blocks so many are high ones, of up to so many bytes */
  block blocks[MOST_BLOCKS];
  uint32_t count;
  size_t bytes;
} filler;

static arena whole;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const arena_source source = {&whole, &lock, 0};
static filler fillers[WINDOWS];

static uint64_t random_below(filler *f, uint64_t bound) {
  f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (f->random >> 33) % bound;
}

static unsigned char sign_of(const filler *f, uint32_t i) {
  return (unsigned char)(f->number * 67 + i * 37 + 1);
}

static bool add(filler *f, bool is_high, uint32_t bytes) {
  arena *a = &f->window;
  ref at = is_high ? arena_alloc_high(a, bytes) : arena_alloc_low(a, bytes);
  if (!at) return false;
  CHECK(f->count < MOST_BLOCKS);
  CHECK(arena_is_high(a, at) == is_high && arena_is_high(&whole, at) == is_high);
  memset(arena_at(a, at), sign_of(f, f->count), bytes);
  f->blocks[f->count++] = (block){at, bytes, is_high};
  f->bytes += bytes;
  return true;
}

/* Until neither end has room for the smallest block. */
static void *fill(void *of) {
  filler *f = of;
  uint32_t most = f->most;
  while (most >= 8) {
    bool is_high = random_below(f, 8) < f->highs;
    uint32_t bytes = 8 * (uint32_t)(1 + random_below(f, most / 8));
    if (!add(f, is_high, bytes)) most = bytes - 8;
  }
  while (add(f, false, 8) || add(f, true, 8)) continue;
  return NULL;
}

static int by_place(const void *one, const void *other) {
  ref a = ((const block *)one)->at, b = ((const block *)other)->at;
  return (a > b) - (a < b);
}

/* All blocks, in the order in which they lie. */
static void check_apart(void) {
  static block all[WINDOWS * MOST_BLOCKS];
  size_t count = 0, end = ARENA_LINE;
  for (int k = 0; k < WINDOWS; k++) {
    const filler *f = &fillers[k];
    memcpy(all + count, f->blocks, f->count * sizeof *all);
    count += f->count;
    for (uint32_t i = 0; i < f->count; i++) {
      const unsigned char *bytes = arena_at(&whole, f->blocks[i].at);
      for (uint32_t b = 0; b < f->blocks[i].bytes; b++) CHECK(bytes[b] == sign_of(f, i));
    }
  }
  qsort(all, count, sizeof *all, by_place);
  for (size_t i = 0; i < count; i++) {
    CHECK((size_t)all[i].at * 8 >= end);
    end = (size_t)all[i].at * 8 + all[i].bytes;
  }
  CHECK(end <= whole.size);
}

/* A part of the limit is lost: at an end of a window what is too small for its next block. */
static void windows_fill_it(size_t limit, uint32_t most, bool at_once) {
  CHECK(arena_open_for_windows(&whole, limit) == 0);
  size_t bytes = 0;
  for (uint32_t k = 0; k < WINDOWS; k++) {
    filler *f = &fillers[k];
    f->random = limit + k;
    f->number = k;
    f->count = 0;
    f->bytes = 0;
    f->highs = k * 8 / (WINDOWS - 1);
    f->most = most;
    arena_open_window(&f->window, &source);
    CHECK(arena_used(&f->window) == 0);
    if (at_once) CHECK(pthread_create(&f->thread, NULL, fill, f) == 0);
    else fill(f);
  }
  for (int k = 0; k < WINDOWS && at_once; k++) pthread_join(fillers[k].thread, NULL);
  for (int k = 0; k < WINDOWS; k++) bytes += fillers[k].bytes;
  check_apart();
  CHECK(arena_used(&whole) <= limit && bytes <= limit);
  CHECK(arena_used(&whole) + most + 2 * ARENA_LINE + 8 > limit || limit < 4096);
  arena_close(&whole);
}

/* Large blocks, with stretches of their own, beside small ones. */
static void blocks_larger_than_a_stretch_fit(void) {
  const size_t large = (size_t)3 << 16;
  CHECK(arena_open_for_windows(&whole, 4 * large) == 0);
  filler *f = &fillers[0];
  f->count = 0;
  arena_open_window(&f->window, &source);
  CHECK(add(f, true, 64) && add(f, false, 64));
  CHECK(add(f, true, (uint32_t)large) && add(f, false, (uint32_t)large));
  CHECK(!add(f, false, 2 * (uint32_t)large) && !add(f, true, 2 * (uint32_t)large));
  CHECK(add(f, false, 8) && add(f, true, 8));
  for (int k = 1; k < WINDOWS; k++) fillers[k].count = 0;
  check_apart();
  arena_close(&whole);
}

/* The border lies in the middle, however unlike the two ends are. */
static void one_end_may_take_all_there_is(bool is_high) {
  const size_t limit = (size_t)1 << 20;
  CHECK(arena_open_for_windows(&whole, limit) == 0);
  filler *f = &fillers[0];
  f->count = 0;
  f->bytes = 0;
  arena_open_window(&f->window, &source);
  while (add(f, is_high, 1000)) continue;
  while (add(f, is_high, 8)) continue;
  CHECK(f->bytes > limit / 20 * 19 && arena_used(&whole) <= limit); /* the rest is gaps */
  CHECK(!add(f, !is_high, 4096));
  for (int k = 1; k < WINDOWS; k++) fillers[k].count = 0;
  check_apart();
  arena_close(&whole);
}

static void limit_is_half_of_what_refs_can_name(void) {
  CHECK(arena_open_for_windows(&whole, SIZE_MAX) == 0);
  CHECK(whole.limit == ARENA_MAX_BYTES / 2 && whole.border < whole.size);
  filler *f = &fillers[0];
  f->count = 0;
  arena_open_window(&f->window, &source);
  CHECK(add(f, true, 8) && add(f, false, 8));
  arena_close(&whole);
  CHECK(arena_open_for_windows(&whole, 0) < 0);
}

int main(void) {
  for (int at_once = 0; at_once <= 1; at_once++) {
    for (size_t limit = 200; limit < 4096; limit += 97) windows_fill_it(limit, 64, at_once);
    windows_fill_it(65536 + 8, 200, at_once);
    windows_fill_it((1 << 20) + 3, 1000, at_once);
    windows_fill_it(3 << 20, 2000, at_once);
  }
  blocks_larger_than_a_stretch_fit();
  one_end_may_take_all_there_is(true);
  one_end_may_take_all_there_is(false);
  limit_is_half_of_what_refs_can_name();
  return 0;
}
