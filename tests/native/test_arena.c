/* The arena: at both ends, in any mix, blocks up to the very limit, none over another, and never
 * one of ref 0. */
#include "sparing_core.h"

#include "check.h"

static const size_t MIB = (size_t)1 << 20;

enum { MOST_BLOCKS = 20000 };

/* ---- an arena, and what was allocated in it --------------------------------------------------- */

typedef struct {
  ref at;
  bool is_high;
  size_t bytes;
} block;

typedef struct {
  arena a;
  size_t first; /* offset of the first low block */
  block blocks[MOST_BLOCKS];
  uint32_t count;
  uint64_t random;
} filling;

static filling f;

static void begin(size_t limit, uint64_t seed) {
  f.count = 0;
  f.random = seed * 2 + 1;
  CHECK(arena_open(&f.a, limit) == 0);
  f.first = f.a.low;
  CHECK(f.first > 0 && f.first % ARENA_LINE == 0 && (uintptr_t)f.a.base % ARENA_LINE == 0);
  CHECK(f.a.size == limit / 8 * 8 && f.a.high == f.a.size && f.a.limit == limit);
}

static uint64_t random_below(uint64_t bound) {
  f.random = f.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (f.random >> 33) % bound;
}

/* Bytes that may still be in use, if no more than `limit` may in all. */
static size_t room(void) {
  size_t most = f.a.limit < f.a.size ? f.a.limit / 8 * 8 : f.a.size, used = arena_used(&f.a);
  return used < most ? most - used : 0;
}

/* All bytes of a block say which it is. */
static unsigned char sign_of(uint32_t number) { return (unsigned char)(number * 37 + 1); }

static bool is_signed(uint32_t number) {
  const block *b = &f.blocks[number];
  const unsigned char *bytes = arena_at(&f.a, b->at);
  for (size_t i = 0; i < b->bytes; i++)
    if (bytes[i] != sign_of(number)) return false;
  return true;
}

/* A low block begins where the last one ended, or behind a gap that spares it a cache line. */
static void check_low(size_t start, size_t bytes, size_t low) {
  size_t lines = (bytes + ARENA_LINE - 1) / ARENA_LINE;
  CHECK((start + bytes - 1) / ARENA_LINE - start / ARENA_LINE + 1 == lines);
  CHECK(start == low || (start > low && start - low < ARENA_LINE && start % ARENA_LINE == 0));
  CHECK(start == low || (low + bytes - 1) / ARENA_LINE - low / ARENA_LINE + 1 > lines);
}

/* False if there is no room for it, and then nothing has changed. */
static bool add(bool is_high, size_t bytes) {
  arena before = f.a;
  size_t gap = is_high ? 0 : arena_gap(&f.a, bytes);
  bool fits = bytes <= room() && gap <= room() - bytes;
  ref at = is_high ? arena_alloc_high(&f.a, bytes) : arena_alloc_low(&f.a, bytes);
  CHECK(fits == (at != 0));
  CHECK(f.a.low <= f.a.high || before.low > before.high);
  if (!at) {
    CHECK(f.a.low == before.low && f.a.high == before.high);
    return false;
  }
  size_t start = (size_t)at * 8;
  CHECK(start >= f.first && start + bytes <= f.a.size && arena_is_high(&f.a, at) == is_high);
  CHECK(arena_used(&f.a) <= f.a.limit);
  if (is_high) {
    CHECK(start + bytes == before.high && f.a.high == start && f.a.low == before.low);
  } else {
    CHECK(f.a.low == start + bytes && f.a.low <= f.a.high && f.a.high == before.high);
    check_low(start, bytes, before.low);
  }
  CHECK(f.count < MOST_BLOCKS);
  memset(arena_at(&f.a, at), sign_of(f.count), bytes);
  f.blocks[f.count++] = (block){at, is_high, bytes};
  return true;
}

/* Nothing has been written over, and the refs still say which end they are at. */
static void check_all(void) {
  for (uint32_t i = 0; i < f.count; i++) {
    CHECK(is_signed(i));
    CHECK(arena_is_high(&f.a, f.blocks[i].at) == f.blocks[i].is_high);
  }
}

static void check_full(void) {
  CHECK(room() == 0 && !add(false, 8) && !add(true, 8));
  check_all();
}

/* Blocks of up to `most` bytes, `highs` of 8 at the high end, until there is no room for any. */
static void fill(uint64_t highs, size_t most) {
  while (room() > 0) {
    bool is_high = random_below(8) < highs;
    size_t largest = most < room() ? most : room();
    size_t bytes = 8 * (1 + random_below(largest / 8));
    if (!add(is_high, bytes)) CHECK(add(is_high, 8)); /* which leaves no gap */
  }
}

/* ---- up to the limit ---------------------------------------------------------------------------- */

static void one_end_fills_it_by(bool is_high, size_t limit) {
  begin(limit, 1);
  while (add(is_high, 8)) {
    size_t at = (size_t)f.blocks[f.count - 1].at * 8, before = (size_t)(f.count - 1) * 8;
    CHECK(at == (is_high ? f.a.size - 8 - before : f.first + before));
  }
  CHECK(f.count == (f.a.size - f.first) / 8);
  check_full();
  arena_close(&f.a);
}

static void one_block_may_take_all_there_is(bool is_high, size_t limit) {
  begin(limit, 1);
  size_t all = f.a.size - f.first;
  CHECK(!add(is_high, f.a.size) && !add(is_high, all + 8));
  CHECK(add(is_high, all));
  check_full();
  arena_close(&f.a);
}

static void first_block_may_have_any_size(bool is_high) {
  for (size_t bytes = MIB - 1024; bytes <= MIB + 1024; bytes += 8) {
    begin(4 * MIB, 1);
    CHECK(add(is_high, bytes) && add(is_high, 8) && add(!is_high, bytes) && add(!is_high, 8));
    check_all();
    arena_close(&f.a);
  }
}

static void ends_fill_it_in_every_order(void) {
  enum { BLOCKS = 10 };
  begin(1024, 1);
  size_t limit = f.first + 8 * BLOCKS;
  arena_close(&f.a);
  for (size_t more = 0; more < 8; more++) {
    begin(limit + more, 1);
    for (unsigned order = 0; order < 1u << BLOCKS; order++) {
      for (unsigned i = 0; i < BLOCKS; i++) CHECK(add(order >> i & 1, 8));
      check_full();
      arena_reset(&f.a);
      f.count = 0;
    }
    arena_close(&f.a);
  }
}

static void ends_fill_it_in_any_mix(size_t limit, size_t most) {
  for (uint64_t highs = 0; highs <= 8; highs += 2) {
    begin(limit, highs);
    fill(highs, most);
    check_full();
    arena_close(&f.a);
  }
}

/* One end after the other: what was made usable for the one is there for the other. */
static void ends_take_turns(size_t limit, size_t first_part) {
  for (int is_high = 0; is_high <= 1; is_high++) {
    begin(limit, 1);
    size_t part = (f.a.size - f.first) / 64 * 8 * first_part, step = 64 * (1 + part / 64 / 1000);
    while (arena_used(&f.a) - f.first < part) CHECK(add(is_high, step < room() ? step : room()));
    fill(is_high ? 0 : 8, step * 3);
    check_full();
    arena_close(&f.a);
  }
}

static void tiny_limits_hold_nothing(void) {
  begin(1024, 1);
  size_t first = f.first;
  arena_close(&f.a);
  for (size_t limit = 1; limit < first + 8; limit++) {
    begin(limit, 1);
    for (size_t bytes = 8; bytes <= 2 * first; bytes += 8) {
      CHECK(arena_alloc_low(&f.a, bytes) == 0 && arena_alloc_high(&f.a, bytes) == 0);
      arena_reset(&f.a);
    }
    arena_close(&f.a);
  }
  arena none;
  CHECK(arena_open(&none, 0) < 0);
}

static void limit_beyond_what_refs_can_name_is_cut(void) {
  arena a;
  CHECK(arena_open(&a, SIZE_MAX) == 0);
  CHECK(a.limit == ARENA_MAX_BYTES && a.size == ARENA_MAX_BYTES);
  ref first = (ref)(a.low / 8), low = arena_alloc_low(&a, 8), high = arena_alloc_high(&a, 8);
  CHECK(low == first && high == UINT32_MAX - 1);
  CHECK(!arena_is_high(&a, low) && arena_is_high(&a, high));
  memset(arena_at(&a, low), 0xA5, 8);
  memset(arena_at(&a, high), 0xA5, 8);
  CHECK(arena_alloc_low(&a, 2 * ARENA_MAX_BYTES) == 0);
  CHECK(arena_alloc_high(&a, 2 * ARENA_MAX_BYTES) == 0);
  CHECK(arena_alloc_low(&a, 8) == low + 1 && arena_alloc_high(&a, 8) == high - 1);
  arena_close(&a);
}

/* ---- a lower limit -------------------------------------------------------------------------------- */

/* As while a tree moves to a new arena, when the old one still takes a part; after that there is
 * as much room as was reserved. */
static void limit_may_be_lowered_for_a_while(size_t limit, size_t lowered, size_t most) {
  for (uint64_t highs = 0; highs <= 8; highs += 2) {
    begin(limit, highs + 10);
    f.a.limit = lowered;
    fill(highs, most);
    check_full();
    CHECK(arena_used(&f.a) <= lowered || f.count == 0);
    f.a.limit = limit;
    fill(8 - highs, most);
    check_full();
    CHECK(arena_used(&f.a) == f.a.size);
    arena_close(&f.a);
  }
}

/* ---- again ------------------------------------------------------------------------------------------ */

static void reset_keeps_both_ends_usable(size_t limit, size_t most) {
  begin(limit, 5);
  for (uint64_t round = 0; round < 12; round++) {
    fill(round * 5 % 9, most);
    check_full();
    arena_reset(&f.a);
    f.count = 0;
    CHECK(f.a.low == f.first && f.a.high == f.a.size && arena_used(&f.a) == f.first);
  }
  arena_close(&f.a);
}

/* What is given back reads as 0 when it is used again. */
static void reset_gives_memory_back(bool is_high) {
#ifdef __linux__
  begin(64 * MIB + 24, 1);
  CHECK(add(is_high, 64 * MIB - 4096));
  arena_reset(&f.a);
  ref again = is_high ? arena_alloc_high(&f.a, 64 * MIB - 4096)
                      : arena_alloc_low(&f.a, 64 * MIB - 4096);
  const unsigned char *bytes = arena_at(&f.a, again);
  size_t kept = 0;
  for (size_t i = 0; i < 64 * MIB - 4096; i++) kept += bytes[i] != 0;
  CHECK(again && kept <= 16 * MIB + 65536);
  arena_close(&f.a);
#else
  (void)is_high;
#endif
}

/* ---- the system refuses ------------------------------------------------------------------------------ */

/* Whether a block that has room is refused by the system, and leaves all as it was. */
static bool is_refused(bool is_high, size_t bytes) {
  arena before = f.a;
  long request = requests;
  ref at = is_high ? arena_alloc_high(&f.a, bytes) : arena_alloc_low(&f.a, bytes);
  if (at) { /* not this time: it is taken back */
    f.a.low = before.low;
    f.a.high = before.high;
    return false;
  }
  CHECK(requests == request + 1 && requests == refuse_at);
  CHECK(memcmp(&f.a, &before, sizeof before) == 0);
  return true;
}

/* Fills an arena while the request of that number is refused. False: there are not so many. */
static bool fills_in_spite_of_a_refusal(long refusal, uint64_t highs, size_t limit, size_t most) {
  bool was_refused = false;
  requests = refuse_at = 0;
  begin(limit, (uint64_t)refusal);
  requests = 0;
  refuse_at = refusal;
  while (room() > most) {
    bool is_high = random_below(8) < highs;
    size_t bytes = 8 * (1 + random_below(most / 16));
    was_refused |= is_refused(is_high, bytes);
    CHECK(add(is_high, bytes));
  }
  refuse_at = 0;
  fill(highs, most);
  check_full();
  arena_close(&f.a);
  return was_refused;
}

static void refusals_leave_the_arena_usable(void) {
  for (uint64_t highs = 0; highs <= 8; highs += 2) {
    long refusal = 1;
    while (fills_in_spite_of_a_refusal(refusal, highs, 12 * MIB + 8, 16384)) refusal++;
    CHECK(refusal > 3);
  }
  requests = 0;
  refuse_at = 1;
  CHECK(arena_open(&f.a, MIB) < 0);
  refuse_at = 0;
}

int main(void) {
  for (int is_high = 0; is_high <= 1; is_high++) {
    for (size_t limit = 136; limit < 800; limit++) {
      one_end_fills_it_by(is_high, limit);
      one_block_may_take_all_there_is(is_high, limit);
    }
    for (size_t more = 0; more < 64; more += 7) {
      one_end_fills_it_by(is_high, 131072 + more);
      one_block_may_take_all_there_is(is_high, 65536 + more);
      one_block_may_take_all_there_is(is_high, MIB + more);
      one_block_may_take_all_there_is(is_high, 3 * MIB + 65536 + more);
    }
    first_block_may_have_any_size(is_high);
    reset_gives_memory_back(is_high);
  }
  ends_fill_it_in_every_order();
  for (size_t limit = 136; limit < 1500; limit += 3) ends_fill_it_in_any_mix(limit, 200);
  const size_t limits[] = {4096, 65536 - 8, 65536 + 13, MIB, MIB + 24, 2 * MIB + 1, 5 * MIB - 65};
  for (int i = 0; i < 7; i++) {
    ends_fill_it_in_any_mix(limits[i], limits[i] < MIB ? 64 : 4096);
    ends_fill_it_in_any_mix(limits[i], limits[i] / 5);
    for (size_t part = 1; part < 8; part += 2) ends_take_turns(limits[i], part);
    for (size_t part = 1; part <= 9; part++)
      limit_may_be_lowered_for_a_while(limits[i], limits[i] / 10 * part + part, limits[i] / 50);
    reset_keeps_both_ends_usable(limits[i], limits[i] / 30);
  }
  ends_fill_it_in_any_mix(40 * MIB + 100, 65536);
  ends_take_turns(40 * MIB + 100, 3);
  limit_may_be_lowered_for_a_while(4096, 17, 64);
  limit_may_be_lowered_for_a_while(24 * MIB + 3, 11 * MIB + 5, 65536);
  reset_keeps_both_ends_usable(40 * MIB + 100, 65536);
  tiny_limits_hold_nothing();
  limit_beyond_what_refs_can_name_is_cut();
  refusals_leave_the_arena_usable();
  return 0;
}
