/* Backup: one simulation's returns are added to the statistics along its path, leaf first.
 *
 *   G_d = r_d + discount G_{d+1}          for every player
 *   value += (G_mover - value) / visits   at every edge, by the mean; or see bellman.h
 *
 * Source: Browne et al. (2012), section 3.1; the running spread at the root as in
 * Welford (1962). */
#ifndef MCTS_CORE_BACKUP_H
#define MCTS_CORE_BACKUP_H

#include "bellman.h"
#include "leaf.h"
#include "prove.h"

/* One edge of the path, by the mean of the returns. */
LOOP_PIECE void backup_mean(search *s, const edges *e, uint32_t i, uint32_t d, double value,
                            unsigned recipe) {
  double change = value - e->value[i];
  e->value[i] += change / (double)e->visits[i];
  double spread = change * (value - e->value[i]);
  if ((recipe & RECIPE_SELECTION) && (s->tree.layout & BLOCK_SPREADS)) e->spread[i] += spread;
  if (d == 0) s->root_spread[i] += spread;
  if (!(recipe & RECIPE_PRIORS)) range_add(search_range(s, d), value); /* they are scaled by node */
}

/* What an outcome pays, where it may be gone back to. */
static inline void backup_outcome(const tree *t, ref at, double reward) {
  outcome_share *share = outcome_share_of(outcome_at(t, at));
  share->weight += 1.0;
  share->reward += (reward - share->reward) / share->weight;
}

/* One edge of the path, by the outcomes as they are now; `counted`: with one visit more. */
static inline void backup_bellman(search *s, const cursor_step *step, const edges *e, uint32_t d,
                                  double reward, double value, bool counted) {
  node *n = node_at(&s->tree, e->head->node);
  if (s->deterministic || !counted) {
    bellman_read(s, e, step->edge, false);
  } else {
    bellman_count(s, e, step->edge, outcome_at(&s->tree, step->outcome), reward);
  }
  /* The other edges once more where that is cheap: the children may have changed below. */
  for (uint32_t i = 0; i < e->count; i++)
    if (i != step->edge && bellman_is_narrow(s, e, i)) bellman_read(s, e, i, false);
  node_graph(n)->value = bellman_value(s, n, e);
  bellman_solve(s, n, e);
  /* Soft values depend on the range, and must not widen it. */
  bool soft = s->options.backup == BACKUP_SOFT;
  range_add(search_range(s, d), soft ? value : e->value[step->edge]);
}

/* What the leaf itself learns. */
LOOP_PIECE void backup_leaf(search *s, const cursor *c, node *leaf, unsigned recipe) {
  node_count_visit(&s->tree, leaf);
  if ((recipe & RECIPE_PRIORS) && node_has_block(leaf)) {
    double *own = node_own(&s->tree, leaf);
    if (isnan(*own)) *own = c->returns[node_player(&s->tree, leaf)];
  }
  if (!(recipe & RECIPE_BELLMAN) || bellman_is_chosen_from(s, leaf)) return;
  graph_part *g = node_graph(leaf);
  bool at_end = c->depth == s->bound && s->bound_is_end;
  if (at_end && s->options.sharing != SHARING_STATE) node_solve(&s->tree, leaf);
  g->value += (c->returns[0] - g->value) / (double)node_visits(&s->tree, leaf);
}

/* One more return. */
static inline void backup_see(returns_seen *seen, double value) {
  double change = value - seen->mean;
  seen->count += 1;
  seen->mean += change / (double)seen->count;
  seen->squares += change * (value - seen->mean);
  if (value < seen->low) seen->low = value;
  if (value > seen->high) seen->high = value;
}

/* What the simulations brought that started where this one did. */
RARE_PIECE void backup_see_all(search *s, const double *returns, uint32_t players) {
  for (uint32_t p = 0; p < players; p++) backup_see(&s->seen[p], returns[p]);
}

/* The path, from the leaf up: `returns` [players] are those from the leaf on, and become those of
 * the root. */
LOOP_PIECE void backup_path(search *s, cursor *c, double *returns, uint32_t players,
                            unsigned recipe) {
  tree *t = &s->tree;
  double discount = s->discount;
  ref below = c->node;
  /* It may have been proven while this simulation was below it, or by it just now. */
  bool exact = (recipe & RECIPE_PROVEN) && prove_is_exact(node_at(t, below));
  for (uint32_t d = c->depth, start = s->start_depth; d-- > start;) {
    const cursor_step *step = &c->path[d];
    if (exact) prove_returns(s, node_at(t, below), returns);
    const double *rewards = &c->rewards[(size_t)d * players];
    for (uint32_t p = 0; p < players; p++) returns[p] = rewards[p] + discount * returns[p];
    edges e = edges_in(t, cursor_block(s, step, recipe), recipe_layout(s, recipe));
    uint32_t place = edge_place(&e, step->edge, recipe_layout(s, recipe));
    count_up(&e.head->visits);
    bool counted = count_up(&e.visits[place]);
    if (recipe & RECIPE_FLIGHTS) e.flights[step->edge] -= 1;
    if (!(recipe & RECIPE_DETERMINISTIC)) count_up(&outcome_at(t, step->outcome)->visits);
    if ((recipe & RECIPE_WIDENED) && !(recipe & RECIPE_BELLMAN) && (t->layout & BLOCK_SUMS))
      backup_outcome(t, step->outcome, rewards[0]);
    uint32_t player = players == 1 ? 0 : e.head->player;
    double value = players == 2 ? (player ? returns[1] : returns[0]) : returns[player];
    if (recipe & RECIPE_BELLMAN) {
      backup_bellman(s, step, &e, d, rewards[0], value, counted);
    } else if (exact) {
      prove_edge(s, &e, step->edge, value);
      range_add(search_range(s, d), value);
    } else {
      backup_mean(s, &e, place, d, value, recipe);
    }
    below = e.head->node;
    exact = (recipe & RECIPE_PROVEN) && e.head->solved;
  }
  if (s->seen) backup_see_all(s, returns, players);
  else for (uint32_t p = 0; p < players; p++)
    s->root_mean[p] += (returns[p] - s->root_mean[p]) / (double)(s->simulations + 1);
}

LOOP_PIECE void backup(search *s, cursor *c, unsigned recipe) {
  uint32_t players = recipe_players(s, recipe);
  backup_leaf(s, c, node_at(&s->tree, c->node), recipe);
  if (!__builtin_constant_p(players)) {
    backup_path(s, c, c->returns, players, recipe);
  } else if (players == 1) { /* few ones may stay in registers */
    double returns[1] = {c->returns[0]};
    backup_path(s, c, returns, 1, recipe);
  } else {
    double returns[2] = {c->returns[0], c->returns[1]};
    backup_path(s, c, returns, 2, recipe);
  }
  s->simulations += 1;
  s->tree_depth += c->depth;
  c->phase = CURSOR_DONE;
}

#endif
