/* Evaluation: what a leaf is worth to each player, by the model's value or by a rollout.
 *
 *   returns = sum_k weight_k reward_k + weight_end value      weight_k = discount^k
 *
 * where the sum is over the steps of a rollout, if there is one, and the value is the model's,
 * of where the rollout stopped short of an end. */
#ifndef MCTS_CORE_EVALUATE_H
#define MCTS_CORE_EVALUATE_H

#include "decisive.h"
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

/* What is left where a simulation stops short of an end: what the model says of it, if it does. */
static inline cursor_phase evaluate_rest(const search *s) {
  return s->model->flags & MCTS_MODEL_VALUES ? CURSOR_VALUING : CURSOR_BACKING_UP;
}

/* At the bound: what lies beyond the horizon is worth nothing. */
static inline cursor_phase evaluate_bound(const search *s) {
  return s->bound_is_end ? CURSOR_BACKING_UP : evaluate_rest(s);
}

/* What is to be asked about a leaf that stands for no end and is not at the bound. */
static inline cursor_phase evaluate_leaf(const search *s, cursor *c) {
  switch (s->options.evaluation) {
    case EVALUATION_VALUE:
      return CURSOR_VALUING;
    case EVALUATION_MIXED:
      c->weight = s->options.value_weight;
      return CURSOR_VALUING;
    case EVALUATION_CONSTANT:
      for (uint32_t p = 0; p < s->model->num_players; p++) c->returns[p] = s->options.leaf_value;
      return CURSOR_BACKING_UP;
    default:
      return CURSOR_ROLLING;
  }
}

/* What is to be asked about a leaf: CURSOR_OPENING, CURSOR_VALUING, CURSOR_ROLLING or, nothing,
 * CURSOR_BACKING_UP. */
LOOP_PIECE cursor_phase evaluate_begin(search *s, cursor *c, unsigned recipe) {
  const node *leaf = node_at(&s->tree, c->node);
  uint32_t players = recipe_players(s, recipe);
  for (uint32_t p = 0; p < players; p++) c->returns[p] = 0.0;
  if (leaf->flags & (NODE_TERMINAL | NODE_SOLVED)) {
    if (!(leaf->flags & NODE_SOLVED)) return CURSOR_BACKING_UP;
    if (s->bellman) c->returns[0] = node_graph(leaf)->value;
    else prove_returns(s, leaf, c->returns);
    return CURSOR_BACKING_UP;
  }
  c->weight = 1.0;
  c->rolled = 0;
  c->terminated = false;
  if (c->depth == s->bound) return evaluate_bound(s);
  if ((recipe & RECIPE_PRIORS) && !(leaf->flags & NODE_OPEN)) return CURSOR_OPENING;
  return s->plays_out ? CURSOR_ROLLING : evaluate_leaf(s, c);
}

/* The value of where the cursor stands, in c->answer, is part of the returns. */
static inline void evaluate_add_answer(search *s, cursor *c) {
  for (uint32_t p = 0; p < s->model->num_players; p++)
    c->returns[p] += c->weight * c->answer[p];
}

/* What comes after a value. */
static inline cursor_phase evaluate_valued(search *s, cursor *c) {
  bool is_first = c->rolled == 0 && c->depth < s->bound;
  evaluate_add_answer(s, c);
  if (s->options.evaluation != EVALUATION_MIXED || !is_first) return CURSOR_BACKING_UP;
  c->weight = 1.0 - s->options.value_weight;
  return CURSOR_ROLLING;
}

/* ---- a rollout, step by step ------------------------------------------------------------- */

/* Steps that a rollout from where the cursor stands may take. */
static inline uint32_t rollout_steps(const search *s, const cursor *c) {
  uint32_t left = s->bound - c->depth, most = s->options.rollout_depth;
  return most > 0 && most < left ? most : left;
}

/* What is asked about where a rollout has stopped short of an end. */
static inline cursor_phase rollout_rest(const search *s, const cursor *c) {
  return c->depth + rollout_steps(s, c) < s->bound ? evaluate_rest(s) : evaluate_bound(s);
}

/* True if that is so from wherever one starts. */
static inline bool rollout_is_always_the_models(const search *s) {
  bool never_valued = s->bound_is_end || !(s->model->flags & MCTS_MODEL_VALUES);
  return s->model->rollout && s->options.rollout == ROLLOUT_MODEL &&
         s->options.rollout_depth == 0 && never_valued;
}

/* The model plays all of it itself, unless a value is to be asked for where it stops. */
static inline bool rollout_is_the_models(const search *s, const cursor *c) {
  return s->model->rollout && s->options.rollout == ROLLOUT_MODEL &&
         rollout_rest(s, c) == CURSOR_BACKING_UP;
}

static inline int rollout_by_model(search *s, cursor *c) {
  int status = ask_rollout(s->model, s->ctx, cursor_state(s, c), rollout_steps(s, c), s->discount,
                           &c->rng, c->answer, s->model->num_players, &s->model_steps, &s->fault);
  if (status == MCTS_OK) evaluate_add_answer(s, c);
  return status;
}

static inline int rollout_choose(search *s, cursor *c) {
  const void *state = cursor_state(s, c);
  if (s->options.rollout == ROLLOUT_DECISIVE)
    return decisive_action(s, state, &c->rng, &c->action);
  bool random = s->options.rollout == ROLLOUT_RANDOM;
  return ask_rollout_action(s->model, s->ctx, state, random, &c->rng, s->actions, &c->action,
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
  return c->rolled < rollout_steps(s, c) ? CURSOR_ROLLING : rollout_rest(s, c);
}

static inline int rollout_by_steps(search *s, cursor *c) {
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase == CURSOR_ROLLING) {
    status = rollout_choose(s, c);
    if (status < 0) return status;
    status = ask_sample(s->model, s->ctx, cursor_state(s, c), c->action, &c->rng, s->state_size,
                        c->next, c->answer, s->model->num_players, &c->terminated, NULL,
                        &s->fault);
    if (status < 0) return status;
    rollout_take(s, c);
    c->phase = rollout_phase(s, c);
    status = stop_breathe(s);
  }
  return status;
}

static inline int rollout(search *s, cursor *c) {
  if (!rollout_is_the_models(s, c)) return rollout_by_steps(s, c);
  c->phase = CURSOR_BACKING_UP;
  return rollout_by_model(s, c);
}

/* ---- all at once, by questions that are answered on the spot ------------------------------- */

/* From a phase on that asks about a leaf, but for CURSOR_OPENING, to CURSOR_BACKING_UP. */
RARE_PIECE int evaluate_by_phases(search *s, cursor *c) {
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase != CURSOR_BACKING_UP) {
    if (c->phase == CURSOR_ROLLING) {
      status = rollout(s, c);
    } else {
      status = ask_value(s->model, s->ctx, cursor_state(s, c), c->answer, &s->fault);
      if (status == MCTS_OK) c->phase = evaluate_valued(s, c);
    }
  }
  return status;
}

/* The same: one rollout by the model is the most common of all. */
LOOP_PIECE int evaluate(search *s, cursor *c, unsigned recipe) {
  if (c->phase == CURSOR_BACKING_UP) return MCTS_OK;
  if (!s->plays_out || (recipe & RECIPE_CARRIED)) return evaluate_by_phases(s, c);
  c->phase = CURSOR_BACKING_UP;
  const void *state = node_state(&s->tree, node_at(&s->tree, c->node));
  return ask_rollout(s->model, s->ctx, state, s->bound - c->depth, s->discount, &c->rng, c->returns,
                     recipe_players(s, recipe), &s->model_steps, &s->fault);
}

#endif
