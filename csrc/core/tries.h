/* How often edges were tried, with the simulations that are on their way, and which of them are
 * there to choose. */
#ifndef MCTS_CORE_TRIES_H
#define MCTS_CORE_TRIES_H

#include "search.h"

/* Visits, with those that are on their way. */
LOOP_PIECE uint32_t tries_of(const edges *e, uint32_t i, unsigned recipe) {
  return recipe & RECIPE_FLIGHTS ? e->visits[i] + e->flights[i] : e->visits[i];
}

/* Where states are carried, some of a node's edges may not be legal in this one. */
LOOP_PIECE bool tries_is_legal(const search *s, uint32_t i, unsigned recipe) {
  return !(recipe & RECIPE_CARRIED) || s->legal[i];
}

/* Visits of a node that chose among the edges that are legal now. */
LOOP_PIECE uint32_t tries_of_node(const search *s, const edges *e, unsigned recipe) {
  if (!(recipe & (RECIPE_FLIGHTS | RECIPE_CARRIED))) return e->head->visits;
  uint64_t total = e->head->visits;
  for (uint32_t i = 0; i < e->count; i++) {
    if (recipe & RECIPE_FLIGHTS) total += e->flights[i];
    if (!tries_is_legal(s, i, recipe)) total -= tries_of(e, i, recipe);
  }
  return total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
}

#endif
