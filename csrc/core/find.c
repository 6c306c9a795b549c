/* A tree is looked through ply by ply, from the root down: only nodes with edges are, as nothing
 * else can be gone on from.
 *
 *   ply 0      root
 *   ply 1      its children               nodes: | root | children | grandchildren ...
 *   ply 2      theirs ...                               ^first     ^end
 *
 * The outcomes of an edge are found by the hash of their keys in the last ply, where none of the
 * others is of use. A graph has an index. */
#include "find.h"

#include <stdlib.h>

typedef struct {
  search *s;
  size_t bytes;        /* of what tells states apart */
  unsigned char *key;  /* that of the state which is looked for */
  unsigned char *other; /* that of a node, where it keeps none */
  uint32_t hash;       /* of `key`, where nodes are found by it */
  ref *nodes;
  size_t count, capacity;
  ref best;
  uint32_t best_tries;
} finder;

/* ---- what tells states apart ------------------------------------------------------------- */

static size_t identity_bytes(const mcts_model *m) { return m->key ? m->key_bytes : m->state_bytes; }

/* What tells the state from others, in `to`, which is zero. */
static int identity_of(search *s, const void *state, unsigned char *to) {
  const mcts_model *m = s->model;
  if (m->key) {
    int status = m->key(s->ctx, state, to);
    return status < 0 ? fault_set(&s->fault, m, s->ctx, "key", NULL, status) : MCTS_OK;
  }
  memcpy(to, state, m->state_bytes);
  if (m->flags & MCTS_MODEL_FLOAT64_STATE) key_canonical_floats(to, m->state_bytes);
  return MCTS_OK;
}

static int finder_begin(finder *f, search *s, const void *state) {
  size_t bytes = identity_bytes(s->model), room = arena_round(bytes);
  *f = (finder){.s = s, .bytes = bytes, .key = calloc(2, room)};
  if (!f->key) return OUT_OF_BYTES;
  f->other = f->key + room;
  int status = identity_of(s, state, f->key);
  bool hashed = !s->deterministic || s->options.sharing != SHARING_NONE;
  if (status == MCTS_OK && hashed) f->hash = key_hash(&s->tree, f->key, false);
  return status;
}

static void finder_end(finder *f) {
  free(f->key);
  free(f->nodes);
}

/* A deterministic tree keeps no keys, and a root that was begun at may have none. */
static int is_it(finder *f, ref at, bool *same) {
  const tree *t = &f->s->tree;
  node *n = node_at(t, at);
  if (t->key_size && at != t->root) {
    *same = key_is(t, n, f->key);
    return MCTS_OK;
  }
  memset(f->other, 0, f->bytes);
  int status = identity_of(f->s, node_state(t, n), f->other);
  *same = status == MCTS_OK && memcmp(f->key, f->other, f->bytes) == 0;
  return status;
}

int find_is_state(search *s, node *n, const void *state, bool *same) {
  finder f;
  *same = false;
  int status = finder_begin(&f, s, state);
  if (status == MCTS_OK) status = identity_of(s, node_state(&s->tree, n), f.other);
  if (status == MCTS_OK) *same = memcmp(f.key, f.other, f.bytes) == 0;
  finder_end(&f);
  return status;
}

uint32_t find_tries(const tree *t, const node *n) {
  edges e = edges_at(t, n);
  uint64_t tries = 0;
  for (uint32_t i = 0; i < block_room(e.head, t->layout); i++) tries += e.visits[i];
  return tries < UINT32_MAX ? (uint32_t)tries : UINT32_MAX;
}

/* Takes a node of the state, unless there is a better one. */
static void finder_take(finder *f, ref at) {
  const tree *t = &f->s->tree;
  const node *n = node_at(t, at);
  uint32_t tries = node_is_expanded(n) ? find_tries(t, n) : 0;
  if (tries <= f->best_tries) return;
  f->best = at;
  f->best_tries = tries;
}

/* ---- ply by ply ---------------------------------------------------------------------------- */

/* Adds a node that has edges. What there is no room for is not looked at. */
static int finder_push(finder *f, ref at) {
  if (!node_is_expanded(node_at(&f->s->tree, at)) || f->count == FIND_MOST) return MCTS_OK;
  if (f->count == f->capacity) {
    size_t capacity = f->capacity ? 4 * f->capacity : 256;
    ref *grown = realloc(f->nodes, capacity * sizeof *grown);
    if (!grown) return OUT_OF_BYTES;
    f->nodes = grown;
    f->capacity = capacity;
  }
  f->nodes[f->count++] = at;
  return MCTS_OK;
}

static int push_outcomes(finder *f, ref *first, bool is_last_ply) {
  const tree *t = &f->s->tree;
  if (is_last_ply) {
    ref r = *key_find(t, first, f->key, f->hash, false);
    return r ? finder_push(f, outcome_at(t, r)->node) : MCTS_OK;
  }
  int status = MCTS_OK;
  for (ref r = *first; r && status == MCTS_OK; r = outcome_at(t, r)->sibling)
    status = finder_push(f, outcome_at(t, r)->node);
  return status;
}

static int push_children(finder *f, ref at, bool is_last_ply) {
  const tree *t = &f->s->tree;
  edges e = edges_at(t, node_at(t, at));
  int status = MCTS_OK;
  for (uint32_t i = 0; i < block_room(e.head, t->layout) && status == MCTS_OK; i++) {
    if (!e.child[i]) continue;
    if (f->s->deterministic) status = finder_push(f, child_node(t, e.child[i]));
    else status = push_outcomes(f, &e.child[i], is_last_ply);
  }
  return status;
}

static int look_at_ply(finder *f, size_t first) {
  int status = MCTS_OK;
  for (size_t i = first; i < f->count && status == MCTS_OK; i++) {
    bool same = false;
    status = is_it(f, f->nodes[i], &same);
    if (same) finder_take(f, f->nodes[i]);
  }
  return status;
}

static int look_through_tree(finder *f, uint32_t least, uint32_t most, uint32_t *depth) {
  size_t first = 0;
  int status = finder_push(f, f->s->tree.root);
  for (*depth = 0; status == MCTS_OK; *depth += 1) {
    size_t last = f->count;
    if (*depth >= least) status = look_at_ply(f, first);
    if (f->best || *depth == most || first == last) break;
    for (; first < last && status == MCTS_OK; first++)
      status = push_children(f, f->nodes[first], *depth + 1 == most);
  }
  return status;
}

/* ---- by the index ---------------------------------------------------------------------------- */

static void look_through_graph(finder *f, uint32_t least, uint32_t most, uint32_t *depth) {
  search *s = f->s;
  bool by_depth = s->index.by_depth;
  for (*depth = by_depth ? least : 0; *depth <= most; *depth += 1) {
    uint32_t hash = index_hash(&s->index, f->hash, *depth);
    ref r = key_find_node(&s->tree, &s->index, f->key, hash, false, *depth);
    if (r) finder_take(f, r);
    if (f->best && !by_depth) *depth = node_at(&s->tree, r)->depth;
    if (f->best || !by_depth) return;
  }
}

int find_state(search *s, const void *state, uint32_t least, uint32_t most, found_node *found) {
  finder f;
  *found = (found_node){0};
  int status = finder_begin(&f, s, state);
  if (most > s->tree.deepest) most = s->tree.deepest;
  if (status == MCTS_OK && s->options.sharing != SHARING_NONE)
    look_through_graph(&f, least, most, &found->depth);
  else if (status == MCTS_OK)
    status = look_through_tree(&f, least, most, &found->depth);
  if (status == MCTS_OK) found->node = f.best;
  finder_end(&f);
  return status;
}
