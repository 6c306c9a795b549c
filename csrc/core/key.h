/* The outcome key: which child an action led to. */
#ifndef MCTS_CORE_KEY_H
#define MCTS_CORE_KEY_H

#include "index.h"

/* Turns -0.0 into 0.0, so that equal states have equal bytes. */
static inline void key_canonical_floats(void *state, size_t bytes) {
  double *x = state;
  for (size_t i = 0; i < bytes / sizeof(double); i++) x[i] += 0.0;
}

/* What is compared: the key, or the state if it is its own key. A multiple of 8; 0: nothing. */
static inline size_t key_size(const tree *t) {
  return t->key_size ? t->key_size : t->state_size;
}

/* Of a key and whether the episode ended with it: the same state may end it or not. */
static inline uint32_t key_hash(const tree *t, const void *key, bool terminated) {
  const uint64_t *words = key;
  uint64_t h = terminated;
  for (size_t i = 0; i < key_size(t) / 8; i++) {
    h = (h ^ words[i]) * UINT64_C(0x9FB21C651E98DF25);
    h ^= h >> 32;
  }
  return (uint32_t)((h * UINT64_C(0xD6E8FEB86659FD93)) >> 32);
}

static inline bool key_is(const tree *t, node *n, const void *key) {
  return key_size(t) == 0 || memcmp(node_key(t, n), key, key_size(t)) == 0;
}

/* The last bit of an outcome's hash says whether the episode ended with it, so that its node need
 * not be asked: another thread may be at work there. */
static inline uint32_t key_outcome_hash(uint32_t hash, bool terminated) {
  return (hash & ~UINT32_C(1)) | terminated;
}

/* The link, among an edge's outcomes, that leads to the one with that key, or the empty link
 * where a new one is to be hung. `key_hash` is that of the key. */
static inline ref *key_find(const tree *t, ref *outcomes, const void *key, uint32_t key_hash,
                            bool terminated) {
  uint32_t hash = key_outcome_hash(key_hash, terminated), bits = hash;
  ref *link = outcomes;
  while (*link) {
    outcome *o = outcome_at(t, *link);
    if (o->hash == hash && key_is(t, node_at(t, o->node), key)) return link;
    link = &o->next[bits >> 31];
    bits <<= 1;
  }
  return link;
}

/* The node of a graph with that key and `index_hash`; where nodes are shared at one depth only,
 * at that depth. 0 if there is none. */
static inline ref key_find_node(const tree *t, const node_index *x, const void *key,
                                uint32_t index_hash, bool terminated, uint32_t depth) {
  ref r = *index_bucket_of(t, x, index_hash);
  while (r) {
    node *n = node_at(t, r);
    const graph_part *g = node_graph(n);
    bool here = !x->by_depth || n->depth == depth;
    bool ended = n->flags & NODE_TERMINAL;
    if (g->hash == index_hash && here && ended == terminated && key_is(t, n, key)) return r;
    r = g->chain;
  }
  return 0;
}

#endif
