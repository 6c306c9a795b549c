/* One simulation: selection, expansion, evaluation, backup, as the phases of a cursor.
 *
 *             +------------ known child ------------+
 *             v                                     |
 *   SELECTING --> STEPPING ? --> ARRIVING ----------+
 *       |                            |  new child, an end, or the bound
 *       |  remembered child          v
 *       +--- at an end or bound --> EVALUATING ------------------------+
 *                                    |                                 |
 *                                    +--> ROLLING ? --> ROLLED --+     |
 *                                    |       ^                   |     |
 *                                    |       +-------------------+     |
 *                                    v                           v     v
 *                                 VALUING ? --> VALUED -----> BACKING_UP --> DONE
 *
 * Where priors are weighed, a node is opened before there is a choice in it: SELECTING and
 * EVALUATING lead to OPENING ? --> OPENED, and go on from there.
 *
 * Only the phases marked ? question the model about a transition or a node. Where the answer
 * comes on the spot, EVALUATING goes through to BACKING_UP by itself. */
#ifndef MCTS_CORE_SIMULATE_H
#define MCTS_CORE_SIMULATE_H

#include "arrive.h"
#include "backup.h"
#include "evaluate.h"
#include "expand.h"
#include "open.h"
#include "select.h"
#include "settle.h"

LOOP_PIECE void cursor_begin(search *s, cursor *c, uint64_t simulation, unsigned recipe) {
  c->phase = CURSOR_SELECTING;
  c->node = s->tree.root;
  c->depth = 0;
  c->chosen = 0;
  c->counter = stream_start(s->seed, simulation);
  if (recipe & RECIPE_CARRIED)
    c->particle = s->num_particles > 1 ? mcts_random_below(&c->rng, s->num_particles) : 0;
}

/* ---- selection and the step ----------------------------------------------------------- */

LOOP_PIECE int cursor_select(search *s, cursor *c, unsigned recipe) {
  node *n = node_at(&s->tree, c->node);
  if ((recipe & RECIPE_PRIORS) && !(n->flags & NODE_OPEN)) {
    c->phase = CURSOR_OPENING;
    return MCTS_OK;
  }
  if ((recipe & RECIPE_CARRIED) || !n->edges) {
    const void *state = cursor_state(s, c);
    int status = recipe & RECIPE_CARRIED ? expand_carried(s, c->node, state)
                                         : expand(s, c->node, state);
    if (status < 0) return status;
  }
  if ((recipe & RECIPE_WIDENED) && !(n->flags & NODE_ORDERED)) widen_order(s, n, &c->rng);
  edges e = edges_at(&s->tree, n);
  uint32_t edge = select_edge(s, n, &e, c->depth, &c->rng, recipe);
  c->path[c->depth] = (cursor_step){c->node, edge, 0};
  if ((recipe & RECIPE_EXACT) && !e.width[edge]) {
    int status = expand_outcomes(s, c->node, edge);
    if (status < 0) return status;
  }
  if (recipe & RECIPE_FLIGHTS) {
    e.flights[edge] += 1;
    c->chosen = c->depth + 1;
  }
  /* Many outcomes are a long list to walk; the model draws faster, and the trie finds it. */
  if ((recipe & RECIPE_EXACT) && e.width[edge] <= BELLMAN_READ_ALL)
    return arrive_drawn(s, c, &e, edge, recipe);
  if ((recipe & RECIPE_DETERMINISTIC) && e.child[edge])
    return arrive_remembered(s, c, &e, edge, recipe);
  if ((recipe & RECIPE_WIDENED) && !s->exact && !widen_lets_in(s, &e, edge))
    return arrive_known(s, c, &e, edge, recipe);
  c->action = e.action[edge];
  c->phase = CURSOR_STEPPING;
  return MCTS_OK;
}

/* Where the model writes what is observed; NULL: nothing is asked for. */
static inline void *cursor_observation(const search *s, const cursor *c) {
  return s->options.outcome_key == OUTCOME_OBSERVATION ? c->observation : NULL;
}

LOOP_PIECE int cursor_take_step(search *s, cursor *c, unsigned recipe) {
  void *observation = recipe & RECIPE_CARRIED ? cursor_observation(s, c) : NULL;
  int status = ask_sample(s->model, s->ctx, cursor_state(s, c), c->action, &c->rng, s->state_size,
                          c->next, cursor_rewards(s, c), &c->terminated, observation, &s->fault);
  if (status < 0) return status;
  s->model_steps += 1;
  c->phase = CURSOR_ARRIVING;
  return MCTS_OK;
}

LOOP_PIECE int cursor_find_child(search *s, cursor *c, unsigned recipe) {
  if (recipe & RECIPE_CARRIED) return arrive_carrying(s, c, recipe);
  return recipe & RECIPE_DETERMINISTIC ? arrive_deterministic(s, c, recipe)
                                       : arrive_stochastic(s, c, recipe);
}

/* Priors, and the value, of a node have come. */
LOOP_PIECE int cursor_open(search *s, cursor *c, unsigned recipe) {
  int status = open_node(s, c);
  if (status == MCTS_OK) c->phase = open_next(s, c, recipe);
  return status;
}

/* ---- the phases, one after the other; the model answers on the spot ------------------------ */

LOOP_PIECE int cursor_advance(search *s, cursor *c, unsigned recipe) {
  int status = MCTS_OK;
  switch (c->phase) {
    case CURSOR_SELECTING:
      return cursor_select(s, c, recipe);
    case CURSOR_STEPPING:
      return cursor_take_step(s, c, recipe);
    case CURSOR_ARRIVING:
      status = cursor_find_child(s, c, recipe);
      return status == MCTS_OK ? stop_breathe(s) : status;
    case CURSOR_EVALUATING:
      c->phase = evaluate_begin(s, c, recipe);
      return c->phase == CURSOR_OPENING ? MCTS_OK : evaluate(s, c);
    case CURSOR_OPENING:
      status = open_ask(s, c);
      return status == MCTS_OK ? cursor_open(s, c, recipe) : status;
    case CURSOR_ROLLING:
    case CURSOR_VALUING:
      return evaluate(s, c);
    case CURSOR_BACKING_UP:
      backup(s, c, recipe);
      return MCTS_OK;
    default:
      return MCTS_OK;
  }
}

LOOP_PIECE int simulate(search *s, cursor *c, unsigned recipe) {
  cursor_begin(s, c, s->simulations, recipe);
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase != CURSOR_DONE)
    status = cursor_advance(s, c, recipe);
  if (c->owns) cursor_let_go(s, c);
  return status;
}

/* ---- the phases, as far as they get without the model --------------------------------------- */

/* Where a rollout is what comes next: all of it by the model, or what to ask first. */
static inline int cursor_begin_rollout(search *s, cursor *c) {
  if (c->phase != CURSOR_ROLLING) return MCTS_OK;
  if (!rollout_is_the_models(s, c)) return rollout_choose(s, c);
  c->phase = CURSOR_BACKING_UP;
  return rollout_by_model(s, c);
}

/* Ends at a question, or where the simulation can be backed up. */
static inline int cursor_advance_to_question(search *s, cursor *c, unsigned recipe) {
  int status = MCTS_OK;
  while (status == MCTS_OK) {
    switch (c->phase) {
      case CURSOR_SELECTING:
        status = cursor_select(s, c, recipe);
        break;
      case CURSOR_ARRIVING:
        s->model_steps += 1;
        status = cursor_find_child(s, c, recipe);
        break;
      case CURSOR_EVALUATING:
        c->phase = evaluate_begin(s, c, recipe);
        status = cursor_begin_rollout(s, c);
        break;
      case CURSOR_OPENING:
        if (s->asks_priors || s->asks_values) return MCTS_OK;
        c->phase = CURSOR_OPENED;
        break;
      case CURSOR_OPENED:
        status = cursor_open(s, c, recipe);
        if (status == MCTS_OK) status = cursor_begin_rollout(s, c);
        break;
      case CURSOR_ROLLED:
        rollout_take(s, c);
        c->phase = rollout_phase(s, c);
        if (c->phase == CURSOR_ROLLING) status = rollout_choose(s, c);
        break;
      case CURSOR_VALUED:
        c->phase = evaluate_valued(s, c);
        status = cursor_begin_rollout(s, c);
        break;
      default:
        return MCTS_OK;
    }
  }
  return status;
}

#endif
