/* What is known of an edge of the root, for the plan. */
#ifndef MCTS_CORE_STATISTICS_H
#define MCTS_CORE_STATISTICS_H

#include "bellman.h"
#include "prove.h"

/* Standard errors on each side of a mean that hold its value with 95 % confidence. */
#define STATISTICS_CONFIDENCE 1.96

/* NaN: not known. */
typedef struct {
  double value, standard_error, lower, upper, prior;
  bool proven;
} edge_statistics;

/* Whether an edge has a value. */
static inline bool statistics_is_known(const search *s, const edges *e, uint32_t i) {
  return s->bellman ? bellman_known(s, e, i) : e->visits[i] > 0;
}

/* Whether the value of an edge is exact. */
static inline bool statistics_is_proven(const search *s, const edges *e, uint32_t i) {
  if (s->options.backup == BACKUP_SOFT) return false; /* it is above what can be had */
  if (s->bellman) return bellman_edge_is_solved(s, e, i);
  return (s->recipe & RECIPE_PROVEN) && prove_edge_is_exact(s, e, i);
}

/* Of a mean, by the spread of this search's own returns. */
static inline double statistics_error(const search *s, const edges *e, uint32_t i) {
  double visits = e->visits[i], seen = visits - s->root_before[i];
  if (seen < 2.0 || s->bellman || statistics_is_proven(s, e, i)) return NAN;
  return sqrt(s->root_spread[i] / ((seen - 1.0) * visits));
}

/* Bounds of the value: the value itself where it is proven, else by its standard error, and by what
 * returns there can be. */
static inline void statistics_bound(const search *s, edge_statistics *found) {
  const mcts_model *m = s->model;
  bool bounded = m->min_return < m->max_return;
  if (found->proven) {
    found->lower = found->upper = found->value;
    return;
  }
  double margin = STATISTICS_CONFIDENCE * found->standard_error;
  found->lower = found->value - margin;
  found->upper = found->value + margin;
  if (bounded && !(found->lower > m->min_return)) found->lower = m->min_return;
  if (bounded && !(found->upper < m->max_return)) found->upper = m->max_return;
}

/* Whether the root has been given its priors. */
static inline bool statistics_has_priors(const search *s) {
  return (s->tree.layout & BLOCK_PRIORS) && (node_at(&s->tree, s->tree.root)->flags & NODE_OPEN);
}

static inline edge_statistics statistics_of(const search *s, const edges *e, uint32_t i) {
  edge_statistics found = {.value = statistics_is_known(s, e, i) ? e->value[i] : NAN,
                           .standard_error = statistics_error(s, e, i),
                           .prior = statistics_has_priors(s) ? e->prior[i] : NAN,
                           .proven = statistics_is_proven(s, e, i)};
  statistics_bound(s, &found);
  return found;
}

#endif
