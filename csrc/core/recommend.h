/* Recommendation: the edge to follow for good.
 *
 *   visits        the most, then the highest value; a proven loss only where nothing else is known
 *   value         the highest, then the most visits
 *   lower bound   the highest value less two standard errors, of the root's edges with a tenth of
 *                 the most visits or more
 *   Gumbel        of the root's edges with the most visits in this search, those that its halving
 *                 has left, the highest g + ln P + sigma(q)
 *
 * Source: Browne et al. (2012), section 3.1.1; the lower bound as in KataGo (Wu, 2019); Danihelka
 * et al. (2022), section 2. */
#ifndef MCTS_CORE_RECOMMEND_H
#define MCTS_CORE_RECOMMEND_H

#include "select_priors.h"
#include "statistics.h"

#define RECOMMEND_ERRORS 2.0
#define RECOMMEND_PART 0.1

/* The higher, the better: by `first`, and among equals by `second`. */
typedef struct {
  double first, second;
} recommend_score;

static inline uint32_t recommend_most_visits(const edges *e) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < e->count; i++)
    if (e->visits[i] > most) most = e->visits[i];
  return most;
}

static inline recommend_score recommend_by_bound(const search *s, const edges *e, uint32_t i,
                                                 uint32_t most) {
  double error = statistics_error(s, e, i), visits = e->visits[i];
  bool counts = visits >= RECOMMEND_PART * most;
  if (statistics_is_proven(s, e, i)) error = 0.0;
  if (!counts || isnan(error)) return (recommend_score){-INFINITY, visits};
  return (recommend_score){e->value[i] - RECOMMEND_ERRORS * error, visits};
}

/* What the options ask for at this node. */
static inline search_recommendation recommend_rule(const search *s, const node *n, bool is_root) {
  search_recommendation rule = s->options.recommendation;
  bool solved = n->flags & NODE_SOLVED;
  if (solved) return RECOMMEND_VALUE;
  if (rule == RECOMMEND_LOWER_BOUND && !is_root) rule = RECOMMEND_DUE;
  if (rule == RECOMMEND_DUE && s->bellman) return RECOMMEND_VALUE;
  if (rule == RECOMMEND_DUE && !(is_root && s->options.selection == SELECTION_GUMBEL))
    return RECOMMEND_VISITS;
  return rule;
}

/* The edge to recommend at a node; its count of edges if nothing is known of any. */
static inline uint32_t recommend(const search *s, const node *n) {
  edges e = edges_seen(&s->tree, &s->view, n);
  bool is_root = n == node_at(&s->tree, s->tree.root);
  search_recommendation rule = recommend_rule(s, n, is_root);
  uint32_t most = recommend_most_visits(&e), best = e.count;
  recommend_score best_score = {-INFINITY, -INFINITY};
  if (rule == RECOMMEND_DUE) select_score(s, &e);
  for (uint32_t i = 0; i < e.count; i++) {
    bool unproven = !s->bellman && !statistics_is_proven(s, &e, i);
    bool solved_otherwise = (n->flags & NODE_SOLVED) && unproven;
    if (!statistics_is_known(s, &e, i) || solved_otherwise) continue;
    double visits = e.visits[i];
    recommend_score score = {visits, e.value[i]};
    if (rule == RECOMMEND_VISITS && prove_edge_is_lost(s, &e, i)) score.first = 0.0;
    if (rule == RECOMMEND_VALUE) score = (recommend_score){e.value[i], visits};
    if (rule == RECOMMEND_LOWER_BOUND) score = recommend_by_bound(s, &e, i, most);
    if (rule == RECOMMEND_DUE)
      score = (recommend_score){visits - s->root_before[i], s->scores[i] + s->root_noise[i]};
    bool better = score.first > best_score.first ||
                  (score.first == best_score.first && score.second > best_score.second);
    if (better || best == e.count) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

#endif
