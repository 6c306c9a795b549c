/* Bellman backups: an edge is worth the expectation over its outcomes, read fresh.
 *
 *   q = (sum_o weight_o (reward_o + discount V(child_o))) / sum_o weight_o
 *   V(node) = max_e q_e            over the edges that have been tried, or whose outcomes are known
 *   V(node) = t ln sum_e exp(q_e / t)   where backups are soft; t: a part of the range of values
 *
 * weight_o is the outcome's probability, where the model knows it, or how often it was seen.
 * `sum` is kept per edge, and per outcome the child's value that is part of it: a change of
 * one child is put right in constant time, and a fresh read looks again at all outcomes if
 * they are few, else at the next few in rotation.
 *
 * Source: Sutton and Barto (2018), section 4.4; fresh reads as in trial-based heuristic tree
 * search, Keller and Helmert (2013); the soft maximum as in Xiao et al. (2019). */
#ifndef MCTS_CORE_BELLMAN_H
#define MCTS_CORE_BELLMAN_H

#include "exponential.h"
#include "logarithm.h"
#include "search.h"

enum { BELLMAN_READ_ALL = 16, BELLMAN_ROTATE = 4 };

/* One outcome's part of the sum, by the child's value as it is now. */
static inline void bellman_refresh(const search *s, const edges *e, uint32_t i, outcome *o) {
  outcome_share *share = outcome_share_of(o);
  double value = node_graph(node_at(&s->tree, o->node))->value;
  e->sum[i] += share->weight * s->discount * (value - share->used);
  share->used = value;
}

/* All of them, added up anew. */
LOOP_PIECE void bellman_read_all(const search *s, const edges *e, uint32_t i) {
  double sum = 0.0;
  for (ref r = e->child[i]; r;) {
    outcome *o = outcome_at(&s->tree, r);
    outcome_share *share = outcome_share_of(o);
    share->used = node_graph(node_at(&s->tree, o->node))->value;
    sum += share->weight * (share->reward + s->discount * share->used);
    r = o->sibling;
  }
  e->sum[i] = sum;
}

static inline void bellman_rotate(const search *s, const edges *e, uint32_t i) {
  ref r = e->turn[i];
  for (int k = 0; k < BELLMAN_ROTATE; k++) {
    if (!r) r = e->child[i];
    outcome *o = outcome_at(&s->tree, r);
    bellman_refresh(s, e, i, o);
    r = o->sibling;
  }
  e->turn[i] = r;
}

/* True if the edge has a value: outcomes that no simulation has come back from give none, but
 * where the model has told them all. */
LOOP_PIECE bool bellman_known(const search *s, const edges *e, uint32_t i) {
  return s->exact ? e->width[i] > 0 : e->visits[i] > 0;
}

/* True if a node's value is that of its edges. Where priors are weighed a leaf has edges too, before
 * one of them is chosen, and its value is what it was evaluated to. */
static inline bool bellman_is_chosen_from(const search *s, const node *n) {
  if (!node_is_expanded(n) || !(s->recipe & RECIPE_PRIORS)) return node_is_expanded(n);
  edges e = edges_at(&s->tree, n);
  for (uint32_t i = 0; i < e.count; i++)
    if (e.visits[i] > 0) return true;
  return false;
}

/* True if a read looks at all outcomes of the edge. */
static inline bool bellman_is_narrow(const search *s, const edges *e, uint32_t i) {
  return s->deterministic || e->width[i] <= BELLMAN_READ_ALL;
}

/* Brings the value of an edge up to date; `whole`: at whatever cost. */
LOOP_PIECE void bellman_read(const search *s, const edges *e, uint32_t i, bool whole) {
  if (!bellman_known(s, e, i)) return;
  if (s->deterministic) {
    double value = node_graph(node_at(&s->tree, e->child[i]))->value;
    e->value[i] = e->reward[i] + s->discount * value;
    return;
  }
  if (whole || bellman_is_narrow(s, e, i)) {
    bellman_read_all(s, e, i);
  } else {
    bellman_rotate(s, e, i);
  }
  e->value[i] = e->sum[i] / (s->exact ? 1.0 : (double)e->visits[i]);
}

/* An outcome was seen once more, with that reward. */
static inline void bellman_count(const search *s, const edges *e, uint32_t i, outcome *o,
                                 double reward) {
  outcome_share *share = outcome_share_of(o);
  if (!s->exact) {
    share->weight += 1.0;
    e->sum[i] += reward + s->discount * share->used;
    share->reward += (reward - share->reward) / share->weight;
  }
  bellman_refresh(s, e, i, o);
  e->value[i] = e->sum[i] / (s->exact ? 1.0 : (double)e->visits[i]);
}

LOOP_PIECE double bellman_best(const search *s, const edges *e) {
  double best = -INFINITY;
  for (uint32_t i = 0; i < e->count; i++)
    if (bellman_known(s, e, i) && e->value[i] > best) best = e->value[i];
  return best;
}

/* t ln sum_e exp(q_e / t), `best` being the greatest q. */
static inline double bellman_soften(const search *s, const node *n, const edges *e, double best) {
  const value_range *range = search_range(s, n->depth);
  if (!(range->scale > 0.0)) return best;
  double t = s->options.soft_temperature / range->scale, sum = 0.0;
  for (uint32_t i = 0; i < e->count; i++)
    if (bellman_known(s, e, i)) sum += exponential((e->value[i] - best) / t);
  return best + t * logarithm_series(sum);
}

/* What the node is worth by its edges; -INFINITY if nothing is known of them. */
LOOP_PIECE double bellman_value(const search *s, const node *n, const edges *e) {
  double best = bellman_best(s, e);
  bool soft = s->options.backup == BACKUP_SOFT && best > -INFINITY;
  return soft ? bellman_soften(s, n, e, best) : best;
}

/* ---- solved ---------------------------------------------------------------------------- */

static inline bool bellman_edge_is_solved(const search *s, const edges *e, uint32_t i) {
  const tree *t = &s->tree;
  if (!bellman_known(s, e, i)) return false;
  if (s->deterministic) return node_at(t, e->child[i])->flags & NODE_SOLVED;
  if (!s->exact) return false;
  for (ref r = e->child[i]; r; r = outcome_at(t, r)->sibling)
    if (!(node_at(t, outcome_at(t, r)->node)->flags & NODE_SOLVED)) return false;
  return true;
}

/* A node is solved when all its edges are; then its value is exact. */
static inline void bellman_solve(const search *s, node *n, const edges *e) {
  if (!s->deterministic && !s->exact) return;
  for (uint32_t i = 0; i < e->count; i++)
    if (!bellman_edge_is_solved(s, e, i)) return;
  for (uint32_t i = 0; i < e->count; i++) bellman_read(s, e, i, true);
  node_graph(n)->value = bellman_value(s, n, e);
  node_solve(&s->tree, n);
}

#endif
