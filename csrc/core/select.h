/* Selection: the edge to follow at a node.
 *
 * UCB1, on values scaled as range.h says:
 *
 *   argmax_e  scaled(value_e) + exploration sqrt(ln visits / visits_e)
 *
 * Edges never tried come first, in random order. Ties go to the lower index. Simulations in
 * flight count among the visits and change no value; an edge that none has come back from yet
 * is valued as low. The other selections are in files of their own.
 *
 * With widening a node chooses among its first edges only, as many as
 *
 *   ceil(action_widening visits^widening_exponent)
 *
 * Source: Kocsis and Szepesvari (2006); scaling as in Schrittwieser et al. (2020), B; in flight
 * as in Liu et al. (2020), "Watch the unobserved"; widening as in Chaslot et al. (2008). */
#ifndef MCTS_CORE_SELECT_H
#define MCTS_CORE_SELECT_H

#include "bellman.h"
#include "logarithm.h"
#include "select_priors.h"
#include "select_returns.h"
#include "select_soft.h"
#include "tries.h"
#include "widen.h"

/* A random one of the edges that were never tried. */
LOOP_PIECE uint32_t select_untried(const search *s, const edges *e, uint32_t width,
                                   uint32_t untried, mcts_bitgen *rng, unsigned recipe) {
  uint32_t skip = mcts_random_below(rng, untried), i = 0;
  for (; i < width; i++)
    if (tries_is_legal(s, i, recipe) && tries_of(e, i, recipe) == 0 && skip-- == 0) break;
  return i;
}

LOOP_PIECE uint32_t select_ucb1(const search *s, const node *n, const edges *e, uint32_t width,
                                const value_range *range, unsigned recipe) {
  double spread = logarithm(tries_of_node(s, n, e, recipe)), best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i++) {
    if (!tries_is_legal(s, i, recipe)) continue;
    bool valued = !(recipe & RECIPE_FLIGHTS) || e->visits[i] > 0 || (recipe & RECIPE_EXACT);
    double value = valued ? range_scaled(range, e->value[i]) : 0.0;
    double tries = (double)tries_of(e, i, recipe);
    double score = value + s->options.exploration * sqrt(spread / tries);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

/* How many edges there are still to try; remembers that there are none. */
LOOP_PIECE uint32_t select_count_untried(const search *s, node *n, const edges *e, uint32_t width,
                                         unsigned recipe) {
  uint32_t untried = 0;
  bool all = width == n->count;
  for (uint32_t i = 0; i < width; i++) {
    untried += tries_is_legal(s, i, recipe) && tries_of(e, i, recipe) == 0;
    all = all && e->visits[i] > 0;
  }
  if (all) n->flags |= NODE_ALL_TRIED;
  return untried;
}

/* Among edges that have all been tried, or are weighed by priors. */
static inline uint32_t select_otherwise(const search *s, const node *n, const edges *e,
                                        uint32_t width, const value_range *range,
                                        mcts_bitgen *rng, unsigned recipe) {
  switch (s->options.selection) {
    case SELECTION_PUCT:
      return select_puct(s, n, e, width, recipe);
    case SELECTION_GUMBEL:
      return select_gumbel(s, n, e, width, recipe);
    case SELECTION_UCB1_TUNED:
      return select_ucb1_tuned(s, n, e, width, range, recipe);
    case SELECTION_THOMPSON:
      return select_thompson(s, e, width, range, rng, recipe);
    case SELECTION_MENTS:
      return select_ments(s, n, e, width, range, rng, recipe);
    default:
      return select_ucb1(s, n, e, width, range, recipe);
  }
}

/* At a node `depth` steps from the root. */
LOOP_PIECE uint32_t select_edge(const search *s, node *n, const edges *e, uint32_t depth,
                                mcts_bitgen *rng, unsigned recipe) {
  uint32_t width = recipe & RECIPE_WIDENED ? widen_actions(s, n) : n->count;
  if (!(recipe & RECIPE_PRIORS) && !(n->flags & NODE_ALL_TRIED)) {
    uint32_t untried = select_count_untried(s, n, e, width, recipe);
    if (untried) return select_untried(s, e, width, untried, rng, recipe);
  }
  if (recipe & RECIPE_BELLMAN)
    for (uint32_t i = 0; i < n->count; i++) bellman_read(s, e, i, false);
  const value_range *range = search_range(s, depth);
  if (recipe & RECIPE_SELECTION) return select_otherwise(s, n, e, width, range, rng, recipe);
  return select_ucb1(s, n, e, width, range, recipe);
}

#endif
