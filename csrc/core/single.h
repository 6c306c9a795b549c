/* A single block: the edge block of a node of which one edge alone has been tried.
 *
 *   +------------------------------+
 *   | head      last: which one    |
 *   | value   double               |  of the edge that was tried
 *   | prior   double [E]           |
 *   | logit   double [E]           |  L  as in every edge block: see tree.h
 *   | own     double               |
 *   | visits child                 |  of the edge that was tried
 *   | action  1, 2 or 4 bytes [E]  |  but where all are there in order
 *   +------------------------------+
 *
 * Where priors are weighed trees are narrow: most nodes that are no leaves have one child, and
 * never get another. A block with room for all edges takes the place of this one when another edge
 * is chosen, and the next node that needs a single one takes it over.
 *
 * Only in the plain tree of a deterministic model, with one simulation in flight. The root has room
 * for all its edges. */
#ifndef MCTS_CORE_SINGLE_H
#define MCTS_CORE_SINGLE_H

#include "tree.h"

/* Each edge of a single block in its place, for who looks at all of them: [max_actions], 0 but at
 * *last. */
typedef struct {
  double *value;
  uint32_t *visits;
  ref *child;
  uint32_t *last;
} single_view;

/* Edges as if their block had room for all of them, to be read until others are. */
LOOP_PIECE edges single_spread(const single_view *view, const edges *e, unsigned layout) {
  edges all = *e;
  if (!block_is_single(e->head, layout)) return all;
  uint32_t before = *view->last, now = *view->last = e->head->last;
  view->value[before] = 0.0;
  view->visits[before] = 0;
  view->child[before] = 0;
  view->value[now] = *e->value;
  view->visits[now] = *e->visits;
  view->child[now] = *e->child;
  all.value = view->value;
  all.visits = view->visits;
  all.child = view->child;
  return all;
}

/* The edges of a node, to be read alone. */
static inline edges edges_seen(const tree *t, const single_view *view, const node *n) {
  edges e = edges_at(t, n);
  return single_spread(view, &e, t->layout);
}

static inline size_t single_size(const tree *t, uint32_t count) {
  size_t doubles = 2 + (size_t)count * (t->layout & BLOCK_LOGITS ? 2 : 1);
  size_t actions = block_has_actions(t, count) ? arena_round(count * t->action_bytes) : 0;
  return sizeof(block_head) + doubles * sizeof(double) + 2 * sizeof(uint32_t) + actions;
}

static inline size_t block_size(const tree *t, const block_head *head) {
  return head->single ? single_size(t, head->count) : edges_size(t, head->count);
}

/* True if a node with so many edges has a single block at first. */
static inline bool single_suits(const tree *t, uint32_t count) {
  return (t->layout & BLOCK_SINGLES) && count > 1 && count <= UINT16_MAX;
}

/* The blocks that nodes have left are a list, linked by what was their node. */
static inline void single_spend(const tree *t, ref block, ref *spare) {
  block_at(t, block)->node = *spare;
  *spare = block;
}

/* A block for a node no edge of which has been tried; a spare one, where it is as large. Priors,
 * own value and actions are the caller's to write. 0 at the byte limit. */
static inline ref single_new(tree *t, ref at, uint32_t count, ref *spare) {
  bool fits = *spare && block_at(t, *spare)->count == count;
  ref block = fits ? *spare : tree_alloc_low(t, single_size(t, count));
  if (!block) return 0;
  if (fits) *spare = block_at(t, block)->node;
  block_begin(t, block, at, count);
  block_at(t, block)->single = true;
  edges e = edges_in(t, block, t->layout);
  *e.value = 0.0;
  *e.visits = 0;
  *e.child = 0;
  return block;
}

/* A block for the node of a single one, with room for all its edges. 0 at the byte limit. */
static inline ref single_grow(tree *t, ref at) {
  edges from = edges_at(t, node_at(t, at));
  uint32_t tried = from.head->last;
  ref block = block_new(t, at, from.count);
  if (!block) return 0;
  edges to = edges_in(t, block, t->layout);
  for (uint32_t i = 0; i < from.count; i++) {
    edge_begin(t, &to, i, edge_action(t, &from, i));
    to.prior[i] = from.prior[i];
    if (t->layout & BLOCK_LOGITS) to.logit[i] = from.logit[i];
  }
  *to.own = *from.own;
  to.value[tried] = *from.value;
  to.visits[tried] = *from.visits;
  to.child[tried] = *from.child;
  node_take_block(t, at, block);
  return block;
}

#endif
