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

#include "arrive.h"
#include "backup.h"
#include "evaluate.h"
#include "expand.h"
#include "select.h"

LOOP_PIECE void cursor_begin(search *s, cursor *c) {
  c->phase = CURSOR_SELECTING;
  c->node = s->tree.root;
  c->depth = 0;
  c->counter = stream_start(s->seed, s->simulations);
}

/* ---- selection and the step ----------------------------------------------------------- */

LOOP_PIECE int cursor_select(search *s, cursor *c, unsigned recipe) {
  node *n = node_at(&s->tree, c->node);
  if (!n->edges) {
    int status = expand(s, c->node);
    if (status < 0) return status;
  }
  edges e = edges_at(&s->tree, n);
  uint32_t edge = select_edge(s, n, &e, &c->rng, recipe);
  c->path[c->depth] = (cursor_step){c->node, edge, 0};
  if ((recipe & RECIPE_EXACT) && !e.width[edge]) {
    int status = expand_outcomes(s, c->node, edge);
    if (status < 0) return status;
  }
  /* Many outcomes are a long list to walk; the model draws faster, and the trie finds it. */
  if ((recipe & RECIPE_EXACT) && e.width[edge] <= BELLMAN_READ_ALL)
    return arrive_drawn(s, c, &e, edge, recipe);
  if ((recipe & RECIPE_DETERMINISTIC) && e.child[edge])
    return arrive_remembered(s, c, &e, edge, recipe);
  c->phase = CURSOR_STEPPING;
  return MCTS_OK;
}

LOOP_PIECE int cursor_take_step(search *s, cursor *c) {
  const cursor_step *at = &c->path[c->depth];
  node *n = node_at(&s->tree, at->node);
  edges e = edges_at(&s->tree, n);
  int status = ask_sample(s->model, s->ctx, node_state(&s->tree, n), e.action[at->edge], &c->rng,
                          s->tree.state_size, c->next, cursor_rewards(s, c), &c->terminated,
                          &s->fault);
  if (status < 0) return status;
  s->model_steps += 1;
  c->phase = CURSOR_ARRIVING;
  return MCTS_OK;
}

LOOP_PIECE int cursor_find_child(search *s, cursor *c, unsigned recipe) {
  int status = recipe & RECIPE_DETERMINISTIC ? arrive_deterministic(s, c, recipe)
                                             : arrive_stochastic(s, c, recipe);
  return status == MCTS_OK ? stop_breathe(s) : status;
}

/* ---- the phases, one after the other --------------------------------------------------- */

LOOP_PIECE int cursor_advance(search *s, cursor *c, unsigned recipe) {
  switch (c->phase) {
    case CURSOR_SELECTING:
      return cursor_select(s, c, recipe);
    case CURSOR_STEPPING:
      return cursor_take_step(s, c);
    case CURSOR_ARRIVING:
      return cursor_find_child(s, c, recipe);
    case CURSOR_EVALUATING:
      return evaluate(s, c);
    case CURSOR_BACKING_UP:
      backup(s, c, recipe);
      return MCTS_OK;
    case CURSOR_DONE:
      return MCTS_OK;
  }
  return MCTS_OK;
}

#endif
