/* Opening a node, where selection weighs priors: one question gives it priors and, where leaves are
 * valued by the model, its value. */
#ifndef MCTS_CORE_OPEN_H
#define MCTS_CORE_OPEN_H

#include "evaluate.h"
#include "expand.h"
#include "leaf.h"
#include "select_priors.h"

/* The prior of an edge among those of all legal actions of its state, the first `count` of
 * s->actions; a prior stands by the action's number, or, where actions are numbered state by state,
 * by its place among them. */
static inline double open_prior(const search *s, const double *priors, int32_t action,
                                int32_t count) {
  if (s->model->num_actions) return priors[action];
  int32_t place = 0;
  while (place + 1 < count && s->actions[place] != action) place++;
  return priors[place];
}

/* Gives edges their priors, scaled to sum 1; equal ones where the model has none. `function` has
 * given them, for the faults. */
static inline int open_with(search *s, const edges *e, const double *priors, int32_t count,
                            const char *function) {
  double sum = 0.0;
  for (uint32_t i = 0; i < e->count; i++) {
    double prior = priors ? open_prior(s, priors, edge_action(&s->tree, e, i), count) : 1.0;
    if (!(prior >= 0.0) || !ask_is_sound(prior))
      return fault_set(&s->fault, s->model, s->ctx, function,
                       "a prior is not a finite number of 0 or more, or was not set", MCTS_OK);
    e->prior[i] = prior;
    sum += prior;
  }
  if (sum > 0.0)
    for (uint32_t i = 0; i < e->count; i++) e->prior[i] /= sum;
  else
    for (uint32_t i = 0; i < e->count; i++) e->prior[i] = 1.0 / (double)e->count;
  return MCTS_OK;
}

static inline void open_logits(const search *s, const edges *e) {
  for (uint32_t i = 0; (s->tree.layout & BLOCK_LOGITS) && i < e->count; i++)
    e->logit[i] = logarithm_series(select_least(e->prior[i]));
}

/* True if the simulation ends at a node that it has opened. */
static inline bool open_ends_at(const search *s, const cursor *c) {
  bool is_new = node_visits(&s->tree, node_at(&s->tree, c->node)) == 0;
  return c->depth > 0 && is_new && !(s->recipe & RECIPE_TRIAL);
}

/* True if it stays a leaf until an edge is chosen: there are no outcomes to hang in the tree before
 * that, nor other edges in the next state that it may stand for. */
static inline bool open_stays_leaf(const search *s, const cursor *c) {
  bool plain = !(s->recipe & (RECIPE_EXACT | RECIPE_CARRIED));
  return plain && !node_is_expanded(node_at(&s->tree, c->node)) && open_ends_at(s, c);
}

/* Of the first `count` of s->actions. */
static inline int open_leaf(search *s, cursor *c, int32_t count, const char *function) {
  tree *t = &s->tree;
  node *n = node_at(t, c->node);
  uint8_t player;
  int status = ask_player(s->model, s->ctx, cursor_state(s, c), &player, &s->fault);
  if (status < 0) return status;
  ref block = leaf_new(t, n, s->actions, (uint32_t)count, &c->spare_leaf);
  if (!block) return OUT_OF_BYTES;
  edges e = leaf_in(t, block);
  status = open_with(s, &e, s->asks_priors ? c->priors : NULL, count, function);
  if (status < 0) return status;
  if (s->asks_values) *e.own = c->answer[player];
  node_take_leaf(n, block, player);
  return MCTS_OK;
}

/* Of a node that is to have an edge block at once. */
static inline int open_block(search *s, cursor *c, int32_t count, const char *function) {
  node *n = node_at(&s->tree, c->node);
  const void *state = cursor_state(s, c);
  int status = node_is_expanded(n) ? MCTS_OK : expand_with(s, c->node, state, count);
  if (status < 0) return status;
  if (s->exact) /* expanding has asked about other states */
    status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  edges e = edges_at(&s->tree, n);
  if (status == MCTS_OK)
    status = open_with(s, &e, s->asks_priors ? c->priors : NULL, count, function);
  if (status < 0) return status;
  open_logits(s, &e);
  if (s->asks_values) *e.own = c->answer[e.head->player];
  n->flags |= NODE_OPEN;
  return MCTS_OK;
}

/* By the answer to the question, in c->priors and c->answer. */
static inline int open_node(search *s, cursor *c) {
  node *n = node_at(&s->tree, c->node);
  if (n->flags & NODE_OPEN) return MCTS_OK; /* another simulation was here while this one waited */
  int32_t count;
  const void *state = cursor_state(s, c);
  int status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  if (status < 0) return status;
  const char *function = c->told ? "step_batch" : "evaluate";
  return open_stays_leaf(s, c) ? open_leaf(s, c, count, function)
                               : open_block(s, c, count, function);
}

/* An opened leaf gets its edges: one of them is about to be chosen. */
static inline int open_edges(search *s, cursor *c, ref at) {
  tree *t = &s->tree;
  const node *n = node_at(t, at);
  ref spent = n->block;
  if (!leaf_expand(t, at, &c->spare_single)) return OUT_OF_BYTES;
  c->spare_leaf = spent;
  edges e = edges_at(t, n);
  open_logits(s, &e);
  return MCTS_OK;
}

/* At a node with a single block, `depth` steps down the cursor's path, another edge is chosen than
 * the one that there is room for: the block that it has then. 0 at the byte limit. */
static inline ref open_another(search *s, cursor *c, uint32_t depth, uint32_t edge) {
  tree *t = &s->tree;
  ref single = c->path[depth].block;
  edges e = edges_in(t, single, t->layout);
  if (!*e.child) { /* none has been tried */
    e.head->last = (uint16_t)edge;
    return single;
  }
  ref block = single_grow(t, e.head->node);
  if (!block) return 0;
  if (depth > 0) {
    const cursor_step *above = &c->path[depth - 1];
    edges from = edges_in(t, above->block, t->layout);
    from.child[edge_place(&from, above->edge, t->layout)] = block;
  }
  single_spend(t, single, &c->spare_single);
  return c->path[depth].block = block;
}

/* What comes after: at a new leaf its evaluation, elsewhere a choice. */
LOOP_PIECE cursor_phase open_next(search *s, cursor *c) {
  if (!open_ends_at(s, c)) return CURSOR_SELECTING;
  cursor_phase next = evaluate_leaf(s, c);
  return next == CURSOR_VALUING && s->asks_values ? evaluate_valued(s, c) : next;
}

/* The question itself, answered on the spot. */
static inline int open_ask(search *s, cursor *c) {
  if (!s->asks_priors && !s->asks_values) return MCTS_OK;
  return ask_evaluation(s->model, s->ctx, cursor_state(s, c), s->asks_priors ? c->priors : NULL,
                        s->asks_values ? c->answer : NULL, &s->fault);
}

#endif
