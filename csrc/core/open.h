/* Opening a node, where selection weighs priors: one question gives it priors and, where leaves are
 * valued by the model, its value. */
#ifndef MCTS_CORE_OPEN_H
#define MCTS_CORE_OPEN_H

#include "evaluate.h"
#include "expand.h"
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

/* Gives the edges of a node their priors, scaled to sum 1; equal ones where the model has none.
 * `function` has given them, for the faults. */
static inline int open_with(search *s, const node *n, const double *priors, int32_t count,
                            const char *function) {
  edges e = edges_at(&s->tree, n);
  double sum = 0.0;
  for (uint32_t i = 0; i < e.count; i++) {
    e.prior[i] = priors ? open_prior(s, priors, edge_action(&s->tree, &e, i), count) : 1.0;
    if (!(e.prior[i] >= 0.0) || !ask_is_sound(e.prior[i]))
      return fault_set(&s->fault, s->model, s->ctx, function,
                       "a prior is not a finite number of 0 or more, or was not set", MCTS_OK);
    sum += e.prior[i];
  }
  for (uint32_t i = 0; i < e.count; i++)
    e.prior[i] = sum > 0.0 ? e.prior[i] / sum : 1.0 / (double)e.count;
  for (uint32_t i = 0; (s->tree.layout & BLOCK_LOGITS) && i < e.count; i++)
    e.logit[i] = logarithm_series(select_least(e.prior[i]));
  return MCTS_OK;
}

/* By the answer to the question, in c->priors and c->answer. */
static inline int open_node(search *s, cursor *c) {
  node *n = node_at(&s->tree, c->node);
  if (n->flags & NODE_OPEN) return MCTS_OK; /* another simulation was here while this one waited */
  int32_t count;
  const void *state = cursor_state(s, c);
  int status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  if (status == MCTS_OK && !node_is_expanded(n)) status = expand_with(s, c->node, state, count);
  if (status < 0) return status;
  if (s->exact) /* expanding has asked about other states */
    status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  const char *function = c->told ? "step_batch" : "evaluate";
  if (status == MCTS_OK)
    status = open_with(s, n, s->asks_priors ? c->priors : NULL, count, function);
  if (status < 0) return status;
  edges e = edges_at(&s->tree, n);
  if (s->asks_values) *e.own = c->answer[e.head->player];
  n->flags |= NODE_OPEN;
  return MCTS_OK;
}

/* What comes after: at a new leaf its evaluation, elsewhere a choice. */
LOOP_PIECE cursor_phase open_next(search *s, cursor *c, unsigned recipe) {
  const node *n = node_at(&s->tree, c->node);
  bool is_leaf = c->depth > 0 && node_visits(&s->tree, n) == 0 && !(recipe & RECIPE_TRIAL);
  if (!is_leaf) return CURSOR_SELECTING;
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
