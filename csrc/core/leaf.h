/* An opened leaf: it has priors, and mostly stays a leaf for good.
 *
 *   node, at the high end       block of a leaf, at the high end
 *   +--------------------+      +------------------------------+
 *   | block -------------+----->| count visits                 |  as an edge block begins
 *   | depth flags player |      | own     double               |  the node's value by the model
 *   +--------------------+      | prior   double [E]           |
 *                               | action  1, 2 or 4 bytes [E]  |  but where all are there in order
 *                               +------------------------------+
 *
 * What else an edge has it gets when one of them is chosen first: the node has an edge block then,
 * and the leaf's own is free. That same simulation goes on to the next leaf, which takes it over. */
#ifndef MCTS_CORE_LEAF_H
#define MCTS_CORE_LEAF_H

#include "single.h"

static inline size_t leaf_size(const tree *t, uint32_t count) {
  size_t actions = block_has_actions(t, count) ? arena_round(count * t->action_bytes) : 0;
  return 2 * sizeof(uint32_t) + (1 + (size_t)count) * sizeof(double) + actions;
}

/* Its edges: priors, own value and actions alone. */
static inline edges leaf_in(const tree *t, ref block) {
  edges e = {.count = block_at(t, block)->count};
  e.own = (double *)((uint32_t *)arena_at(&t->blocks, block) + 2);
  e.prior = e.own + 1;
  e.action = e.prior + e.count;
  return e;
}

/* Of an opened leaf. */
static inline edges leaf_at(const tree *t, const node *n) { return leaf_in(t, n->block); }

static inline bool node_is_opened_leaf(const node *n) {
  return (n->flags & (NODE_EXPANDED | NODE_OPEN)) == NODE_OPEN;
}

/* Of any node that has a block. */
static inline double *node_own(const tree *t, const node *n) {
  return node_is_expanded(n) ? edges_at(t, n).own : leaf_at(t, n).own;
}

static inline uint8_t node_player(const tree *t, const node *n) {
  return node_is_expanded(n) ? block_at(t, n->block)->player : n->player;
}

/* A block for a leaf, without priors yet; *spare, which is none afterwards, where it is as large.
 * 0 at the byte limit. */
static inline ref leaf_new(tree *t, const node *n, const int32_t *actions, uint32_t count,
                           ref *spare) {
  bool fits = *spare && block_at(t, *spare)->count == count;
  ref block = fits ? *spare : tree_alloc_high(t, leaf_size(t, count), 0);
  if (!block) return 0;
  if (fits) *spare = 0;
  block_head *head = block_at(t, block);
  head->count = count;
  head->visits = n->leaf_visits;
  edges e = leaf_in(t, block);
  *e.own = NAN;
  for (uint32_t i = 0; i < count; i++) edge_set_action(t, &e, i, actions[i]);
  return block;
}

/* The priors are there. */
static inline void node_take_leaf(node *n, ref block, uint8_t player) {
  n->block = block;
  n->player = player;
  n->flags |= NODE_OPEN;
}

/* Gives an opened leaf its edges, all untried; *spare are single blocks to take. False at the byte
 * limit. */
static inline bool leaf_expand(tree *t, ref at, ref *spare) {
  node *n = node_at(t, at);
  edges from = leaf_at(t, n);
  bool single = single_suits(t, from.count);
  ref block = single ? single_new(t, at, from.count, spare) : block_new(t, at, from.count);
  if (!block) return false;
  edges to = edges_in(t, block, t->layout);
  for (uint32_t i = 0; i < from.count; i++) {
    if (single) edge_set_action(t, &to, i, edge_action(t, &from, i));
    else edge_begin(t, &to, i, edge_action(t, &from, i));
    to.prior[i] = from.prior[i];
  }
  *to.own = *from.own;
  node_take_block(t, at, block);
  return true;
}

#endif
