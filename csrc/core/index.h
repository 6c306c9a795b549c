/* The index of a graph's nodes by their keys, for nodes that paths share.
 *
 * Linear hashing (Litwin 1980): the table grows by one bucket at a time, splitting one, so no
 * insertion ever pays for a rehash of all. Buckets lie in segments of the arena, each as large
 * as all before it; a bucket is a chain of nodes.
 *
 *   segment[0]   segment[1]   segment[2]
 *   |<- 1024 ->| |<- 1024 ->| |<------ 2048 ------>|
 */
#ifndef MCTS_CORE_INDEX_H
#define MCTS_CORE_INDEX_H

#include "tree.h"

enum { INDEX_FIRST = 1024, INDEX_SEGMENTS = 23 };

typedef struct {
  ref segment[INDEX_SEGMENTS];
  uint32_t buckets, nodes;
  bool by_depth; /* nodes are told apart by depth too */
} node_index;

/* Of a key's hash, and the depth where that counts. */
static inline uint32_t index_hash(const node_index *x, uint32_t hash, uint32_t depth) {
  return x->by_depth ? hash ^ (depth + 1) * UINT32_C(0x9E3779B1) : hash;
}

static inline ref *index_bucket(const tree *t, const node_index *x, uint32_t b) {
  uint32_t which = b < INDEX_FIRST ? 0 : 22 - (uint32_t)__builtin_clz(b);
  uint32_t first = which ? (uint32_t)INDEX_FIRST << (which - 1) : 0;
  return (ref *)arena_at(&t->blocks, x->segment[which]) + (b - first);
}

/* The bucket of a hash: by as many of its bits as there are buckets for. */
static inline ref *index_bucket_of(const tree *t, const node_index *x, uint32_t hash) {
  uint32_t bits = 32 - (uint32_t)__builtin_clz(x->buckets - 1);
  uint32_t b = hash & (uint32_t)((UINT64_C(1) << bits) - 1);
  if (b >= x->buckets) b &= (UINT32_C(1) << (bits - 1)) - 1;
  return index_bucket(t, x, b);
}

/* False at the byte limit. */
static inline bool index_add_segment(tree *t, node_index *x, uint32_t which, uint32_t buckets) {
  ref r = tree_alloc_low(t, arena_round(buckets * sizeof(ref)));
  if (!r) return false;
  memset(arena_at(&t->blocks, r), 0, buckets * sizeof(ref));
  x->segment[which] = r;
  return true;
}

static inline bool index_open(tree *t, node_index *x, bool by_depth) {
  *x = (node_index){.buckets = INDEX_FIRST, .by_depth = by_depth};
  return index_add_segment(t, x, 0, INDEX_FIRST);
}

/* Adds a bucket and moves into it what belongs there. Without room for one, chains grow. */
static inline void index_grow(tree *t, node_index *x) {
  uint32_t b = x->buckets;
  if ((b & (b - 1)) == 0) {
    uint32_t which = 22 - (uint32_t)__builtin_clz(b);
    if (which >= INDEX_SEGMENTS || !index_add_segment(t, x, which, b)) return;
  }
  uint32_t top = UINT32_C(1) << (31 - __builtin_clz(b));
  ref *from = index_bucket(t, x, b & ~top), *to = index_bucket(t, x, b);
  x->buckets += 1;
  while (*from) {
    graph_part *g = node_graph(node_at(t, *from));
    if (g->hash & top) {
      ref moved = *from;
      *from = g->chain;
      g->chain = *to;
      *to = moved;
    } else {
      from = &g->chain;
    }
  }
}

/* `hash` is an index_hash. */
static inline void index_insert(tree *t, node_index *x, ref r, uint32_t hash) {
  if (++x->nodes > x->buckets) index_grow(t, x);
  ref *bucket = index_bucket_of(t, x, hash);
  graph_part *g = node_graph(node_at(t, r));
  g->hash = hash;
  g->chain = *bucket;
  *bucket = r;
}

#endif
