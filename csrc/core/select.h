/* Selection: the edge to follow at a node.
 *
 * UCB1 on values scaled to the range of returns seen so far, [low, high]:
 *
 *   argmax_e  (value_e - low) / (high - low) + exploration sqrt(ln visits / visits_e)
 *
 * Edges never tried come first, in random order. Ties go to the lower index.
 * Source: Kocsis and Szepesvari (2006); scaling as in Schrittwieser et al. (2020), B. */
#ifndef MCTS_CORE_SELECT_H
#define MCTS_CORE_SELECT_H

#include "bellman.h"
#include "logarithm.h"

LOOP_PIECE uint32_t select_untried(const edges *e, uint32_t count, uint32_t untried,
                                      mcts_bitgen *rng) {
  uint32_t skip = mcts_random_below(rng, untried), i = 0;
  for (; i < count; i++)
    if (e->visits[i] == 0 && skip-- == 0) break;
  return i;
}

LOOP_PIECE uint32_t select_ucb1(const search *s, const edges *e, uint32_t count,
                                   uint32_t visits) {
  double scale = s->high > s->low ? 1.0 / (s->high - s->low) : 0.0;
  double spread = logarithm(visits), best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < count; i++) {
    double score = (e->value[i] - s->low) * scale +
                   s->options.exploration * sqrt(spread / (double)e->visits[i]);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

LOOP_PIECE uint32_t select_edge(const search *s, node *n, const edges *e, mcts_bitgen *rng,
                                   unsigned recipe) {
  if (!(n->flags & NODE_ALL_TRIED)) {
    uint32_t untried = 0;
    for (uint32_t i = 0; i < n->count; i++) untried += e->visits[i] == 0;
    if (untried) return select_untried(e, n->count, untried, rng);
    n->flags |= NODE_ALL_TRIED;
  }
  if (recipe & RECIPE_BELLMAN)
    for (uint32_t i = 0; i < n->count; i++) bellman_read(s, e, i, false);
  return select_ucb1(s, e, n->count, n->visits);
}

#endif
