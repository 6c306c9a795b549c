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
#include "prove.h"

/* One edge of the path, by the mean of the returns. */
LOOP_PIECE void backup_mean(search *s, const cursor *c, node *n, const edges *e, uint32_t d,
                            unsigned recipe) {
  const cursor_step *step = &c->path[d];
  double value = c->returns[n->player], change = value - e->value[step->edge];
  e->value[step->edge] += change / (double)e->visits[step->edge];
  double spread = change * (value - e->value[step->edge]);
  if ((recipe & RECIPE_SELECTION) && s->tree.spreads) e->spread[step->edge] += spread;
  if (d == 0) s->root_spread[step->edge] += spread;
  range_add(search_range(s, d), value);
}

/* What an outcome pays, where it may be gone back to. */
static inline void backup_outcome(const tree *t, ref at, double reward) {
  outcome_share *share = outcome_share_of(outcome_at(t, at));
  share->weight += 1.0;
  share->reward += (reward - share->reward) / share->weight;
}

/* One edge of the path, by the outcomes as they are now; `counted`: with one visit more. */
static inline void backup_bellman(search *s, const cursor *c, node *n, const edges *e,
                                  uint32_t d, bool counted) {
  const cursor_step *step = &c->path[d];
  if (s->deterministic || !counted) {
    bellman_read(s, e, step->edge, false);
  } else {
    bellman_count(s, e, step->edge, outcome_at(&s->tree, step->outcome), c->rewards[d]);
  }
  /* The other edges once more where that is cheap: the children may have changed below. */
  for (uint32_t i = 0; i < n->count; i++)
    if (i != step->edge && bellman_is_narrow(s, e, i)) bellman_read(s, e, i, false);
  node_graph(n)->value = bellman_value(s, n, e);
  bellman_solve(s, n, e);
  /* Soft values depend on the range, and must not widen it. */
  bool soft = s->options.backup == BACKUP_SOFT;
  range_add(search_range(s, d), soft ? c->returns[0] : e->value[step->edge]);
}

/* What the leaf itself learns. */
LOOP_PIECE void backup_leaf(search *s, const cursor *c, node *leaf, unsigned recipe) {
  count_up(&leaf->visits);
  if ((recipe & RECIPE_PRIORS) && leaf->edges) {
    double *own = edges_at(&s->tree, leaf).own;
    if (isnan(*own)) *own = c->returns[leaf->player];
  }
  if (!(recipe & RECIPE_BELLMAN) || bellman_is_chosen_from(s, leaf)) return;
  graph_part *g = node_graph(leaf);
  bool at_end = c->depth == s->bound && s->bound_is_end;
  if (at_end && s->options.sharing != SHARING_STATE) leaf->flags |= NODE_SOLVED;
  g->value += (c->returns[0] - g->value) / (double)leaf->visits;
}

LOOP_PIECE void backup(search *s, cursor *c, unsigned recipe) {
  tree *t = &s->tree;
  uint32_t players = s->model->num_players;
  backup_leaf(s, c, node_at(t, c->node), recipe);
  node *below = node_at(t, c->node);
  for (uint32_t d = c->depth; d-- > 0;) {
    const cursor_step *step = &c->path[d];
    /* It may have been proven while this simulation was below it, or by it just now. */
    bool exact = (recipe & RECIPE_PROVEN) && prove_is_exact(below);
    if (exact) prove_returns(s, below, c->returns);
    const double *rewards = &c->rewards[(size_t)d * players];
    for (uint32_t p = 0; p < players; p++)
      c->returns[p] = rewards[p] + s->discount * c->returns[p];
    node *n = node_at(t, step->node);
    edges e = edges_at(t, n);
    count_up(&n->visits);
    bool counted = count_up(&e.visits[step->edge]);
    if (recipe & RECIPE_FLIGHTS) e.flights[step->edge] -= 1;
    if (step->outcome) count_up(&outcome_at(t, step->outcome)->visits);
    if ((recipe & RECIPE_WIDENED) && !(recipe & RECIPE_BELLMAN) && t->sums)
      backup_outcome(t, step->outcome, rewards[0]);
    if (recipe & RECIPE_BELLMAN) {
      backup_bellman(s, c, n, &e, d, counted);
    } else if (exact) {
      prove_edge(s, n, &e, step->edge, c->returns[n->player]);
      range_add(search_range(s, d), c->returns[n->player]);
    } else {
      backup_mean(s, c, n, &e, d, recipe);
    }
    below = n;
  }
  s->simulations += 1;
  s->tree_depth += c->depth;
  for (uint32_t p = 0; p < players; p++)
    s->root_mean[p] += (c->returns[p] - s->root_mean[p]) / (double)s->simulations;
  c->phase = CURSOR_DONE;
}

#endif
