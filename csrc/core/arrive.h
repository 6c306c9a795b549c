/* Arrival: which child did a step lead to? In a tree each child has one parent edge; in a
 * graph the index finds it wherever it came from first. */
#ifndef MCTS_CORE_ARRIVE_H
#define MCTS_CORE_ARRIVE_H

#include "evaluate.h"
#include "key.h"
#include "widen.h"

LOOP_PIECE double *cursor_rewards(const search *s, const cursor *c, unsigned recipe) {
  return &c->rewards[(size_t)c->depth * recipe_players(s, recipe)];
}

/* The cursor has come to `child`, one step further down. */
LOOP_PIECE void cursor_arrive(const search *s, cursor *c, ref child, unsigned recipe) {
  const node *n = node_at(&s->tree, child);
  c->node = child;
  c->depth += 1;
  bool fresh = !(recipe & RECIPE_TRIAL) && node_visits(&s->tree, n) == 0;
  bool leaf = fresh || (n->flags & (NODE_TERMINAL | NODE_SOLVED)) || c->depth == s->bound;
  c->phase = leaf ? CURSOR_EVALUATING : CURSOR_SELECTING;
}

/* ---- nodes ---------------------------------------------------------------------------- */

/* A node that owns the state; 0 at the byte limit, and the state is still the caller's. */
LOOP_PIECE ref arrive_at_new(search *s, const void *state, const void *key, const double *rewards,
                             uint32_t players, uint32_t depth, bool terminated) {
  tree *t = &s->tree;
  ref r = node_new(t, state, t->key_size ? key : NULL, rewards, players, depth, terminated);
  if (r && terminated && s->bellman) node_at(t, r)->flags |= NODE_SOLVED;
  return r;
}

/* The node of that state, an old one or a new one that then owns the state: `*owned` says so. */
LOOP_PIECE ref arrive_at(search *s, const void *state, const void *key, uint32_t hash,
                         const double *rewards, uint32_t depth, bool terminated, bool *owned,
                         unsigned recipe) {
  tree *t = &s->tree;
  *owned = true;
  if (!(recipe & RECIPE_SHARED)) return arrive_at_new(s, state, key, rewards, recipe_players(s, recipe), depth, terminated);
  uint32_t in_index = index_hash(&s->index, hash, depth);
  ref r = key_find_node(t, &s->index, key, in_index, terminated, depth);
  *owned = r == 0;
  s->landings += 1;
  s->meetings += r != 0;
  if (r) return r;
  r = arrive_at_new(s, state, key, NULL, 0, depth, terminated);
  if (r) index_insert(t, &s->index, r, in_index);
  return r;
}

/* The key of a state, which may be the state itself; made canonical where it stands. */
static inline int arrive_key(search *s, void *state, void *scratch, const void **key) {
  const mcts_model *m = s->model;
  *key = state;
  if (m->flags & MCTS_MODEL_FLOAT64_STATE) key_canonical_floats(state, s->state_size);
  if (!s->tree.key_size) return MCTS_OK;
  memset(scratch, 0, s->tree.key_size);
  int status = m->key(s->ctx, state, scratch);
  *key = scratch;
  return status < 0 ? fault_set(&s->fault, m, s->ctx, "key", NULL, status) : MCTS_OK;
}

/* ---- a deterministic model: the edge remembers its one child ---------------------------- */

/* The rewards of the step to `child`, by the edge `i`. */
LOOP_PIECE void arrive_paid(const search *s, const edges *e, uint32_t i, ref child, double *rewards,
                            unsigned recipe) {
  uint32_t players = recipe_players(s, recipe);
  if (recipe_layout(s, recipe) & BLOCK_REWARDS) {
    memcpy(rewards, &e->reward[(size_t)i * players], players * sizeof *rewards);
    return;
  }
  const node *n = node_at(&s->tree, child);
  bool paid = n->flags & NODE_PAID;
  const double *from = node_rewards(&s->tree, n);
  for (uint32_t p = 0; p < players; p++) rewards[p] = paid ? from[p] : 0.0;
}

LOOP_PIECE int arrive_remembered(search *s, cursor *c, const edges *e, uint32_t edge,
                                 unsigned recipe) {
  uint32_t place = edge_place(e, edge, recipe_layout(s, recipe));
  ref child = child_node(&s->tree, e->child[place]);
  arrive_paid(s, e, edge, child, cursor_rewards(s, c, recipe), recipe);
  cursor_arrive(s, c, child, recipe);
  return MCTS_OK;
}

LOOP_PIECE int arrive_deterministic(search *s, cursor *c, unsigned recipe) {
  const cursor_step *at = &c->path[c->depth];
  uint32_t players = recipe_players(s, recipe), hash = 0;
  bool by_edge = recipe_layout(s, recipe) & BLOCK_REWARDS;
  edges e = edges_in(&s->tree, at->block, recipe_layout(s, recipe));
  const void *key = NULL;
  const double *rewards = cursor_rewards(s, c, recipe);
  bool owned = true;
  int status = MCTS_OK;
  c->holds_next = false;
  if ((recipe & RECIPE_FLIGHTS) && e.child[at->edge]) {
    search_release(s, c->next); /* another simulation has been here while this one waited */
    return arrive_remembered(s, c, &e, at->edge, recipe);
  }
  if (recipe & RECIPE_SHARED) {
    status = arrive_key(s, c->next, s->key, &key);
    if (status == MCTS_OK) hash = key_hash(&s->tree, key, c->terminated);
  }
  ref child = status < 0 ? 0
                         : arrive_at(s, c->next, key, hash, by_edge ? NULL : rewards, c->depth + 1,
                                     c->terminated, &owned, recipe);
  if (!child || !owned) search_release(s, c->next);
  if (!child) return status < 0 ? status : OUT_OF_BYTES;
  e.child[edge_place(&e, at->edge, recipe_layout(s, recipe))] = child;
  if (by_edge) memcpy(&e.reward[(size_t)at->edge * players], rewards, players * sizeof *rewards);
  cursor_arrive(s, c, child, recipe);
  return MCTS_OK;
}

/* ---- a stochastic model: the edge has a list of outcomes --------------------------------- */

/* The outcome of the edge for that key, in `*found`; a new one is for `state`, and `*owned` says
 * whether the tree has taken that over. */
LOOP_PIECE int outcome_of_key(search *s, const edges *e, uint32_t edge, const void *state,
                              const void *key, uint32_t depth, bool terminated, ref *found,
                              bool *owned, unsigned recipe) {
  tree *t = &s->tree;
  uint32_t hash = key_hash(t, key, terminated);
  ref *link = key_find(t, &e->child[edge], key, hash, terminated);
  *owned = false;
  *found = *link;
  if (*found) return MCTS_OK;
  ref r = tree_alloc_high(t, outcome_size(t), 0);
  ref child = r ? arrive_at(s, state, key, hash, NULL, depth, terminated, owned, recipe) : 0;
  if (!child) {
    *owned = false;
    return OUT_OF_BYTES;
  }
  outcome *o = outcome_at(t, r), *first = outcome_at(t, e->child[edge]);
  *o = (outcome){.node = child, .hash = key_outcome_hash(hash, terminated)};
  if (t->layout & BLOCK_SUMS) {
    *outcome_share_of(o) = (outcome_share){0};
    e->width[edge] += 1;
  }
  if (e->child[edge]) {
    o->sibling = first->sibling;
    first->sibling = r;
  }
  *found = *link = r;
  return MCTS_OK;
}

/* The outcome of the edge for that state; takes the state over. */
LOOP_PIECE int outcome_for(search *s, const edges *e, uint32_t edge, void *state, uint32_t depth,
                           bool terminated, ref *found, unsigned recipe) {
  const void *key;
  bool owned = false;
  int status = arrive_key(s, state, s->key, &key);
  if (status == MCTS_OK)
    status = outcome_of_key(s, e, edge, state, key, depth, terminated, found, &owned, recipe);
  if (!owned) search_release(s, state);
  return status;
}

LOOP_PIECE int arrive_stochastic(search *s, cursor *c, unsigned recipe) {
  cursor_step *at = &c->path[c->depth];
  edges e = edges_in(&s->tree, cursor_block(s, at, recipe), recipe_layout(s, recipe));
  c->holds_next = false;
  int status = outcome_for(s, &e, at->edge, c->next, c->depth + 1, c->terminated, &at->outcome,
                           recipe);
  if (status < 0) return status;
  outcome *o = outcome_at(&s->tree, at->outcome);
  if ((recipe & RECIPE_WIDENED) && (s->tree.layout & BLOCK_SUMS) && outcome_share_of(o)->weight == 0.0)
    outcome_share_of(o)->reward = cursor_rewards(s, c, recipe)[0]; /* for who is led here next */
  cursor_arrive(s, c, o->node, recipe);
  return MCTS_OK;
}

/* The same where the simulation carries its state: what is observed tells outcomes apart, or
 * nothing but the end of the episode. */
LOOP_PIECE int arrive_carrying(search *s, cursor *c, unsigned recipe) {
  cursor_step *at = &c->path[c->depth];
  edges e = edges_in(&s->tree, cursor_block(s, at, recipe), recipe_layout(s, recipe));
  bool owned; /* never: the node has no state */
  cursor_take_over(s, c);
  int status = outcome_of_key(s, &e, at->edge, NULL, c->observation, c->depth + 1, c->terminated,
                              &at->outcome, &owned, recipe);
  if (status < 0) return status;
  cursor_arrive(s, c, outcome_at(&s->tree, at->outcome)->node, recipe);
  return MCTS_OK;
}

/* One of the outcomes that the edge has led to already, where there are to be no more. */
LOOP_PIECE int arrive_known(search *s, cursor *c, const edges *e, uint32_t edge,
                            unsigned recipe) {
  ref r = widen_draw(s, e, edge, &c->rng);
  outcome *o = outcome_at(&s->tree, r);
  c->path[c->depth].outcome = r;
  cursor_rewards(s, c, recipe)[0] = outcome_share_of(o)->reward;
  cursor_arrive(s, c, o->node, recipe);
  return MCTS_OK;
}

/* ---- known probabilities: the search draws the outcome itself ----------------------------- */

/* As a table draws: nothing where there is one outcome, else one uniform number. */
static inline ref draw_outcome(search *s, const edges *e, uint32_t edge, mcts_bitgen *rng) {
  ref r = e->child[edge], last = r;
  if (e->width[edge] == 1) return r;
  double u = mcts_random_double(rng), cumulative = 0.0;
  for (; r; r = outcome_at(&s->tree, r)->sibling) {
    last = r;
    cumulative += outcome_share_of(outcome_at(&s->tree, r))->weight;
    if (u < cumulative) break;
  }
  return last;
}

LOOP_PIECE int arrive_drawn(search *s, cursor *c, const edges *e, uint32_t edge,
                               unsigned recipe) {
  ref r = draw_outcome(s, e, edge, &c->rng);
  outcome *o = outcome_at(&s->tree, r);
  c->path[c->depth].outcome = r;
  c->rewards[c->depth] = outcome_share_of(o)->reward;
  cursor_arrive(s, c, o->node, recipe);
  return MCTS_OK;
}

#endif
