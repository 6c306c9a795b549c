/* Sutton and Barto (2018), sections 8.2 and 8.3.
 *
 *     states      | 4 | 0 | 7 | ...         seen so far, to draw one from
 *     num_tried     [4] = 2                 to draw an action from, which is then found by
 *     seen          [4 * 4 + 0], [.. + 3]   counting along the state's row */
#include "dyna.h"

#include <math.h>
#include <stdlib.h>

#include "action_values.h"

int dyna_begin(dyna *d, const dyna_options *options, double *q) {
  size_t num_states = (size_t)options->num_states;
  *d = (dyna){.q = q,
              .discount = options->discount,
              .step_size = options->step_size,
              .bonus = options->bonus};
  d->states = calloc(num_states, sizeof *d->states);
  d->num_tried = calloc(num_states, sizeof *d->num_tried);
  d->last_tried = calloc(num_states * (size_t)options->num_actions, sizeof *d->last_tried);
  if (!d->states || !d->num_tried || !d->last_tried ||
      outcomes_begin(&d->seen, options->num_states, options->num_actions, options->kept) !=
          MCTS_OK) {
    dyna_end(d);
    return MCTS_ERROR;
  }
  return MCTS_OK;
}

void dyna_end(dyna *d) {
  outcomes_end(&d->seen);
  free(d->states);
  free(d->num_tried);
  free(d->last_tried);
  *d = (dyna){0};
}

/* Q(s, a) += step_size * (r + discount * max Q(s', .) - Q(s, a)) */
static inline void update(dyna *d, int32_t pair, double reward, int32_t next_state,
                          int32_t terminated) {
  int32_t num_actions = d->seen.num_actions;
  double following =
      terminated ? 0.0 : best_value(d->q + (int64_t)next_state * num_actions, num_actions);
  d->q[pair] += d->step_size * (reward + d->discount * following - d->q[pair]);
}

/* ---- learning ----------------------------------------------------------------------- */

static void remember(dyna *d, int32_t pair, int is_new) {
  int32_t state = pair / d->seen.num_actions;
  if (is_new && d->num_tried[state]++ == 0) {
    d->states[d->num_seen++] = state;
  }
  d->last_tried[pair] = ++d->now;
}

int dyna_learn(dyna *d, int32_t pair, double reward, int32_t next_state, int32_t terminated) {
  int is_new = !was_tried(&d->seen, pair);
  if (outcomes_add(&d->seen, pair, reward, next_state, terminated, 1) != MCTS_OK) {
    return MCTS_ERROR;
  }
  remember(d, pair, is_new);
  update(d, pair, reward, next_state, terminated);
  return MCTS_OK;
}

/* ---- planning ----------------------------------------------------------------------- */

/* The `rank`-th action tried in a state, counted from 0. */
static int32_t tried_pair(const dyna *d, int32_t state, uint32_t rank) {
  int32_t pair = state * d->seen.num_actions;
  while (!was_tried(&d->seen, pair) || rank-- > 0) {
    pair++;
  }
  return pair;
}

static uint32_t num_legal(const double *row, int32_t num_actions) {
  uint32_t count = 0;
  for (int32_t i = 0; i < num_actions; i++) {
    count += is_legal_value(row[i]);
  }
  return count;
}

/* The `rank`-th legal action of a state, counted from 0. */
static int32_t legal_action(const double *row, uint32_t rank) {
  int32_t action = 0;
  while (!is_legal_value(row[action]) || rank-- > 0) {
    action++;
  }
  return action;
}

static inline void simulate(dyna *d, mcts_bitgen *rng) {
  int32_t state = d->states[mcts_random_below(rng, (uint32_t)d->num_seen)];
  uint32_t rank = mcts_random_below(rng, (uint32_t)d->num_tried[state]);
  const outcome *o = outcomes_draw(&d->seen, tried_pair(d, state, rank), rng);
  update(d, o->pair, o->reward, o->next_state, o->terminated);
}

static inline void simulate_with_bonus(dyna *d, mcts_bitgen *rng) {
  int32_t num_actions = d->seen.num_actions;
  int32_t state = d->states[mcts_random_below(rng, (uint32_t)d->num_seen)];
  int32_t first = state * num_actions;
  uint32_t rank = mcts_random_below(rng, num_legal(d->q + first, num_actions));
  int32_t pair = first + legal_action(d->q + first, rank);
  double bonus = d->bonus * sqrt((double)(d->now - d->last_tried[pair]));
  if (was_tried(&d->seen, pair)) {
    const outcome *o = outcomes_draw(&d->seen, pair, rng);
    update(d, pair, o->reward + bonus, o->next_state, o->terminated);
  } else {
    update(d, pair, bonus, state, 0);
  }
}

void dyna_plan(dyna *d, int64_t steps, mcts_bitgen *rng) {
  if (d->num_seen == 0) {
    return;
  }
  for (int64_t i = 0; i < steps; i++) {
    if (d->bonus < 0.0) {
      simulate(d, rng);
    } else {
      simulate_with_bonus(d, rng);
    }
  }
}

/* ---- acting ------------------------------------------------------------------------- */

int32_t epsilon_greedy(const double *row, int32_t num_actions, double epsilon, double explore,
                       double which) {
  if (explore < epsilon) {
    return legal_action(row, (uint32_t)(which * num_legal(row, num_actions)));
  }
  double best = -INFINITY;
  uint32_t ties = 0;
  for (int32_t i = 0; i < num_actions; i++) {
    ties = row[i] > best ? 1 : ties + (row[i] == best);
    best = row[i] > best ? row[i] : best;
  }
  uint32_t rank = (uint32_t)(which * ties);
  int32_t action = 0;
  while (row[action] != best || rank-- > 0) {
    action++;
  }
  return action;
}
