/* Proven values, with mean backups in a tree of a deterministic model whose returns are bounded.
 *
 * A node is solved where its value is exact: the episode ended there; or the player to move has a
 * proven action that is worth the most that there is; or all actions are proven. From then on it
 * is a leaf that is worth its value, and the edge to it is worth that in place of a mean.
 *
 * A lost edge is selected as any other is that is worth so little. To pass it by was tried, and
 * made plans worse: on 380 solved positions of connect four 0.917 in place of 0.940 kept their
 * value at 2,000 simulations. How many replies lose is part of what a mean tells of a position.
 *
 * Source: Winands, Bjornsson and Saito (2008), "Monte-Carlo Tree Search Solver". */
#ifndef MCTS_CORE_PROVE_H
#define MCTS_CORE_PROVE_H

#include "search.h"

static inline bool prove_is_exact(const node *n) {
  return n->flags & (NODE_TERMINAL | NODE_SOLVED);
}

static inline bool prove_edge_is_exact(const search *s, const edges *e, uint32_t i) {
  const tree *t = &s->tree;
  ref child = e->child[i];
  if (!child || e->visits[i] == 0) return false;
  if (s->num_leased && search_is_leased(s, child_node(t, child))) return false;
  if (!arena_is_high(&t->blocks, child)) return block_at(t, child)->solved;
  return prove_is_exact(node_at(t, child));
}

/* True if an edge is proven to lead to the least that there is. */
static inline bool prove_edge_is_lost(const search *s, const edges *e, uint32_t i) {
  return (s->recipe & RECIPE_PROVEN) && prove_edge_is_exact(s, e, i) &&
         e->value[i] <= s->model->min_return;
}

/* The proven edge that is worth most; the first of equals. */
static inline uint32_t prove_best(const search *s, const edges *e) {
  uint32_t best = e->count;
  for (uint32_t i = 0; i < e->count; i++)
    if (prove_edge_is_exact(s, e, i) &&
        (best == e->count || e->value[i] > e->value[best]))
      best = i;
  return best;
}

/* What an exact node is worth to each player: the rewards along its best line. */
static inline void prove_returns(const search *s, const node *n, double *returns) {
  uint32_t players = s->model->num_players;
  double weight = 1.0;
  for (uint32_t p = 0; p < players; p++) returns[p] = 0.0;
  while (!(n->flags & NODE_TERMINAL) && node_is_expanded(n)) {
    edges e = edges_at(&s->tree, n);
    uint32_t best = prove_best(s, &e);
    if (best == e.count) return;
    n = node_at(&s->tree, child_node(&s->tree, e.child[best]));
    const double *rewards = node_rewards(&s->tree, n);
    for (uint32_t p = 0; p < players; p++)
      returns[p] += n->flags & NODE_PAID ? weight * rewards[p] : 0.0;
    weight *= s->discount;
  }
}

/* True if every action is proven. */
static inline bool prove_all(const search *s, const edges *e) {
  for (uint32_t i = 0; i < e->count; i++)
    if (!prove_edge_is_exact(s, e, i)) return false;
  return true;
}

/* After a simulation came back through an edge to an exact child with its exact `value`. */
static inline void prove_edge(const search *s, const edges *e, uint32_t i, double value) {
  e->value[i] = value;
  if (value >= s->model->max_return || prove_all(s, e))
    node_solve(&s->tree, node_at(&s->tree, e->head->node));
}

#endif
