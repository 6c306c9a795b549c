/* Selection: the edge to follow at a node.
 *
 * UCB1 on values scaled to the range of returns seen so far, [low, high]:
 *
 *   argmax_e  (value_e - low) / (high - low) + exploration sqrt(ln visits / visits_e)
 *
 * Edges never tried come first, in random order. Ties go to the lower index. Simulations in
 * flight count among the visits and change no value; an edge that none has come back from yet
 * is valued as low.
 *
 * Source: Kocsis and Szepesvari (2006); scaling as in Schrittwieser et al. (2020), B; in flight
 * as in Liu et al. (2020), "Watch the unobserved". */
#ifndef MCTS_CORE_SELECT_H
#define MCTS_CORE_SELECT_H

#include "bellman.h"
#include "logarithm.h"

/* Visits, with those that are on their way. */
LOOP_PIECE uint32_t select_tries(const edges *e, uint32_t i, unsigned recipe) {
  return recipe & RECIPE_FLIGHTS ? e->visits[i] + e->flights[i] : e->visits[i];
}

/* Where states are carried, some of a node's edges may not be legal in this one. */
LOOP_PIECE bool select_is_legal(const search *s, uint32_t i, unsigned recipe) {
  return !(recipe & RECIPE_CARRIED) || s->legal[i];
}

LOOP_PIECE uint32_t select_untried(const search *s, const edges *e, uint32_t count,
                                   uint32_t untried, mcts_bitgen *rng, unsigned recipe) {
  uint32_t skip = mcts_random_below(rng, untried), i = 0;
  for (; i < count; i++)
    if (select_is_legal(s, i, recipe) && select_tries(e, i, recipe) == 0 && skip-- == 0) break;
  return i;
}

/* Visits of a node that chose among the edges that are legal now. */
LOOP_PIECE uint32_t select_total(const search *s, const node *n, const edges *e,
                                 unsigned recipe) {
  if (!(recipe & (RECIPE_FLIGHTS | RECIPE_CARRIED))) return n->visits;
  uint64_t total = n->visits;
  for (uint32_t i = 0; i < n->count; i++) {
    if (recipe & RECIPE_FLIGHTS) total += e->flights[i];
    if (!select_is_legal(s, i, recipe)) total -= select_tries(e, i, recipe);
  }
  return total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
}

LOOP_PIECE uint32_t select_ucb1(const search *s, const node *n, const edges *e,
                                unsigned recipe) {
  double scale = s->high > s->low ? 1.0 / (s->high - s->low) : 0.0;
  double spread = logarithm(select_total(s, n, e, recipe)), best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < n->count; i++) {
    if (!select_is_legal(s, i, recipe)) continue;
    bool valued = !(recipe & RECIPE_FLIGHTS) || e->visits[i] > 0 || (recipe & RECIPE_EXACT);
    double value = valued && scale > 0.0 ? (e->value[i] - s->low) * scale : 0.0;
    double tries = (double)select_tries(e, i, recipe);
    double score = value + s->options.exploration * sqrt(spread / tries);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

/* How many edges there are still to try; remembers that there are none. */
LOOP_PIECE uint32_t select_count_untried(const search *s, node *n, const edges *e,
                                         unsigned recipe) {
  uint32_t untried = 0;
  bool all = true;
  for (uint32_t i = 0; i < n->count; i++) {
    untried += select_is_legal(s, i, recipe) && select_tries(e, i, recipe) == 0;
    all = all && e->visits[i] > 0;
  }
  if (all) n->flags |= NODE_ALL_TRIED;
  return untried;
}

LOOP_PIECE uint32_t select_edge(const search *s, node *n, const edges *e, mcts_bitgen *rng,
                                unsigned recipe) {
  if (!(n->flags & NODE_ALL_TRIED)) {
    uint32_t untried = select_count_untried(s, n, e, recipe);
    if (untried) return select_untried(s, e, n->count, untried, rng, recipe);
  }
  if (recipe & RECIPE_BELLMAN)
    for (uint32_t i = 0; i < n->count; i++) bellman_read(s, e, i, false);
  return select_ucb1(s, n, e, recipe);
}

#endif
