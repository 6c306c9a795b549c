/* The outcomes of one edge: every key is found again, whatever its hash. */
#include "check.h"
#include "key.h"

enum { MANY = 100000, COLLIDING = 300 };

static uint64_t key_of(uint64_t number) { return number * UINT64_C(0x9E3779B97F4A7C15) >> 7; }

static tree new_tree(size_t state_size, size_t key_size) {
  tree t = {.state_size = state_size, .key_size = key_size};
  CHECK(arena_open(&t.blocks, (size_t)1 << 26) == 0);
  return t;
}

/* Hangs an outcome where key_find says that it is missing. */
static void hang(tree *t, ref *outcomes, const void *key, uint32_t hash, bool terminated) {
  ref *link = key_find(t, outcomes, key, hash, terminated);
  CHECK(*link == 0);
  ref r = tree_alloc_high(t, outcome_size(t), 0);
  ref child = node_new(t, key, t->key_size ? key : NULL, NULL, 0, 1, terminated);
  CHECK(r && child);
  *outcome_at(t, r) = (outcome){.node = child, .hash = key_outcome_hash(hash, terminated)};
  *link = r;
}

static void check_found(tree *t, ref *outcomes, const void *key, uint32_t hash, bool ended) {
  ref *link = key_find(t, outcomes, key, hash, ended);
  CHECK(*link != 0);
  node *n = node_at(t, outcome_at(t, *link)->node);
  CHECK(memcmp(node_key(t, n), key, key_size(t)) == 0);
  CHECK(!(n->flags & NODE_TERMINAL) == !ended);
}

static void many_keys_are_found_again(void) {
  tree t = new_tree(8, 0);
  ref outcomes = 0;
  for (uint64_t i = 0; i < MANY; i++) {
    uint64_t key = key_of(i);
    hang(&t, &outcomes, &key, key_hash(&t, &key, false), false);
  }
  CHECK(t.nodes == MANY);
  for (uint64_t i = 0; i < MANY; i++) {
    uint64_t key = key_of(i);
    check_found(&t, &outcomes, &key, key_hash(&t, &key, false), false);
  }
  arena_close(&t.blocks);
}

/* A trie of the hash's bits is used up after 32 of them; then it is a list. */
static void keys_of_one_hash_are_told_apart(uint32_t hash) {
  tree t = new_tree(8, 0);
  ref outcomes = 0;
  for (uint64_t i = 0; i < COLLIDING; i++) {
    uint64_t key = key_of(i);
    hang(&t, &outcomes, &key, hash, i % 2);
  }
  for (uint64_t i = 0; i < COLLIDING; i++) {
    uint64_t key = key_of(i);
    check_found(&t, &outcomes, &key, hash, i % 2);
    CHECK(*key_find(&t, &outcomes, &key, hash, !(i % 2)) == 0);
  }
  arena_close(&t.blocks);
}

static void one_state_may_end_the_episode_or_not(void) {
  tree t = new_tree(8, 0);
  ref outcomes = 0;
  uint64_t key = 42;
  for (int terminated = 0; terminated <= 1; terminated++) {
    hang(&t, &outcomes, &key, key_hash(&t, &key, terminated), terminated);
    check_found(&t, &outcomes, &key, key_hash(&t, &key, terminated), terminated);
  }
  CHECK(t.nodes == 2);
  CHECK(key_hash(&t, &key, false) != key_hash(&t, &key, true));
  arena_close(&t.blocks);
}

static void every_byte_of_a_long_key_counts(void) {
  enum { WORDS = 64 };
  tree t = new_tree(sizeof(uint64_t[WORDS]), 0);
  ref outcomes = 0;
  uint64_t key[WORDS] = {0};
  for (int word = 0; word < WORDS; word++) {
    memset(key, 0, sizeof key);
    key[word] = UINT64_C(1) << word;
    hang(&t, &outcomes, key, key_hash(&t, key, false), false);
  }
  CHECK(t.nodes == WORDS);
  arena_close(&t.blocks);
}

/* What the model calls the state's identity decides, not the state's bytes. */
static void separate_key_is_what_is_compared(void) {
  tree t = new_tree(8, 16);
  ref outcomes = 0;
  uint64_t key[2] = {1, 2};
  hang(&t, &outcomes, key, key_hash(&t, key, false), false);
  node *n = node_at(&t, outcome_at(&t, outcomes)->node);
  *(uint64_t *)node_state(&t, n) = 99;
  check_found(&t, &outcomes, key, key_hash(&t, key, false), false);
  key[1] = 3;
  CHECK(*key_find(&t, &outcomes, key, outcome_at(&t, outcomes)->hash, false) == 0);
  arena_close(&t.blocks);
}

static void both_zeros_become_one(void) {
  double zeros[3] = {-0.0, 0.0, -1.0};
  const double canonical[3] = {0.0, 0.0, -1.0};
  key_canonical_floats(zeros, sizeof zeros);
  CHECK(memcmp(zeros, canonical, sizeof zeros) == 0);
}

int main(void) {
  many_keys_are_found_again();
  keys_of_one_hash_are_told_apart(0);
  keys_of_one_hash_are_told_apart(UINT32_MAX);
  keys_of_one_hash_are_told_apart(0x5A5A5A5A);
  one_state_may_end_the_episode_or_not();
  every_byte_of_a_long_key_counts();
  separate_key_is_what_is_compared();
  both_zeros_become_one();
  return 0;
}
