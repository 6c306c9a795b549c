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
  c->depth = s->start_depth;
  c->chosen = 0;
  c->told = false;
  c->counter = stream_start(s->seed, simulation);
  if (recipe & RECIPE_CARRIED)
    c->particle = s->num_particles > 1 ? mcts_random_below(&c->rng, s->num_particles) : 0;
}

/* ---- selection ---------------------------------------------------------------------------- */

/* In a tree of a deterministic model an edge leads to its child's edge block as soon as there is
 * one: the node itself need not be looked at on the way down. */
LOOP_PIECE bool select_skips_nodes(unsigned recipe) {
  unsigned others = RECIPE_BELLMAN | RECIPE_SHARED | RECIPE_CARRIED | RECIPE_WIDENED;
  return (recipe & RECIPE_DETERMINISTIC) && !(recipe & others);
}

/* Makes sure that there is something to choose at the cursor's node. */
LOOP_PIECE int cursor_prepare(search *s, cursor *c, unsigned recipe) {
  node *n = node_at(&s->tree, c->node);
  int status = MCTS_OK;
  if (recipe & RECIPE_CARRIED) status = expand_carried(s, c->node, cursor_state(s, c));
  else if (!node_is_expanded(n))
    status = recipe & RECIPE_PRIORS ? open_edges(s, c, c->node) : expand(s, c->node, cursor_state(s, c));
  if (status < 0) return status;
  if ((recipe & RECIPE_WIDENED) && !(n->flags & NODE_ORDERED)) widen_order(s, n, &c->rng);
  return MCTS_OK;
}

/* At a node with something to choose: what its edge leads to, or what to ask. */
LOOP_PIECE int cursor_choose(search *s, cursor *c, unsigned recipe) {
  ref block = node_at(&s->tree, c->node)->block;
  edges e = edges_in(&s->tree, block, recipe_layout(s, recipe));
  uint32_t edge = select_edge(s, &e, c->depth, &c->rng, recipe);
  c->path[c->depth] = (cursor_step){block, edge, 0};
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
  c->action = edge_action(&s->tree, &e, edge);
  c->phase = CURSOR_STEPPING;
  return MCTS_OK;
}

/* The same, and on from block to block as far as edges remember their children. */
LOOP_PIECE int cursor_choose_on(search *s, cursor *c, unsigned recipe) {
  tree *t = &s->tree;
  uint32_t players = recipe_players(s, recipe), depth = c->depth, bound = s->bound;
  ref block = node_at(t, c->node)->block;
  for (;;) {
    unsigned layout = recipe_layout(s, recipe);
    edges e = edges_in(t, block, layout);
    block_fetch(t, e.child[edge_place(&e, e.head->last, layout)]); /* mostly it is this one again */
    uint32_t edge = select_edge(s, &e, depth, &c->rng, recipe);
    c->path[depth] = (cursor_step){block, edge, 0};
    if (block_is_single(e.head, layout) && edge != e.head->last) {
      block = open_another(s, c, depth, edge);
      if (!block) return OUT_OF_BYTES;
      e = edges_in(t, block, layout);
    }
    ref *place = &e.child[edge_place(&e, edge, layout)], child = *place;
    e.head->last = (uint16_t)(edge < UINT16_MAX ? edge : 0);
    if (recipe & RECIPE_FLIGHTS) {
      e.flights[edge] += 1;
      c->chosen = depth + 1;
    }
    if (!child) {
      c->node = e.head->node;
      c->depth = depth;
      c->action = edge_action(t, &e, edge);
      c->phase = CURSOR_STEPPING;
      return MCTS_OK;
    }
    if (arena_is_high(&t->blocks, child)) {
      const node *n = node_at(t, child);
      if ((recipe & RECIPE_PRIORS) && node_is_opened_leaf(n) && depth + 1 != bound) {
        int status = open_edges(s, c, child);
        if (status < 0) return status;
      }
      if (!node_is_expanded(n)) {
        c->depth = depth;
        return arrive_remembered(s, c, &e, edge, recipe);
      }
      *place = child = n->block;
    }
    const block_head *head = block_at(t, child);
    block_fetch(t, child);
    double *rewards = &c->rewards[(size_t)depth * players];
    for (uint32_t p = 0; p < players; p++) rewards[p] = 0.0;
    if (head->paid) arrive_paid(s, &e, edge, head->node, rewards, recipe);
    block = child;
    depth += 1;
    if (!head->solved && depth != bound) continue;
    c->node = head->node;
    c->depth = depth;
    c->phase = CURSOR_EVALUATING;
    return MCTS_OK;
  }
}

/* From a node on that is no leaf, until the model is to be asked or there is nothing to choose. */
LOOP_PIECE int cursor_select(search *s, cursor *c, unsigned recipe) {
  int status = MCTS_OK;
  c->told = false; /* of another state, from here on */
  while (status == MCTS_OK && c->phase == CURSOR_SELECTING) {
    if ((recipe & RECIPE_PRIORS) && !(node_at(&s->tree, c->node)->flags & NODE_OPEN)) {
      c->phase = CURSOR_OPENING;
      return MCTS_OK;
    }
    status = cursor_prepare(s, c, recipe);
    if (status < 0) return status;
    status = select_skips_nodes(recipe) ? cursor_choose_on(s, c, recipe)
                                        : cursor_choose(s, c, recipe);
  }
  return status;
}

/* ---- the step --------------------------------------------------------------------------- */

/* Where the model writes what is observed; NULL: nothing is asked for. */
static inline void *cursor_observation(const search *s, const cursor *c) {
  return s->options.outcome_key == OUTCOME_OBSERVATION ? c->observation : NULL;
}

LOOP_PIECE int cursor_take_step(search *s, cursor *c, unsigned recipe) {
  void *observation = recipe & RECIPE_CARRIED ? cursor_observation(s, c) : NULL;
  int status = ask_sample(s->model, s->ctx, cursor_state(s, c), c->action, &c->rng, s->state_size,
                          c->next, cursor_rewards(s, c, recipe), recipe_players(s, recipe),
                          &c->terminated, observation, &s->fault);
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
LOOP_PIECE int cursor_open(search *s, cursor *c) {
  int status = open_node(s, c);
  if (status == MCTS_OK) c->phase = open_next(s, c);
  return status;
}

/* ---- the phases, one after the other; the model answers on the spot ------------------------ */

/* To where there is a leaf to evaluate, or its evaluation is known. */
LOOP_PIECE int simulate_to_leaf(search *s, cursor *c, unsigned recipe) {
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase == CURSOR_SELECTING) {
    status = cursor_select(s, c, recipe);
    if (status == MCTS_OK && c->phase == CURSOR_STEPPING) {
      status = cursor_take_step(s, c, recipe);
      if (status == MCTS_OK) status = cursor_find_child(s, c, recipe);
      if (status == MCTS_OK) status = stop_breathe(s);
    }
    if (status == MCTS_OK && c->phase == CURSOR_EVALUATING) c->phase = evaluate_begin(s, c, recipe);
    if ((recipe & RECIPE_PRIORS) && status == MCTS_OK && c->phase == CURSOR_OPENING) {
      status = open_ask(s, c);
      if (status == MCTS_OK) status = cursor_open(s, c);
    }
  }
  return status;
}

LOOP_PIECE int simulate(search *s, cursor *c, unsigned recipe) {
  cursor_begin(s, c, s->simulations, recipe);
  int status = simulate_to_leaf(s, c, recipe);
  if (status == MCTS_OK) status = evaluate(s, c, recipe);
  if (status == MCTS_OK) backup(s, c, recipe);
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
LOOP_PIECE int cursor_advance_to_question(search *s, cursor *c, unsigned recipe) {
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
        if ((s->asks_priors || s->asks_values) && !c->told) return MCTS_OK;
        c->phase = CURSOR_OPENED;
        break;
      case CURSOR_OPENED:
        status = cursor_open(s, c);
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
