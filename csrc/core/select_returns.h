/* Selections that look at the spread of the returns behind an edge.
 *
 * UCB1-Tuned, var_e being the variance of the scaled returns:
 *
 *   argmax_e  q_e + exploration sqrt(ln visits / visits_e min(1/4, var_e + sqrt(2 ln visits / visits_e)))
 *
 * Thompson sampling, z a standard normal number:
 *
 *   argmax_e  q_e + exploration z sqrt((1/4 + visits_e var_e) / (visits_e (visits_e + 1)))
 *
 * Source: Auer, Cesa-Bianchi and Fischer (2002), section 4; Bai, Wu and Chen (2013), with a normal
 * in place of a normal-gamma posterior. Normal numbers by Marsaglia's polar method (1964). */
#ifndef MCTS_CORE_SELECT_RETURNS_H
#define MCTS_CORE_SELECT_RETURNS_H

#include "logarithm.h"
#include "tries.h"

static inline double select_normal(mcts_bitgen *rng) {
  double x, square;
  do {
    x = 2.0 * mcts_random_double(rng) - 1.0;
    double y = 2.0 * mcts_random_double(rng) - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square < 1e-300);
  return x * sqrt(-2.0 * logarithm_series(square) / square);
}

/* The squared deviations of an edge's scaled returns. */
static inline double select_spread(const edges *e, uint32_t i, const value_range *range) {
  double spread = e->spread[i] * range->scale * range->scale;
  return spread > 0.0 ? spread : 0.0;
}

LOOP_PIECE uint32_t select_ucb1_tuned(const search *s, const edges *e,
                                      uint32_t width, const value_range *range, unsigned recipe) {
  double logs = logarithm(tries_of_node(s, e, recipe)), best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i++) {
    if (!tries_is_legal(s, i, recipe)) continue;
    double visits = (double)e->visits[i], tries = (double)tries_of(e, i, recipe);
    double value = visits > 0.0 ? range_scaled(range, e->value[i]) : 0.0;
    double variance = visits > 0.0 ? select_spread(e, i, range) / visits : 0.25;
    variance += sqrt(2.0 * logs / tries);
    if (variance > 0.25) variance = 0.25;
    double score = value + s->options.exploration * sqrt(logs / tries * variance);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

LOOP_PIECE uint32_t select_thompson(const search *s, const edges *e, uint32_t width,
                                    const value_range *range, mcts_bitgen *rng, unsigned recipe) {
  double best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i++) {
    if (!tries_is_legal(s, i, recipe)) continue;
    double tries = (double)tries_of(e, i, recipe);
    double value = e->visits[i] > 0 ? range_scaled(range, e->value[i]) : 0.0;
    double variance = (0.25 + select_spread(e, i, range)) / (tries * (tries + 1.0));
    double score = value + s->options.exploration * select_normal(rng) * sqrt(variance);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

#endif
