/* Selection of maximum entropy (MENTS), on soft values:
 *
 *   P(e) = (1 - share) softmax_e(q / soft_temperature) + share / edges
 *   share = min(1, exploration edges / (10 ln(visits + 1)))
 *
 * Source: Xiao et al. (2019), "Maximum entropy Monte-Carlo planning". */
#ifndef MCTS_CORE_SELECT_SOFT_H
#define MCTS_CORE_SELECT_SOFT_H

#include "exponential.h"
#include "logarithm.h"
#include "tries.h"

/* A random one of the edges that are legal. */
LOOP_PIECE uint32_t select_uniform(const search *s, uint32_t width, mcts_bitgen *rng,
                                   unsigned recipe) {
  uint32_t legal = 0, i = 0;
  for (uint32_t k = 0; k < width; k++) legal += tries_is_legal(s, k, recipe);
  uint32_t skip = mcts_random_below(rng, legal);
  while (!tries_is_legal(s, i, recipe) || skip-- > 0) i++;
  return i;
}

LOOP_PIECE uint32_t select_ments(const search *s, const edges *e, uint32_t width,
                                 const value_range *range, mcts_bitgen *rng, unsigned recipe) {
  double logs = 10.0 * logarithm(tries_of_node(s, e, recipe) + 1), legal = 0.0;
  for (uint32_t i = 0; i < width; i++) legal += tries_is_legal(s, i, recipe);
  double u = mcts_random_double(rng);
  if (u * logs < s->options.exploration * legal)
    return select_uniform(s, width, rng, recipe);
  double sum = 0.0, greatest = -INFINITY;
  for (uint32_t i = 0; i < width; i++) {
    if (!tries_is_legal(s, i, recipe)) continue;
    double valued = e->visits[i] > 0 ? range_scaled(range, e->value[i]) : 0.0;
    s->scores[i] = valued / s->options.soft_temperature;
    if (s->scores[i] > greatest) greatest = s->scores[i];
  }
  for (uint32_t i = 0; i < width; i++)
    if (tries_is_legal(s, i, recipe))
      sum += s->scores[i] = exponential(s->scores[i] - greatest);
  double left = mcts_random_double(rng) * sum;
  uint32_t chosen = 0;
  for (uint32_t i = 0; i < width; i++) {
    if (!tries_is_legal(s, i, recipe)) continue;
    chosen = i;
    left -= s->scores[i];
    if (left < 0.0) break;
  }
  return chosen;
}

#endif
