/* Selections that weigh priors. P is an edge's prior, n its visits, q its value, and
 *
 *   V = (v + sum n q) / (1 + sum n)      v: the node's own value, where it is known
 *
 * what the node itself is held to be worth.
 *
 * PUCT, values scaled to the range of V and of the edges that were tried, the others worth nothing
 * on that scale:
 *
 *   argmax_e  q_e + exploration (1.25 + ln((N + 19652 + 1) / 19652)) P_e sqrt(N) / (1 + n_e)
 *   N = 1 + sum n
 *
 * Gumbel, on completed values: q where tried, elsewhere
 *
 *   v_mix = (v + sum n / (sum_tried P) sum_tried P q) / (1 + sum n)
 *
 * scaled to their own range, and sigma(q) = (gumbel_visits + max n) gumbel_value_scale q:
 *
 *   at the root   argmax_e  g_e + ln P_e + sigma(q_e)    of the edges whose turn it is
 *   below it      argmax_e  softmax_e(ln P + sigma(q)) - n_e / (1 + sum n)
 *
 * g is a Gumbel number of each edge. Whose turn it is at the root is told by sequential halving:
 * the edges that have been visited so often as simulation sum n is due to find the best of those
 * that are left. It narrows the choice itself: widening begins below the root.
 *
 * Where options say so the scale is that of the bounds of returns, which the model declares.
 *
 * Source: Silver et al. (2018), "A general reinforcement learning algorithm"; Schrittwieser et al.
 * (2020), "Mastering Atari, Go, chess and shogi by planning with a learned model", B; Danihelka et
 * al. (2022), "Policy improvement by planning with Gumbel". */
#ifndef MCTS_CORE_SELECT_PRIORS_H
#define MCTS_CORE_SELECT_PRIORS_H

#include "exponential.h"
#include "logarithm.h"
#include "select_vector.h"
#include "tries.h"

#define SELECT_PUCT_INIT 1.25
#define SELECT_PUCT_BASE LOGARITHM_PUCT_BASE

/* The least weight of a prior that is 0. */
#define SELECT_LEAST_PRIOR 0x1p-126

LOOP_PIECE double select_least(double prior) {
  return prior > SELECT_LEAST_PRIOR ? prior : SELECT_LEAST_PRIOR;
}

/* Simulations that the halving is for where it is not known how many there will be. */
enum { SELECT_PLANNED = 1000 };

/* The prior of an edge of the root, with its noise. */
static inline double select_noisy_prior(const search *s, const edges *e, uint32_t i) {
  return (1.0 - s->noise_weight) * e->prior[i] + s->noise_weight * s->root_noise[i];
}

/* The bounds that the model declares, in place of what was seen. */
static inline void select_bound(const search *s, double *low, double *high) {
  if (!s->options.scale_by_bounds) return;
  *low = s->model->min_return;
  *high = s->model->max_return;
}

/* ---- PUCT ------------------------------------------------------------------------------------ */

/* ln((tries + 19652 + 1) / 19652) */
LOOP_PIECE double select_puct_logarithm(double tries) {
  if (tries < LOGARITHM_PUCT) return logarithm_puct[(uint32_t)tries];
  return logarithm_series((tries + SELECT_PUCT_BASE + 1.0) / SELECT_PUCT_BASE);
}

LOOP_PIECE uint32_t select_puct(const search *s, const edges *e, uint32_t width,
                                unsigned recipe) {
  unsigned layout = recipe_layout(s, recipe);
  bool known = !isnan(*e->own);
  double sum = known ? *e->own : 0.0, visits = known, tries = 1.0;
  double low = INFINITY, high = -INFINITY;
  for (uint32_t i = 0, room = block_room(e->head, layout); i < room; i++) {
    double n = (double)e->visits[i], value = e->value[i];
    tries += (double)tries_of(e, i, recipe);
    visits += n;
    sum += n > 0.0 ? n * value : 0.0;
    low = n > 0.0 && value < low ? value : low;
    high = n > 0.0 && value > high ? value : high;
  }
  double own = visits > 0.0 ? sum / visits : 0.0;
  if (own < low) low = own;
  if (own > high) high = own;
  select_bound(s, &low, &high);
  double scale = range_inverse(low, high);
  double logs = select_puct_logarithm(tries);
  double weight = s->options.exploration * (SELECT_PUCT_INIT + logs) * sqrt(tries);
  bool noisy = s->noise_weight > 0.0 && e->head->node == s->tree.root;
#ifdef __AVX2__
  bool plain = !(recipe & (RECIPE_FLIGHTS | RECIPE_CARRIED)) && !noisy && width <= 8;
  if (plain) return select_puct_by_four(e, width, low, scale, weight, layout);
#endif
  edges all = single_spread(&s->view, e, layout);
  double best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i++) {
    double value = all.visits[i] > 0 ? (all.value[i] - low) * scale : 0.0;
    double prior = noisy ? select_noisy_prior(s, e, i) : e->prior[i];
    double score = value + weight * prior / (1.0 + (double)tries_of(&all, i, recipe));
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

/* ---- Gumbel ---------------------------------------------------------------------------------- */

/* What an edge that was never tried is worth. */
LOOP_PIECE double select_mixed_value(const edges *e) {
  double visits = 0.0, priors = 0.0, sum = 0.0, own = *e->own;
  for (uint32_t i = 0; i < e->count; i++) {
    if (e->visits[i] == 0) continue;
    double prior = select_least(e->prior[i]);
    visits += (double)e->visits[i];
    priors += prior;
    sum += prior * e->value[i];
  }
  double tried = priors > 0.0 ? sum / priors : 0.0;
  return isnan(own) ? tried : (own + visits * tried) / (1.0 + visits);
}

/* Into s->scores: ln P + sigma(q) of each edge. */
LOOP_PIECE void select_score(const search *s, const edges *e) {
  double mixed = select_mixed_value(e), low = INFINITY, high = -INFINITY;
  uint32_t most = 0;
  for (uint32_t i = 0; i < e->count; i++) {
    double value = s->scores[i] = e->visits[i] > 0 ? e->value[i] : mixed;
    if (value < low) low = value;
    if (value > high) high = value;
    if (e->visits[i] > most) most = e->visits[i];
  }
  select_bound(s, &low, &high);
  double scale = range_inverse(low, high);
  double sigma = (s->options.gumbel_visits + (double)most) * s->options.gumbel_value_scale;
  for (uint32_t i = 0; i < e->count; i++)
    s->scores[i] = e->logit[i] + sigma * ((s->scores[i] - low) * scale);
}

/* How often the edges have been visited whose turn it is, of `considered` ones and of `planned`
 * simulations, after `done` of them. */
static inline uint64_t select_due_visits(uint64_t considered, uint64_t planned, uint64_t done) {
  if (considered <= 1) return done;
  uint64_t rounds = 0, visits = 0;
  while ((UINT64_C(1) << rounds) < considered) rounds += 1;
  uint64_t left = considered;
  for (; left > 2; left = left / 2 > 2 ? left / 2 : 2) {
    uint64_t each = planned / (rounds * left);
    if (each < 1) each = 1;
    if (done < each * left) break;
    done -= each * left;
    visits += each;
  }
  return visits + done / left; /* two are left until the end */
}

/* Visits of a root's edge in this search, with those on their way. */
LOOP_PIECE uint64_t select_root_visits(const search *s, const edges *e, uint32_t i,
                                       unsigned recipe) {
  return tries_of(e, i, recipe) - s->root_before[i];
}

LOOP_PIECE uint32_t select_at_root(const search *s, const edges *e,
                                   uint32_t width, unsigned recipe) {
  uint64_t done = 0, planned = s->planned ? s->planned : SELECT_PLANNED;
  for (uint32_t i = 0; i < width; i++) done += select_root_visits(s, e, i, recipe);
  uint64_t considered = width < s->options.considered ? width : s->options.considered;
  uint64_t due = select_due_visits(considered, planned, done);
  double best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i++) {
    double score = s->scores[i] + s->root_noise[i];
    if (select_root_visits(s, e, i, recipe) == due && score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

/* e^(x - greatest) in the place of each x. */
LOOP_PIECE void select_exponentials(double *x, uint32_t count, double greatest) {
  uint32_t i = 0;
#ifdef __AVX2__
  for (; i + 4 <= count; i += 4) vector_exponentials(x + i, greatest);
#endif
  for (; i < count; i++) x[i] = exponential(x[i] - greatest);
}

LOOP_PIECE uint32_t select_gumbel(const search *s, const edges *e, uint32_t width,
                                  unsigned recipe) {
  edges all = single_spread(&s->view, e, recipe_layout(s, recipe));
  e = &all;
  select_score(s, e);
  if (e->head->node == s->tree.root) return select_at_root(s, e, e->count, recipe);
  double greatest = -INFINITY, sum = 0.0, tries = 1.0, best_score = -INFINITY;
  for (uint32_t i = 0; i < e->count; i++) {
    tries += (double)tries_of(e, i, recipe);
    if (s->scores[i] > greatest) greatest = s->scores[i];
  }
  select_exponentials(s->scores, e->count, greatest);
  for (uint32_t i = 0; i < e->count; i++) sum += s->scores[i];
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i++) {
    double score = s->scores[i] / sum - (double)tries_of(e, i, recipe) / tries;
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

#endif
