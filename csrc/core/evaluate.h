/* Evaluation: what a leaf is worth to each player, by the model's value or by a rollout. */
#ifndef MCTS_CORE_EVALUATE_H
#define MCTS_CORE_EVALUATE_H

#include "key.h"
#include "search.h"
#include "stop.h"

/* At the bound. What lies beyond the horizon is worth nothing; what lies beyond the depth that
 * the search looks ahead is worth what the model says, if it does. */
static inline int evaluate_bound(search *s, const void *state, double *values) {
  if (!s->bound_is_end && (s->model->flags & MCTS_MODEL_VALUES))
    return ask_value(s->model, s->ctx, state, values, &s->fault);
  for (uint32_t p = 0; p < s->model->num_players; p++) values[p] = 0.0;
  return MCTS_OK;
}

static inline void swap_states(cursor *c) {
  void *state = c->next;
  c->next = c->spare;
  c->spare = state;
}

/* Plays on from `state`, step by step, to the end or the bound; adds up the discounted rewards
 * in c->returns. Between calls c->spare holds the state it stands in, once it has moved. */
static inline int evaluate_by_steps(search *s, cursor *c, const void *state) {
  const mcts_model *m = s->model;
  double weight = 1.0;
  bool terminated = false;
  uint32_t depth = c->depth;
  int status = MCTS_OK;
  for (uint32_t p = 0; p < m->num_players; p++) c->returns[p] = 0.0;
  while (status == MCTS_OK && !terminated && depth < s->bound) {
    int32_t action;
    status = ask_rollout_action(m, s->ctx, state, &c->rng, s->actions, &action, &s->fault);
    if (status == MCTS_OK)
      status = ask_sample(m, s->ctx, state, action, &c->rng, s->tree.state_size, c->next,
                          c->step_rewards, &terminated, &s->fault);
    if (depth > c->depth) search_release(s, c->spare);
    if (status != MCTS_OK) return status;
    swap_states(c);
    state = c->spare;
    depth += 1;
    s->model_steps += 1;
    for (uint32_t p = 0; p < m->num_players; p++) c->returns[p] += weight * c->step_rewards[p];
    weight *= m->discount;
    status = stop_breathe(s);
  }
  if (status == MCTS_OK && !terminated && !s->bound_is_end && (m->flags & MCTS_MODEL_VALUES)) {
    status = evaluate_bound(s, state, c->step_rewards);
    if (status == MCTS_OK)
      for (uint32_t p = 0; p < m->num_players; p++) c->returns[p] += weight * c->step_rewards[p];
  }
  if (depth > c->depth) search_release(s, c->spare);
  return status;
}

static inline int evaluate_rollout(search *s, cursor *c, const void *state) {
  bool value_at_bound = !s->bound_is_end && (s->model->flags & MCTS_MODEL_VALUES);
  if (!s->model->rollout || value_at_bound) return evaluate_by_steps(s, c, state);
  return ask_rollout(s->model, s->ctx, state, s->bound - c->depth, &c->rng, c->returns,
                     &s->model_steps, &s->fault);
}

LOOP_PIECE int evaluate(search *s, cursor *c) {
  node *leaf = node_at(&s->tree, c->node);
  c->phase = CURSOR_BACKING_UP;
  if (leaf->flags & (NODE_TERMINAL | NODE_SOLVED)) {
    for (uint32_t p = 0; p < s->model->num_players; p++) c->returns[p] = 0.0;
    if (leaf->flags & NODE_SOLVED) c->returns[0] = node_graph(leaf)->value;
    return MCTS_OK;
  }
  const void *state = node_state(&s->tree, leaf);
  if (c->depth == s->bound) return evaluate_bound(s, state, c->returns);
  if (s->options.evaluation == EVALUATION_VALUE)
    return ask_value(s->model, s->ctx, state, c->returns, &s->fault);
  return evaluate_rollout(s, c, state);
}

#endif
