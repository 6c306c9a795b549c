/* Progressive widening: how much of a node is looked at grows with its visits.
 *
 *   ceil(factor visits^exponent), at least 1
 *
 * Source: Coulom (2007); Chaslot et al. (2008), for actions; Couetoux et al. (2011), double
 * progressive widening, for outcomes. */
#ifndef MCTS_CORE_WIDEN_H
#define MCTS_CORE_WIDEN_H

#include "exponential.h"
#include "logarithm.h"
#include "search.h"

static inline uint32_t widen_to(const search *s, double factor, uint32_t visits) {
  double power = exponential(s->options.widening_exponent * logarithm(visits ? visits : 1));
  double width = ceil(factor * power);
  return width < 1.0 ? 1 : width < (double)UINT32_MAX ? (uint32_t)width : UINT32_MAX;
}

/* How many of a node's edges there are to choose among. */
static inline uint32_t widen_actions(const search *s, const edges *e) {
  if (!(s->options.action_widening > 0.0)) return e->count;
  uint32_t width = widen_to(s, s->options.action_widening, e->head->visits);
  return width < e->count ? width : e->count;
}

/* True if an edge may lead to outcomes that it has not led to yet. */
static inline bool widen_lets_in(const search *s, const edges *e, uint32_t i) {
  if (!(s->options.outcome_widening > 0.0) || !(s->tree.layout & BLOCK_SUMS)) return true;
  return e->width[i] < widen_to(s, s->options.outcome_widening, e->visits[i]);
}

/* One of the outcomes of an edge, by how often each was seen. */
static inline ref widen_draw(const search *s, const edges *e, uint32_t i, mcts_bitgen *rng) {
  uint64_t seen = 0;
  for (ref r = e->child[i]; r; r = outcome_at(&s->tree, r)->sibling)
    seen += outcome_at(&s->tree, r)->visits;
  uint64_t skip = (uint64_t)(mcts_random_double(rng) * (double)seen);
  ref r = e->child[i];
  for (; outcome_at(&s->tree, r)->sibling; r = outcome_at(&s->tree, r)->sibling) {
    uint64_t visits = outcome_at(&s->tree, r)->visits;
    if (skip < visits) break;
    skip -= visits;
  }
  return r;
}

/* Before the first choice at a node: those of its edges that are let in first come first, by their
 * priors, and in random order among equals. */
static inline void widen_order(const search *s, node *n, mcts_bitgen *rng) {
  edges e = edges_at(&s->tree, n);
  n->flags |= NODE_ORDERED;
  if (!(s->options.action_widening > 0.0)) return;
  for (uint32_t i = e.count; i > 1; i--)
    edges_swap(&s->tree, &e, i - 1, mcts_random_below(rng, i));
  for (uint32_t i = 1; (s->tree.layout & BLOCK_PRIORS) && i < e.count; i++)
    for (uint32_t k = i; k > 0 && e.prior[k - 1] < e.prior[k]; k--)
      edges_swap(&s->tree, &e, k - 1, k);
}

#endif
