/* One simulation: selection, expansion, evaluation, backup, as the phases of a cursor.
 *
 *            +--------- known child ---------+
 *            v                               |
 *   SELECTING --> STEPPING --> ARRIVING -----+
 *       |            ?            | new child, an end, or the bound
 *       |                         v
 *       +-- remembered child --> EVALUATING --> BACKING_UP --> DONE
 *           at an end or bound       ?
 *
 * Only the phases marked ? question the model about a transition or a leaf. */
#ifndef MCTS_CORE_SIMULATE_H
#define MCTS_CORE_SIMULATE_H

#include "backup.h"
#include "evaluate.h"
#include "key.h"
#include "select.h"

static inline void cursor_begin(search *s, cursor *c) {
  c->phase = CURSOR_SELECTING;
  c->node = s->tree.root;
  c->depth = 0;
  c->counter = stream_start(s->seed, s->simulations);
}

/* The cursor has come to `child`, one step further down. */
static inline void cursor_arrive(search *s, cursor *c, ref child) {
  c->node = child;
  c->depth += 1;
  const node *n = node_at(&s->tree, child);
  bool leaf = n->visits == 0 || (n->flags & NODE_TERMINAL) || c->depth == s->bound;
  c->phase = leaf ? CURSOR_EVALUATING : CURSOR_SELECTING;
}

static inline double *cursor_rewards(const search *s, const cursor *c) {
  return &c->rewards[(size_t)c->depth * s->model->num_players];
}

/* ---- expansion: a leaf that is visited again gets its edges -------------------------- */

/* By the first `count` of s->actions. */
static inline int expand_with(search *s, node *n, uint32_t count) {
  bool fits = search_has_room(s, edges_size(&s->tree, count));
  return fits && node_expand(&s->tree, n, s->actions, count) ? MCTS_OK : OUT_OF_BYTES;
}

static inline int expand(search *s, node *n) {
  int32_t count;
  int status = ask_some_actions(s->model, s->ctx, node_state(n), s->actions, &count, &s->fault);
  if (status == MCTS_OK)
    status = ask_player(s->model, s->ctx, node_state(n), &n->player, &s->fault);
  if (status < 0) return status;
  return expand_with(s, n, (uint32_t)count);
}

/* ---- selection and the step ----------------------------------------------------------- */

static inline int cursor_select(search *s, cursor *c) {
  node *n = node_at(&s->tree, c->node);
  if (!n->edges) {
    int status = expand(s, n);
    if (status < 0) return status;
  }
  edges e = edges_at(&s->tree, n);
  uint32_t edge = select_edge(s, n, &e, &c->rng);
  c->path[c->depth] = (cursor_step){c->node, edge, 0};
  if (!s->deterministic || !e.child[edge]) {
    c->phase = CURSOR_STEPPING;
    return MCTS_OK;
  }
  uint32_t players = s->model->num_players;
  memcpy(cursor_rewards(s, c), &e.reward[(size_t)edge * players], players * sizeof(double));
  cursor_arrive(s, c, e.child[edge]);
  return MCTS_OK;
}

static inline int cursor_take_step(search *s, cursor *c) {
  const cursor_step *at = &c->path[c->depth];
  node *n = node_at(&s->tree, at->node);
  edges e = edges_at(&s->tree, n);
  int status =
      ask_sample(s->model, s->ctx, node_state(n), e.action[at->edge], &c->rng,
                 s->tree.state_size, c->next, cursor_rewards(s, c), &c->terminated, &s->fault);
  if (status < 0) return status;
  s->model_steps += 1;
  c->phase = CURSOR_ARRIVING;
  return MCTS_OK;
}

/* ---- arrival: which child did the step lead to? --------------------------------------- */

/* A node that owns c->next; 0 at the byte limit. */
static inline ref arrive_at_new(search *s, cursor *c, const void *key) {
  return node_new(&s->tree, c->next, key, c->depth + 1, c->terminated);
}

static inline int arrive_deterministic(search *s, cursor *c) {
  const cursor_step *at = &c->path[c->depth];
  uint32_t players = s->model->num_players;
  ref child = search_has_room(s, search_node_bytes(s)) ? arrive_at_new(s, c, NULL) : 0;
  if (!child) return OUT_OF_BYTES;
  edges e = edges_at(&s->tree, node_at(&s->tree, at->node));
  e.child[at->edge] = child;
  memcpy(&e.reward[(size_t)at->edge * players], cursor_rewards(s, c), players * sizeof(double));
  cursor_arrive(s, c, child);
  return MCTS_OK;
}

/* The key of c->next, which may be the state itself. */
static inline int arrive_key(search *s, cursor *c, const void **key) {
  const mcts_model *m = s->model;
  if (m->flags & MCTS_MODEL_FLOAT64_STATE) key_canonical_floats(c->next, s->tree.state_size);
  *key = c->next;
  if (!m->key) return MCTS_OK;
  memset(c->key, 0, s->tree.key_size);
  int status = m->key(s->ctx, c->next, c->key);
  *key = c->key;
  return status < 0 ? fault_set(&s->fault, m, s->ctx, "key", NULL, status) : MCTS_OK;
}

static inline ref outcome_new(search *s, cursor *c, const void *key, uint32_t hash) {
  if (!search_has_room(s, sizeof(outcome) + search_node_bytes(s))) return 0;
  ref r = arena_alloc(&s->tree.blocks, sizeof(outcome));
  if (!r) return 0;
  ref child = arrive_at_new(s, c, s->model->key ? key : NULL);
  if (!child) return 0;
  *outcome_at(&s->tree, r) = (outcome){.node = child, .hash = hash};
  return r;
}

static inline int arrive_stochastic(search *s, cursor *c) {
  tree *t = &s->tree;
  cursor_step *at = &c->path[c->depth];
  const void *key;
  int status = arrive_key(s, c, &key);
  if (status < 0) return status;
  edges e = edges_at(t, node_at(t, at->node));
  uint32_t hash = key_hash(t, key, c->terminated);
  ref *link = key_find(t, &e.child[at->edge], key, hash, c->terminated);
  if (*link) {
    search_release(s, c->next);
  } else if (!(*link = outcome_new(s, c, key, hash))) {
    return OUT_OF_BYTES;
  }
  at->outcome = *link;
  cursor_arrive(s, c, outcome_at(t, *link)->node);
  return MCTS_OK;
}

static inline int cursor_find_child(search *s, cursor *c) {
  int status = s->deterministic ? arrive_deterministic(s, c) : arrive_stochastic(s, c);
  if (status < 0) search_release(s, c->next);
  return status;
}

/* ---- the phases, one after the other --------------------------------------------------- */

static inline int cursor_advance(search *s, cursor *c) {
  int status = MCTS_OK;
  switch (c->phase) {
    case CURSOR_SELECTING:
      return cursor_select(s, c);
    case CURSOR_STEPPING:
      status = cursor_take_step(s, c);
      return status;
    case CURSOR_ARRIVING:
      status = cursor_find_child(s, c);
      return status == MCTS_OK ? stop_breathe(s) : status;
    case CURSOR_EVALUATING:
      return evaluate(s, c);
    case CURSOR_BACKING_UP:
      backup(s, c);
      return MCTS_OK;
    case CURSOR_DONE:
      return MCTS_OK;
  }
  return MCTS_OK;
}

#endif
