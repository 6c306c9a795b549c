/* What was seen, the queue, sweeping and Dyna keep their books right, whatever comes. */
#include <math.h>
#include <string.h>

#include "action_values.h"
#include "check.h"
#include "dyna.h"
#include "outcomes.h"
#include "queue.h"
#include "sweeper.h"

enum { STATES = 12, ACTIONS = 3, PAIRS = STATES * ACTIONS, ROUNDS = 4000 };

static uint32_t below(uint64_t *counter, uint32_t n) {
  mcts_bitgen rng = {.state = counter};
  return mcts_random_below(&rng, n);
}

/* ---- the queue ---------------------------------------------------------------------- */

/* Of the pairs that are in, by looking at all of them. */
static int32_t most_urgent(const double *priority, const int *is_in) {
  int32_t best = -1;
  for (int32_t i = 0; i < PAIRS; i++) {
    if (is_in[i] && (best < 0 || priority[i] > priority[best])) {
      best = i;
    }
  }
  return best;
}

static void queue_gives_the_most_urgent_first(void) {
  queue q;
  double priority[PAIRS] = {0};
  int is_in[PAIRS] = {0}, size = 0;
  uint64_t counter = 1;
  CHECK(queue_begin(&q, PAIRS) == MCTS_OK);
  for (int round = 0; round < ROUNDS; round++) {
    int32_t pair = (int32_t)below(&counter, PAIRS);
    if (below(&counter, 3) > 0) {
      priority[pair] = below(&counter, 8); /* many are equal */
      size += !is_in[pair];
      is_in[pair] = 1;
      queue_put(&q, pair, priority[pair]);
    } else {
      size -= is_in[pair];
      is_in[pair] = 0;
      queue_remove(&q, pair);
    }
    CHECK(q.count == size);
    CHECK(size == 0 || queue_first(&q) == most_urgent(priority, is_in));
  }
  queue_end(&q);
}

/* ---- what was seen ------------------------------------------------------------------ */

/* Every list holds what it should, and each outcome is in the lists that it should be in. */
static void require_lists(const outcomes *seen) {
  int32_t of_pairs = 0, into_states = 0, go_on = 0;
  for (int32_t pair = 0; pair < PAIRS; pair++) {
    int64_t tries = 0;
    for (int32_t i = seen->first_of_pair[pair]; i != NO_OUTCOME; i = seen->all[i].next_of_pair) {
      CHECK(seen->all[i].pair == pair);
      tries += seen->all[i].count;
      go_on += !seen->all[i].terminated;
      of_pairs++;
    }
    CHECK(tries == seen->tries[pair]);
  }
  for (int32_t state = 0; state < STATES; state++) {
    int32_t before = NO_OUTCOME;
    for (int32_t i = seen->into[state]; i != NO_OUTCOME; i = seen->all[i].into_after) {
      CHECK(seen->all[i].next_state == state && !seen->all[i].terminated);
      CHECK(seen->all[i].into_before == before);
      before = i;
      into_states++;
    }
  }
  CHECK(of_pairs == seen->count && into_states == go_on);
}

static void outcomes_are_kept(keeping kept) {
  outcomes seen;
  int64_t steps[PAIRS] = {0};
  uint64_t counter = 2;
  CHECK(outcomes_begin(&seen, STATES, ACTIONS, kept) == MCTS_OK);
  for (int round = 0; round < ROUNDS; round++) {
    int32_t pair = (int32_t)below(&counter, PAIRS);
    int32_t next_state = (int32_t)below(&counter, STATES);
    int32_t terminated = below(&counter, 4) == 0;
    CHECK(outcomes_add(&seen, pair, next_state, next_state, terminated, 1) == MCTS_OK);
    steps[pair]++;
    CHECK(seen.tries[pair] == (kept == KEEP_LAST ? 1 : steps[pair]));
    if (round % 97 == 0) {
      require_lists(&seen);
    }
    if (kept == KEEP_LAST) {
      const outcome *o = seen.all + seen.first_of_pair[pair];
      CHECK(o->next_state == next_state && o->reward == next_state && o->terminated == terminated);
    }
  }
  require_lists(&seen);
  CHECK(seen.count == PAIRS || kept == KEEP_COUNTS);
  outcomes_end(&seen);
}

/* Draws follow the counts 1 : 2 : 5. An outcome's share is off by more than 5 standard errors with
 * a probability of less than 6e-7 a seed; the seed is fixed. */
static void draws_follow_the_counts(void) {
  enum { DRAWS = 80000 };
  outcomes seen;
  int times[3] = {1, 2, 5}, drawn[3] = {0};
  uint64_t counter = 3;
  mcts_bitgen rng = {.state = &counter};
  CHECK(outcomes_begin(&seen, STATES, ACTIONS, KEEP_COUNTS) == MCTS_OK);
  for (int32_t i = 0; i < 3; i++) {
    for (int k = 0; k < times[i]; k++) {
      CHECK(outcomes_add(&seen, 4, k, i, 0, 1) == MCTS_OK);
    }
  }
  for (int i = 0; i < DRAWS; i++) {
    drawn[outcomes_draw(&seen, 4, &rng)->next_state]++;
  }
  for (int i = 0; i < 3; i++) {
    double share = times[i] / 8.0;
    CHECK(fabs(drawn[i] - DRAWS * share) < 5.0 * sqrt(DRAWS * share * (1.0 - share)));
  }
  CHECK(seen.all[2].reward == 2.0); /* the mean of 0, 1, 2, 3, 4 */
  outcomes_end(&seen);
}

/* Once with a count is as often one by one. */
static void many_at_once_are_as_many(keeping kept) {
  outcomes one_by_one, at_once;
  CHECK(outcomes_begin(&one_by_one, STATES, ACTIONS, kept) == MCTS_OK);
  CHECK(outcomes_begin(&at_once, STATES, ACTIONS, kept) == MCTS_OK);
  for (int32_t round = 1; round <= 3; round++) {
    for (int32_t k = 0; k < 4 * round; k++) {
      CHECK(outcomes_add(&one_by_one, 3, round, 1, 0, 1) == MCTS_OK);
    }
    CHECK(outcomes_add(&at_once, 3, round, 1, 0, 4 * round) == MCTS_OK);
  }
  CHECK(one_by_one.count == 1 && at_once.count == 1);
  CHECK(one_by_one.tries[3] == at_once.tries[3]);
  CHECK(at_once.all[0].count == (kept == KEEP_LAST ? 1 : 24));
  CHECK(fabs(one_by_one.all[0].reward - at_once.all[0].reward) < 1e-12);
  outcomes_end(&one_by_one);
  outcomes_end(&at_once);
}

static void a_single_outcome_draws_nothing(void) {
  outcomes seen;
  uint64_t counter = 3;
  mcts_bitgen rng = {.state = &counter};
  CHECK(outcomes_begin(&seen, 1, 1, KEEP_COUNTS) == MCTS_OK);
  CHECK(outcomes_add(&seen, 0, 1.0, 0, 1, 2) == MCTS_OK);
  CHECK(outcomes_draw(&seen, 0, &rng)->count == 2 && counter == 3);
  outcomes_end(&seen);
}

/* ---- sweeping ----------------------------------------------------------------------- */

/* The queue holds the pairs that are more wrong than the threshold, and no other. */
static void require_queue(const sweeper *s) {
  int32_t wrong = 0;
  for (int32_t pair = 0; pair < PAIRS; pair++) {
    double error = sweeper_error(s, pair);
    if (error > s->threshold) {
      CHECK(s->urgent.place[pair] >= 0 && s->urgent.priority[pair] == error);
      CHECK(error <= sweeper_error(s, queue_first(&s->urgent)));
      wrong++;
    }
  }
  CHECK(wrong == s->urgent.count);
}

static void sweeping_keeps_its_queue_exact(keeping kept, double step_size) {
  double q[PAIRS] = {0};
  sweeper s;
  uint64_t counter = 4;
  sweeper_options options = {.num_states = STATES,
                             .num_actions = ACTIONS,
                             .kept = kept,
                             .discount = 0.9,
                             .step_size = step_size,
                             .threshold = 1e-3};
  for (int32_t i = 0; i < STATES; i++) {
    q[i * ACTIONS + 1] = i % 2 ? -INFINITY : 0.0;
  }
  CHECK(sweeper_begin(&s, &options, q) == MCTS_OK);
  CHECK(sweeper_sweep(&s, 10) == 0);
  for (int round = 0; round < ROUNDS; round++) {
    int32_t pair = (int32_t)below(&counter, PAIRS);
    if (is_legal_value(q[pair])) {
      CHECK(sweeper_observe(&s, pair, below(&counter, 5), (int32_t)below(&counter, STATES),
                            below(&counter, 6) == 0, 1) == MCTS_OK);
    }
    CHECK(sweeper_sweep(&s, 3) <= 3);
    require_queue(&s);
  }
  CHECK(sweeper_sweep(&s, INT64_MAX) > 0 && s.urgent.count == 0);
  for (int32_t pair = 0; pair < PAIRS; pair++) {
    CHECK(sweeper_error(&s, pair) <= options.threshold);
    CHECK(is_legal_value(q[pair]) || !was_tried(&s.seen, pair));
  }
  sweeper_end(&s);
}

/* ---- Dyna --------------------------------------------------------------------------- */

static void dyna_learns_a_corridor(double bonus, keeping kept) {
  double q[PAIRS] = {0};
  dyna d;
  uint64_t counter = 5;
  mcts_bitgen rng = {.state = &counter};
  dyna_options options = {.num_states = STATES,
                          .num_actions = ACTIONS,
                          .kept = kept,
                          .discount = 0.9,
                          .step_size = 0.5,
                          .bonus = bonus};
  for (int32_t i = 0; i < STATES; i++) {
    q[i * ACTIONS + 2] = -INFINITY; /* 0 goes left, 1 goes right, 2 is not legal */
  }
  CHECK(dyna_begin(&d, &options, q) == MCTS_OK);
  dyna_plan(&d, 100, &rng);
  CHECK(counter == 5); /* nothing was seen, nothing is drawn */
  for (int32_t state = 0; state < STATES - 1; state++) {
    int32_t right = state * ACTIONS + 1, last = state + 1 == STATES - 1;
    CHECK(dyna_learn(&d, right, last, state + 1, last) == MCTS_OK);
  }
  CHECK(d.num_seen == STATES - 1 && d.now == STATES - 1);
  dyna_plan(&d, 20000, &rng);
  for (int32_t state = 0; state < STATES - 1; state++) {
    CHECK(fabs(q[state * ACTIONS + 1] - pow(0.9, STATES - 2 - state)) < (bonus > 0.0 ? 0.2 : 1e-9));
    CHECK(q[state * ACTIONS + 2] == -INFINITY);
    CHECK((q[state * ACTIONS] != 0.0) == (bonus > 0.0)); /* never tried */
  }
  dyna_end(&d);
}

static void epsilon_greedy_takes_legal_actions_alone(void) {
  double row[5] = {-INFINITY, 2.0, 1.0, 2.0, -INFINITY};
  uint64_t counter = 6;
  mcts_bitgen rng = {.state = &counter};
  int greedy[5] = {0}, exploring[5] = {0};
  for (int i = 0; i < ROUNDS; i++) {
    double which = mcts_random_double(&rng);
    greedy[epsilon_greedy(row, 5, 0.1, 0.1, which)]++;
    exploring[epsilon_greedy(row, 5, 0.1, 0.0999, which)]++;
  }
  CHECK(greedy[1] + greedy[3] == ROUNDS && greedy[1] > 0 && greedy[3] > 0);
  CHECK(exploring[1] + exploring[2] + exploring[3] == ROUNDS && exploring[2] > 0);
  CHECK(epsilon_greedy(row, 5, 1.0, 0.0, 1.0 - 0x1p-53) == 3);
  CHECK(epsilon_greedy(row, 5, 0.0, 0.0, 0.0) == 1);
}

int main(void) {
  queue_gives_the_most_urgent_first();
  outcomes_are_kept(KEEP_LAST);
  outcomes_are_kept(KEEP_COUNTS);
  draws_follow_the_counts();
  many_at_once_are_as_many(KEEP_LAST);
  many_at_once_are_as_many(KEEP_COUNTS);
  a_single_outcome_draws_nothing();
  sweeping_keeps_its_queue_exact(KEEP_LAST, 1.0);
  sweeping_keeps_its_queue_exact(KEEP_COUNTS, 1.0);
  sweeping_keeps_its_queue_exact(KEEP_COUNTS, 0.3);
  dyna_learns_a_corridor(NO_BONUS, KEEP_LAST);
  dyna_learns_a_corridor(NO_BONUS, KEEP_COUNTS);
  dyna_learns_a_corridor(1e-4, KEEP_LAST);
  epsilon_greedy_takes_legal_actions_alone();
  return 0;
}
