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
#include "select_vector.h"
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

LOOP_PIECE uint32_t select_ucb1(const search *s, const edges *e, uint32_t width,
                                const value_range *range, unsigned recipe) {
  double spread = logarithm(tries_of_node(s, e, recipe)), best_score = -INFINITY;
  uint32_t best = 0;
#ifdef __AVX2__
  bool plain = !(recipe & (RECIPE_FLIGHTS | RECIPE_CARRIED));
  if (plain) return select_ucb1_by_four(s, e, width, range, spread);
#endif
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
LOOP_PIECE uint32_t select_count_untried(const search *s, const edges *e, uint32_t width,
                                         unsigned recipe) {
  uint32_t untried = 0;
  bool all = width == e->count;
  for (uint32_t i = 0; i < width; i++) {
    untried += tries_is_legal(s, i, recipe) && tries_of(e, i, recipe) == 0;
    all = all && e->visits[i] > 0;
  }
  if (all) e->head->all_tried = true;
  return untried;
}

/* By a selection of returns other than UCB1, among edges that have all been tried. */
RARE_PIECE uint32_t select_by_returns(const search *s, const edges *e, uint32_t width,
                                      const value_range *range, mcts_bitgen *rng,
                                      unsigned recipe) {
  switch (s->options.selection) {
    case SELECTION_UCB1_TUNED:
      return select_ucb1_tuned(s, e, width, range, recipe);
    case SELECTION_THOMPSON:
      return select_thompson(s, e, width, range, rng, recipe);
    default:
      return select_ments(s, e, width, range, rng, recipe);
  }
}

/* One of the edges that are still to try; `width` if there is none, which is remembered. */
LOOP_PIECE uint32_t select_first(const search *s, const edges *e, uint32_t width, mcts_bitgen *rng,
                                 unsigned recipe) {
  /* The model will be asked about the node's state, which nobody has looked at on the way here. */
  __builtin_prefetch(node_at(&s->tree, e->head->node));
#ifdef __AVX2__
  bool plain = !(recipe & (RECIPE_FLIGHTS | RECIPE_CARRIED | RECIPE_WIDENED));
  if (plain && width <= VECTOR_BITS) {
    uint32_t bits = vector_untried(e->visits, width);
    if (bits) return vector_bit(bits, mcts_random_below(rng, (uint32_t)__builtin_popcount(bits)));
    e->head->all_tried = true;
    return width;
  }
#endif
  uint32_t untried = select_count_untried(s, e, width, recipe);
  return untried ? select_untried(s, e, width, untried, rng, recipe) : width;
}

/* At a node `depth` steps from the root. */
LOOP_PIECE uint32_t select_edge(const search *s, const edges *e, uint32_t depth, mcts_bitgen *rng,
                                unsigned recipe) {
  uint32_t width = recipe & RECIPE_WIDENED ? widen_actions(s, e) : e->count;
  if (!(recipe & RECIPE_PRIORS) && !e->head->all_tried) {
    uint32_t first = select_first(s, e, width, rng, recipe);
    if (first < width) return first;
  }
  if (recipe & RECIPE_BELLMAN)
    for (uint32_t i = 0; i < e->count; i++) bellman_read(s, e, i, false);
  if (recipe & RECIPE_PRIORS)
    return recipe & RECIPE_GUMBEL ? select_gumbel(s, e, width, recipe)
                                  : select_puct(s, e, width, recipe);
  const value_range *range = search_range(s, depth);
  if (recipe & RECIPE_SELECTION) return select_by_returns(s, e, width, range, rng, recipe);
  return select_ucb1(s, e, width, range, recipe);
}

#endif
