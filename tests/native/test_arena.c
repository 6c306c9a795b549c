/* The arena: blocks up to the very limit, and never one of ref 0. */
#include "arena.h"

#include <string.h>

#include "check.h"

static const size_t MIB = (size_t)1 << 20;

static ref filled_block(arena *a, size_t bytes) {
  ref r = arena_alloc(a, bytes);
  if (r) memset(arena_at(a, r), 0xA5, bytes);
  return r;
}

static void fills_to_the_limit_and_no_further(size_t limit) {
  arena a;
  CHECK(arena_open(&a, limit) == 0);
  size_t blocks = 0;
  for (ref r; (r = filled_block(&a, 8)) != 0; blocks++) CHECK(r == blocks + 1);
  CHECK(blocks == (limit - 8) / 8);
  CHECK(a.used <= limit);
  CHECK(arena_alloc(&a, 8) == 0);
  arena_close(&a);
}

static void one_block_may_take_all_there_is(size_t limit) {
  arena a;
  CHECK(arena_open(&a, limit) == 0);
  CHECK(arena_alloc(&a, limit) == 0);
  CHECK(arena_alloc(&a, limit - 8 + 1) == 0);
  CHECK(filled_block(&a, limit - 8) == 1);
  CHECK(a.used == limit);
  CHECK(arena_alloc(&a, 8) == 0);
  arena_close(&a);
}

static void first_block_may_have_any_size(void) {
  for (size_t bytes = MIB - 16; bytes <= MIB + 16; bytes += 8) {
    arena a;
    CHECK(arena_open(&a, 4 * MIB) == 0);
    CHECK(filled_block(&a, bytes) == 1);
    CHECK(filled_block(&a, 8) != 0);
    arena_close(&a);
  }
}

static void blocks_keep_what_was_written_while_the_arena_grows(void) {
  arena a;
  CHECK(arena_open(&a, 64 * MIB) == 0);
  ref refs[500];
  for (uint32_t i = 0; i < 500; i++) {
    refs[i] = arena_alloc(&a, 8 * (1 + i * 17));
    CHECK(refs[i]);
    memset(arena_at(&a, refs[i]), (int)(i & 0xFF), 8 * (1 + i * 17));
  }
  for (uint32_t i = 0; i < 500; i++) {
    const unsigned char *block = arena_at(&a, refs[i]);
    CHECK(block[0] == (i & 0xFF) && block[8 * (1 + i * 17) - 1] == (i & 0xFF));
  }
  arena_close(&a);
}

static void reset_forgets_every_block(void) {
  arena a;
  CHECK(arena_open(&a, 100 * MIB) == 0);
  for (int round = 0; round < 3; round++) {
    CHECK(filled_block(&a, 99 * MIB) == 1);
    CHECK(arena_alloc(&a, MIB) == 0);
    arena_reset(&a);
    CHECK(a.used == 8);
  }
  arena_close(&a);
}

static void tiny_limits_hold_nothing(void) {
  for (size_t limit = 1; limit < 16; limit++) {
    arena a;
    CHECK(arena_open(&a, limit) == 0);
    CHECK(arena_alloc(&a, 8) == 0);
    arena_close(&a);
  }
  arena none;
  CHECK(arena_open(&none, 0) < 0);
}

static void limit_beyond_what_refs_can_name_is_cut(void) {
  arena a;
  CHECK(arena_open(&a, SIZE_MAX) == 0);
  CHECK(a.limit == ARENA_MAX_BYTES);
  CHECK(filled_block(&a, 8) == 1);
  CHECK(arena_alloc(&a, 2 * ARENA_MAX_BYTES) == 0);
  arena_close(&a);
}

int main(void) {
  for (size_t limit = 16; limit < 200; limit++) fills_to_the_limit_and_no_further(limit);
  fills_to_the_limit_and_no_further(MIB + 24);
  one_block_may_take_all_there_is(65536);
  one_block_may_take_all_there_is(MIB);
  one_block_may_take_all_there_is(MIB + 8);
  one_block_may_take_all_there_is(3 * MIB + 65536);
  first_block_may_have_any_size();
  blocks_keep_what_was_written_while_the_arena_grows();
  reset_forgets_every_block();
  tiny_limits_hold_nothing();
  limit_beyond_what_refs_can_name_is_cut();
  return 0;
}
