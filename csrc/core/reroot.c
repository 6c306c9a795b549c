/* Re-rooting: what hangs below one child is moved to a fresh arena, the rest is given back.
 *
 *   old arena                        new arena
 *   root --a--> child --> ...        child --> ...      (each node one step less deep)
 *     \--b--> ...                    nothing else
 *
 * Both together stay below the byte limit: where less is free than what is to be kept, nothing is.
 * A node that has been moved says where to: its old `block` then is its new ref. So are the old
 * `visits` of an outcome while the edge that it belongs to is moved. */
#include "reroot.h"

#include <stdlib.h>

#include "arrive.h"
#include "find.h"
#include "leaf.h"
#include "parallel.h"

enum { NODE_MOVED = 128 };

typedef struct {
  search *s;
  tree old;      /* as it was, with the old arena */
  uint32_t steps; /* from the old root to the new one */
  ref *pending;  /* new nodes whose edges are still the old ones */
  size_t count, capacity;
} mover;

static bool push(mover *v, ref r) {
  if (v->count == v->capacity) {
    size_t capacity = v->capacity ? 2 * v->capacity : 1024;
    ref *grown = realloc(v->pending, capacity * sizeof *grown);
    if (!grown) return false;
    v->pending = grown;
    v->capacity = capacity;
  }
  v->pending[v->count++] = r;
  return true;
}

/* The new place of an opened leaf's block; 0 if there is no memory. */
static ref move_leaf(mover *v, ref block) {
  tree *t = &v->s->tree;
  size_t size = leaf_size(t, block_at(&v->old, block)->count);
  ref r = tree_alloc_high(t, size, 0);
  if (r) memcpy(arena_at(&t->blocks, r), arena_at(&v->old.blocks, block), size);
  return r;
}

/* The new place of a node; 0 if there is no memory. */
static ref move_node(mover *v, ref at) {
  tree *t = &v->s->tree;
  node *from = node_at(&v->old, at);
  if (from->flags & NODE_MOVED) return from->block;
  size_t size = node_size(t, from->flags & NODE_PAID);
  ref r = tree_alloc_high(t, size, t->bytes_per_state);
  ref leaf = r && node_is_opened_leaf(from) ? move_leaf(v, from->block) : 0;
  if (!r || (node_is_expanded(from) && !push(v, r))) return 0;
  if (node_is_opened_leaf(from) && !leaf) return 0;
  node *to = node_at(t, r);
  memcpy(to, from, size);
  if (leaf) to->block = leaf;
  to->depth -= (uint16_t)(to->depth < v->steps ? to->depth : v->steps);
  if (t->graph_size) {
    node_graph(to)->older = t->newest;
    t->newest = r;
  }
  if (v->s->options.sharing != SHARING_NONE) {
    uint32_t hash = index_hash(&v->s->index, node_graph(from)->hash, from->depth);
    index_insert(t, &v->s->index, r, index_hash(&v->s->index, hash, to->depth));
  }
  if (t->owns_states) {
    *node_previous_owned(t, to) = t->last_owned;
    t->last_owned = r;
  }
  t->nodes += 1;
  if (to->depth > t->deepest) t->deepest = to->depth;
  from->flags |= NODE_MOVED;
  from->block = r;
  return r;
}

static ref moved_outcome(const mover *v, ref at) {
  return at ? outcome_at(&v->old, at)->visits : 0;
}

/* Moves the outcomes of an edge, with their nodes; *first becomes the first of them. */
static bool move_outcomes(mover *v, ref *first, ref *turn) {
  tree *t = &v->s->tree;
  ref at = *first;
  for (ref r = at; r;) {
    outcome *from = outcome_at(&v->old, r);
    ref place = tree_alloc_high(t, outcome_size(t), 0);
    ref child = place ? move_node(v, from->node) : 0;
    if (!child) return false;
    outcome *to = outcome_at(t, place);
    memcpy(to, from, outcome_size(t));
    to->node = child;
    r = from->sibling;
    from->visits = place;
  }
  *first = moved_outcome(v, at);
  if (turn) *turn = moved_outcome(v, *turn);
  for (ref r = *first; r;) {
    outcome *o = outcome_at(t, r);
    o->next[0] = moved_outcome(v, o->next[0]);
    o->next[1] = moved_outcome(v, o->next[1]);
    r = o->sibling = moved_outcome(v, o->sibling);
  }
  return true;
}

static bool move_edges(mover *v, ref at) {
  tree *t = &v->s->tree;
  node *n = node_at(t, at);
  const block_head *from = block_at(&v->old, n->block);
  size_t bytes = block_size(t, from);
  ref block = tree_alloc_low(t, bytes);
  if (!block) return false;
  memcpy(arena_at(&t->blocks, block), from, bytes);
  n->block = block;
  edges e = edges_at(t, n);
  e.head->node = at;
  for (uint32_t i = 0; i < block_room(e.head, t->layout); i++) {
    if (!e.child[i]) continue;
    if (!v->s->deterministic) {
      ref *turn = t->layout & BLOCK_SUMS ? &e.turn[i] : NULL;
      if (!move_outcomes(v, &e.child[i], turn)) return false;
    } else if (!(e.child[i] = move_node(v, child_node(&v->old, e.child[i])))) {
      return false;
    }
  }
  return true;
}

static bool move_all(mover *v, ref child) {
  search *s = v->s;
  bool shared = s->options.sharing != SHARING_NONE;
  if (shared && !index_open(&s->tree, &s->index, s->index.by_depth)) return false;
  ref root = move_node(v, child);
  while (root && v->count > 0)
    if (!move_edges(v, v->pending[--v->count])) return false;
  s->tree.root = root;
  if (!root) return false;
  bool single = block_at(&s->tree, node_at(&s->tree, root)->block)->single;
  return !single || single_grow(&s->tree, root); /* which a root's is not */
}

/* Ends the states of the nodes that stayed behind. */
static void release_left_behind(mover *v) {
  if (!v->old.owns_states) return;
  for (ref r = v->old.last_owned; r;) {
    node *n = node_at(&v->old, r);
    if (!(n->flags & NODE_MOVED)) v->s->model->release(v->s->ctx, node_state(&v->old, n));
    r = *node_previous_owned(&v->old, n);
  }
}

/* ---- which child? ----------------------------------------------------------------------- */

/* The child behind the root's edge `action` in `next_state`; 0 if there is none to go on from. */
static int find_child(search *s, int32_t action, const void *next_state, ref *child) {
  tree *t = &s->tree;
  node *root = node_at(t, t->root);
  edges e = edges_at(t, root);
  *child = 0;
  for (uint32_t i = 0; i < e.count; i++) {
    if (edge_action(t, &e, i) != action || !e.child[i]) continue;
    for (ref r = e.child[i]; r;) {
      ref at = s->deterministic ? child_node(t, r) : outcome_at(t, r)->node;
      node *n = node_at(t, at);
      bool same = false;
      if (node_is_expanded(n) && find_tries(t, n) > 0) {
        int status = find_is_state(s, n, next_state, &same);
        if (status < 0) return status;
      }
      if (same) *child = at;
      r = s->deterministic || same ? 0 : outcome_at(t, r)->sibling;
    }
  }
  return MCTS_OK;
}

/* Makes a node so many steps below the root the root. */
static int move_to(search *s, ref child, uint32_t steps) {
  tree *t = &s->tree;
  if (child != t->root) {
    mover v = {.s = s, .old = *t, .steps = steps};
    t->blocks = (arena){0};
    if (search_open_arena(s, &t->blocks, v.old.blocks.limit) < 0) {
      *t = v.old;
      return OUT_OF_BYTES;
    }
    parallel_forget(s);
    t->root = t->last_owned = t->newest = 0;
    t->nodes = 0;
    t->deepest = 0;
    /* Both arenas are there for a while: what does not fit beside the old one is not kept. */
    size_t limit = t->blocks.limit;
    t->blocks.limit = limit - arena_used(&v.old.blocks);
    bool moved = move_all(&v, child);
    t->blocks.limit = limit;
    release_left_behind(&v);
    arena_close(&v.old.blocks);
    free(v.pending);
    if (!moved) {
      t->root = 0;
      return OUT_OF_BYTES;
    }
  }
  node *root = node_at(t, t->root);
  block_at(t, root->block)->visits = find_tries(t, root);
  return MCTS_OK;
}

/* Each depth is so many less now. */
static void shift_ranges(search *s, uint32_t steps) {
  uint32_t all = s->options.max_depth;
  if (!s->range_mask || steps == 0) return;
  if (steps > all) steps = all;
  memmove(s->ranges, s->ranges + steps, (all - steps) * sizeof *s->ranges);
  for (uint32_t d = all - steps; d < all; d++) search_reset_range(s, d);
}

int search_advance(search *s, int32_t action, const void *next_state) {
  if (!s->tree.root || s->carried) return NOT_IN_TREE;
  int status = search_enter(s);
  if (status < 0) return status;
  search_abandon(s); /* what is in progress knows the tree as it was */
  ref child;
  status = find_child(s, action, next_state, &child);
  if (status == MCTS_OK) status = child ? move_to(s, child, 1) : NOT_IN_TREE;
  if (status == MCTS_OK) shift_ranges(s, 1);
  search_leave(s);
  return status;
}

int search_advance_to(search *s, const void *state, uint32_t least, uint32_t most,
                      uint32_t *steps) {
  if (!s->tree.root || s->carried) return NOT_IN_TREE;
  int status = search_enter(s);
  if (status < 0) return status;
  search_abandon(s);
  found_node found = {0};
  const mcts_model *m = s->model;
  bool valid = !m->validate || m->validate(s->ctx, state) >= 0;
  if (valid) status = find_state(s, state, least, most, &found);
  if (status == MCTS_OK) status = found.node ? move_to(s, found.node, found.depth) : NOT_IN_TREE;
  if (status == MCTS_OK) shift_ranges(s, found.depth);
  search_leave(s);
  *steps = found.depth;
  return status;
}
