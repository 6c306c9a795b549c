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
#include "leaf.h"
#include "parallel.h"

enum { NODE_MOVED = 128 };

typedef struct {
  search *s;
  tree old;      /* as it was, with the old arena */
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
  to->depth -= to->depth > 0;
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

/* MCTS_OK and whether the node's state is `state`; a deterministic tree keeps no keys. */
static int is_state(search *s, node *n, const void *state, bool *same) {
  const mcts_model *m = s->model;
  size_t bytes = m->key ? m->key_bytes : m->state_bytes;
  unsigned char *keys = calloc(2, arena_round(bytes));
  if (!keys) return OUT_OF_BYTES;
  unsigned char *mine = keys, *theirs = keys + arena_round(bytes);
  int status = MCTS_OK;
  if (m->key) {
    status = m->key(s->ctx, node_state(&s->tree, n), mine);
    if (status == MCTS_OK) status = m->key(s->ctx, state, theirs);
    if (status < 0) status = fault_set(&s->fault, m, s->ctx, "key", NULL, status);
  } else {
    memcpy(mine, node_state(&s->tree, n), bytes);
    memcpy(theirs, state, bytes);
    if (m->flags & MCTS_MODEL_FLOAT64_STATE) {
      key_canonical_floats(mine, bytes);
      key_canonical_floats(theirs, bytes);
    }
  }
  *same = status == MCTS_OK && memcmp(mine, theirs, bytes) == 0;
  free(keys);
  return status;
}

/* Of a node with edges; a full count stays full. */
static uint32_t visits_of_edges(const tree *t, const node *n) {
  edges e = edges_at(t, n);
  uint64_t visits = 0;
  for (uint32_t i = 0; i < block_room(e.head, t->layout); i++) visits += e.visits[i];
  return visits < UINT32_MAX ? (uint32_t)visits : UINT32_MAX;
}

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
      if (node_is_expanded(n) && visits_of_edges(t, n) > 0) {
        int status = is_state(s, n, next_state, &same);
        if (status < 0) return status;
      }
      if (same) *child = at;
      r = s->deterministic || same ? 0 : outcome_at(t, r)->sibling;
    }
  }
  return MCTS_OK;
}

static int advance(search *s, int32_t action, const void *next_state) {
  ref child;
  int status = find_child(s, action, next_state, &child);
  if (status < 0) return status;
  if (!child) return NOT_IN_TREE;
  mover v = {.s = s, .old = s->tree};
  tree *t = &s->tree;
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
  node *root = node_at(t, t->root);
  block_at(t, root->block)->visits = visits_of_edges(t, root);
  return MCTS_OK;
}

int search_advance(search *s, int32_t action, const void *next_state) {
  if (!s->tree.root || s->carried) return NOT_IN_TREE;
  int status = search_enter(s);
  if (status < 0) return status;
  search_abandon(s); /* what is in progress knows the tree as it was */
  status = advance(s, action, next_state);
  if (status == MCTS_OK && s->range_mask) { /* each depth is one less now */
    uint32_t last = s->options.max_depth - 1;
    memmove(s->ranges, s->ranges + 1, last * sizeof *s->ranges);
    search_reset_range(s, last);
  }
  search_leave(s);
  return status;
}
