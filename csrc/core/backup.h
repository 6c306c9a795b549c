/* Backup: one simulation's returns are added to the statistics along its path, leaf first.
 *
 *   G_d = r_d + discount G_{d+1}          for every player
 *   value += (G_mover - value) / visits   at every edge
 *
 * Source: Browne et al. (2012), section 3.1; the running spread at the root as in
 * Welford (1962). */
#ifndef MCTS_CORE_BACKUP_H
#define MCTS_CORE_BACKUP_H

#include "search.h"

static inline void backup_range(search *s, double value) {
  if (value < s->low) s->low = value;
  if (value > s->high) s->high = value;
}

static inline void backup(search *s, cursor *c) {
  tree *t = &s->tree;
  uint32_t players = s->model->num_players;
  node_at(t, c->node)->visits += 1;
  for (uint32_t d = c->depth; d-- > 0;) {
    const cursor_step *step = &c->path[d];
    const double *rewards = &c->rewards[(size_t)d * players];
    for (uint32_t p = 0; p < players; p++)
      c->returns[p] = rewards[p] + s->model->discount * c->returns[p];
    node *n = node_at(t, step->node);
    edges e = edges_at(t, n);
    double value = c->returns[n->player], change = value - e.value[step->edge];
    n->visits += 1;
    e.visits[step->edge] += 1;
    e.value[step->edge] += change / (double)e.visits[step->edge];
    if (step->outcome) outcome_at(t, step->outcome)->visits += 1;
    if (d == 0) s->root_spread[step->edge] += change * (value - e.value[step->edge]);
    backup_range(s, value);
  }
  s->simulations += 1;
  s->tree_depth += c->depth;
  for (uint32_t p = 0; p < players; p++)
    s->root_mean[p] += (c->returns[p] - s->root_mean[p]) / (double)s->simulations;
  c->phase = CURSOR_DONE;
}

#endif
