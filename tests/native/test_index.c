/* The index of shared nodes: every node is found by its key, however many there are, however
 * their hashes fall, and whether or not the table could grow. */
#include "check.h"
#include "key.h"

enum { MANY = 200000, COLLIDING = 3000 };

static tree tree_of(uint64_t limit) {
  tree t = {.state_size = 8, .graph_size = sizeof(graph_part)};
  CHECK(arena_open(&t.blocks, limit) == 0);
  return t;
}

static ref add(tree *t, node_index *x, uint64_t key, uint32_t depth) {
  ref r = node_new(t, &key, NULL, NULL, 0, depth, false);
  if (r) index_insert(t, x, r, index_hash(x, key_hash(t, &key, false), depth));
  return r;
}

static ref find(const tree *t, const node_index *x, uint64_t key, uint32_t depth) {
  uint32_t hash = index_hash(x, key_hash(t, &key, false), depth);
  return key_find_node(t, x, &key, hash, false, depth);
}

static uint32_t depth_of(const node_index *x, uint64_t i) { return x->by_depth ? i % 7 : 0; }

static void holds(const tree *t, const node_index *x, const ref *refs, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) CHECK(find(t, x, i, depth_of(x, i)) == refs[i]);
  for (uint64_t i = count; i < count + 1000; i++) CHECK(find(t, x, i, depth_of(x, i)) == 0);
}

static void finds_many(bool by_depth) {
  static ref refs[MANY];
  tree t = tree_of((uint64_t)1 << 28);
  node_index x;
  CHECK(index_open(&t, &x, by_depth));
  for (uint64_t i = 0; i < MANY; i++) {
    refs[i] = add(&t, &x, i, depth_of(&x, i));
    CHECK(refs[i]);
    if ((i & (i - 1)) == 0) holds(&t, &x, refs, i + 1);
  }
  CHECK(x.buckets >= MANY && x.nodes == MANY);
  holds(&t, &x, refs, MANY);
  if (by_depth) CHECK(find(&t, &x, 3, 4) == 0);
  arena_close(&t.blocks);
}

/* The inverse of an odd number, modulo 2^64, by Newton's method. */
static uint64_t inverse(uint64_t odd) {
  uint64_t x = odd;
  for (int i = 0; i < 6; i++) x *= 2 - odd * x;
  return x;
}

/* A key with the hash `hash`, one for each `low`: key_hash read backwards. */
static uint64_t key_with(uint32_t hash, uint32_t low) {
  uint64_t h = ((uint64_t)hash << 32 | low) * inverse(UINT64_C(0xD6E8FEB86659FD93));
  h ^= h >> 32;
  return h * inverse(UINT64_C(0x9FB21C651E98DF25));
}

static void finds_keys_of_one_hash(void) {
  static ref refs[COLLIDING];
  tree t = tree_of((uint64_t)1 << 24);
  node_index x;
  CHECK(index_open(&t, &x, false));
  for (uint32_t i = 0; i < COLLIDING; i++) {
    uint64_t key = key_with(12345, i);
    CHECK(key_hash(&t, &key, false) == 12345);
    refs[i] = add(&t, &x, key, 0);
  }
  for (uint32_t i = 0; i < COLLIDING; i++) CHECK(find(&t, &x, key_with(12345, i), 0) == refs[i]);
  CHECK(find(&t, &x, key_with(12345, COLLIDING), 0) == 0);
  arena_close(&t.blocks);
}

/* The same below one edge, where 32 bits of the hash say nothing. */
static void finds_outcomes_of_one_hash(void) {
  static ref refs[COLLIDING];
  tree t = tree_of((uint64_t)1 << 24);
  ref first = 0;
  for (uint32_t i = 0; i < COLLIDING; i++) {
    uint64_t key = key_with(UINT32_MAX, i);
    ref *link = key_find(&t, &first, &key, UINT32_MAX, false);
    CHECK(!*link);
    ref child = node_new(&t, &key, NULL, NULL, 0, 0, false);
    ref r = tree_alloc_high(&t, outcome_size(&t), 0);
    CHECK(child && r);
    *outcome_at(&t, r) = (outcome){.node = child, .hash = key_outcome_hash(UINT32_MAX, false)};
    *link = refs[i] = r;
  }
  for (uint32_t i = 0; i < COLLIDING; i++) {
    uint64_t key = key_with(UINT32_MAX, i);
    CHECK(*key_find(&t, &first, &key, UINT32_MAX, false) == refs[i]);
  }
  arena_close(&t.blocks);
}

/* Without room for a segment the chains grow, and a later limit changes nothing. */
static void finds_all_at_every_limit(void) {
  static ref refs[MANY];
  for (uint64_t limit = 4096; limit < 300000; limit += 1016) {
    tree t = tree_of(limit);
    node_index x;
    uint64_t count = 0;
    if (index_open(&t, &x, false)) {
      while ((refs[count] = add(&t, &x, count, 0))) count++;
      holds(&t, &x, refs, count);
    }
    CHECK(arena_used(&t.blocks) <= limit);
    arena_close(&t.blocks);
  }
}

static void tells_ends_apart(void) {
  tree t = tree_of(1 << 20);
  node_index x;
  uint64_t key = 5;
  CHECK(index_open(&t, &x, false));
  ref goes_on = add(&t, &x, key, 0), ends = node_new(&t, &key, NULL, NULL, 0, 0, true);
  index_insert(&t, &x, ends, key_hash(&t, &key, true));
  CHECK(key_find_node(&t, &x, &key, key_hash(&t, &key, true), true, 0) == ends);
  CHECK(find(&t, &x, key, 0) == goes_on);
  arena_close(&t.blocks);
}

int main(void) {
  finds_many(false);
  finds_many(true);
  finds_keys_of_one_hash();
  finds_outcomes_of_one_hash();
  finds_all_at_every_limit();
  tells_ends_apart();
  return 0;
}
