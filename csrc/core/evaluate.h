/* Evaluation: what a leaf is worth to each player, by the model's value or by a rollout.
 *
 *   returns = sum_k weight_k reward_k + weight_end value      weight_k = discount^k
 *
 * where the sum is over the steps of a rollout, if there is one, and the value is the model's,
 * of where the rollout stopped short of an end. */
#ifndef MCTS_CORE_EVALUATE_H
#define MCTS_CORE_EVALUATE_H

#include "key.h"
#include "prove.h"
#include "search.h"
#include "stop.h"

/* The state that a cursor stands in. */
static inline const void *cursor_state(const search *s, const cursor *c) {
  if (c->owns) return c->spare;
  if (s->carried) return s->particles + (size_t)c->particle * s->state_size;
  return node_state(&s->tree, node_at(&s->tree, c->node));
}

/* The cursor moves on to the state that the model has written. */
static inline void cursor_take_over(search *s, cursor *c) {
  if (c->owns) search_release(s, c->spare);
  void *state = c->next;
  c->next = c->spare;
  c->spare = state;
  c->owns = true;
  c->holds_next = false;
}

/* At the bound: what lies beyond the horizon is worth nothing; what lies beyond the depth that
 * the search looks ahead is worth what the model says, if it does. */
static inline cursor_phase evaluate_bound(const search *s) {
  bool has_value = !s->bound_is_end && (s->model->flags & MCTS_MODEL_VALUES);
  return has_value ? CURSOR_VALUING : CURSOR_BACKING_UP;
}

/* What is to be asked about a leaf: CURSOR_VALUING, CURSOR_ROLLING or, nothing,
 * CURSOR_BACKING_UP. */
LOOP_PIECE cursor_phase evaluate_begin(search *s, cursor *c) {
  node *leaf = node_at(&s->tree, c->node);
  for (uint32_t p = 0; p < s->model->num_players; p++) c->returns[p] = 0.0;
  if (leaf->flags & (NODE_TERMINAL | NODE_SOLVED)) {
    if (!(leaf->flags & NODE_SOLVED)) return CURSOR_BACKING_UP;
    if (s->options.backup == BACKUP_BELLMAN) c->returns[0] = node_graph(leaf)->value;
    else prove_returns(s, leaf, c->returns);
    return CURSOR_BACKING_UP;
  }
  c->weight = 1.0;
  c->rolled = 0;
  c->terminated = false;
  if (c->depth == s->bound) return evaluate_bound(s);
  return s->options.evaluation == EVALUATION_VALUE ? CURSOR_VALUING : CURSOR_ROLLING;
}

/* The value of where the cursor stands, in c->answer, is part of the returns. */
static inline void evaluate_add_answer(search *s, cursor *c) {
  for (uint32_t p = 0; p < s->model->num_players; p++)
    c->returns[p] += c->weight * c->answer[p];
}

/* ---- a rollout, step by step ------------------------------------------------------------- */

/* The model plays all of it itself, unless a value is to be asked for where it stops. */
static inline bool rollout_is_the_models(const search *s) {
  return s->model->rollout && evaluate_bound(s) == CURSOR_BACKING_UP;
}

static inline int rollout_by_model(search *s, cursor *c) {
  return ask_rollout(s->model, s->ctx, cursor_state(s, c), s->bound - c->depth, s->discount,
                     &c->rng, c->returns, &s->model_steps, &s->fault);
}

static inline int rollout_choose(search *s, cursor *c) {
  return ask_rollout_action(s->model, s->ctx, cursor_state(s, c), &c->rng, s->actions, &c->action,
                            &s->fault);
}

/* The step that was chosen has been answered. */
static inline void rollout_take(search *s, cursor *c) {
  cursor_take_over(s, c);
  c->rolled += 1;
  s->model_steps += 1;
  evaluate_add_answer(s, c);
  c->weight *= s->discount;
}

/* What comes after a step of a rollout. */
static inline cursor_phase rollout_phase(const search *s, const cursor *c) {
  if (c->terminated) return CURSOR_BACKING_UP;
  return c->depth + c->rolled < s->bound ? CURSOR_ROLLING : evaluate_bound(s);
}

static inline int rollout_by_steps(search *s, cursor *c) {
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase == CURSOR_ROLLING) {
    status = rollout_choose(s, c);
    if (status < 0) return status;
    status = ask_sample(s->model, s->ctx, cursor_state(s, c), c->action, &c->rng, s->state_size,
                        c->next, c->answer, &c->terminated, NULL, &s->fault);
    if (status < 0) return status;
    rollout_take(s, c);
    c->phase = rollout_phase(s, c);
    status = stop_breathe(s);
  }
  return status;
}

/* ---- all at once, by questions that are answered on the spot ------------------------------- */

LOOP_PIECE int evaluate(search *s, cursor *c) {
  int status = MCTS_OK;
  c->phase = evaluate_begin(s, c);
  if (c->phase == CURSOR_ROLLING && rollout_is_the_models(s)) {
    c->phase = CURSOR_BACKING_UP;
    return rollout_by_model(s, c);
  }
  if (c->phase == CURSOR_ROLLING) status = rollout_by_steps(s, c);
  if (status == MCTS_OK && c->phase == CURSOR_VALUING) {
    status = ask_value(s->model, s->ctx, cursor_state(s, c), c->answer, &s->fault);
    evaluate_add_answer(s, c);
  }
  c->phase = CURSOR_BACKING_UP;
  return status;
}

#endif
