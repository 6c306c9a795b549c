/* The search tree in memory: nodes, edges and outcomes, all blocks of one arena.
 *
 *   node                     edges of a node, E actions, P players
 *   +------------------+     +------------------------------+
 *   | visits  edges ---+---->| value   double [E]           |  mean return, for the mover
 *   | count p f depth  |     | reward  double [E][P]        |  deterministic models only
 *   +------------------+     | visits  uint32 [E]           |
 *   | state            |     | child   ref    [E] ----------+--> node    (deterministic)
 *   +------------------+     | action  int32  [E]           |    outcome (else)
 *   | key, if any      |     +------------------------------+
 *   +------------------+
 *   | previous owned   |     outcome: one of the states that an action led to
 *   +------------------+     +--------------------------+
 *                            | node --------------------+--> node
 *                            | visits  hash  next[2] ---+--> outcomes of the same edge
 *                            +--------------------------+
 *
 * A node without edges is a leaf. The outcomes of an edge form a binary trie on the bits of
 * their keys' hashes: a few outcomes cost a few comparisons, a hundred thousand about
 * seventeen, nothing is ever rehashed, and keys are compared in full. */
#ifndef MCTS_CORE_TREE_H
#define MCTS_CORE_TREE_H

#include <stdbool.h>
#include <string.h>

#include "arena.h"
#include "mcts_model.h"

enum node_flags {
  NODE_TERMINAL = 1,  /* the episode ended on the way here */
  NODE_ALL_TRIED = 2  /* every edge has been tried */
};

typedef struct {
  uint32_t visits; /* simulations that came here */
  ref edges;       /* 0: a leaf */
  uint32_t count;  /* edges */
  uint8_t player;  /* to move; known once there are edges */
  uint8_t flags;
  uint16_t depth; /* steps from the root */
} node;

typedef struct {
  ref node;
  uint32_t visits;
  uint32_t hash;
  ref next[2];
  uint32_t unused; /* rounds the block to 8 bytes */
} outcome;

/* Where the arrays of one edge block lie. */
typedef struct {
  double *value, *reward;
  uint32_t *visits;
  ref *child;
  int32_t *action;
} edges;

typedef struct {
  arena blocks;
  size_t state_size, key_size; /* rounded to 8 */
  uint32_t rewards;            /* stored with an edge: the players, or 0 */
  bool owns_states;            /* nodes are chained by `last_owned`, to release their states */
  ref root, last_owned;
  uint64_t nodes;
  uint32_t deepest;
} tree;

static inline node *node_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

static inline void *node_state(node *n) { return n + 1; }

/* What tells the node from its siblings: the key, or the state if it is its own key. */
static inline void *node_key(const tree *t, node *n) {
  return (unsigned char *)(n + 1) + (t->key_size ? t->state_size : 0);
}

static inline ref *node_previous_owned(const tree *t, node *n) {
  return (ref *)((unsigned char *)(n + 1) + t->state_size + t->key_size);
}

static inline size_t node_size(const tree *t) {
  return sizeof(node) + t->state_size + t->key_size + (t->owns_states ? 8 : 0);
}

static inline outcome *outcome_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

static inline size_t edges_size(const tree *t, size_t count) {
  return arena_round(count * (sizeof(double) * (1 + t->rewards) + 2 * sizeof(uint32_t) +
                              sizeof(int32_t)));
}

static inline edges edges_at(const tree *t, const node *n) {
  size_t count = n->count;
  edges e;
  e.value = arena_at(&t->blocks, n->edges);
  e.reward = e.value + count;
  e.visits = (uint32_t *)(e.reward + count * t->rewards);
  e.child = e.visits + count;
  e.action = (int32_t *)(e.child + count);
  return e;
}

/* A new leaf that owns the state at `state`; `key` is NULL where the state is the key.
 * 0 at the byte limit: then the state still belongs to the caller. */
static inline ref node_new(tree *t, const void *state, const void *key, uint32_t depth,
                           bool terminal) {
  ref r = arena_alloc(&t->blocks, node_size(t));
  if (!r) return 0;
  node *n = node_at(t, r);
  *n = (node){.depth = (uint16_t)depth, .flags = terminal ? NODE_TERMINAL : 0};
  memcpy(node_state(n), state, t->state_size);
  if (key) memcpy(node_key(t, n), key, t->key_size);
  if (t->owns_states) {
    *node_previous_owned(t, n) = t->last_owned;
    t->last_owned = r;
  }
  t->nodes += 1;
  if (depth > t->deepest) t->deepest = depth;
  return r;
}

/* Gives a leaf its edges, all untried. False at the byte limit. */
static inline bool node_expand(tree *t, node *n, const int32_t *actions, uint32_t count) {
  ref block = arena_alloc(&t->blocks, edges_size(t, count));
  if (!block) return false;
  n->edges = block;
  n->count = count;
  edges e = edges_at(t, n);
  for (uint32_t i = 0; i < count; i++) {
    e.value[i] = 0.0;
    e.visits[i] = 0;
    e.child[i] = 0;
    e.action[i] = actions[i];
  }
  return true;
}

#endif
