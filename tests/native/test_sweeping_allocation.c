/* Without memory, learners fail to begin and steps are refused; nothing leaks, nothing is half done. */
#include "sparing_sweeping.h"

#include "check.h"

enum { STATES = 40, ACTIONS = 2, STEPS = 300, MOST_REQUESTS = 20 };

/* A step that leads somewhere new each time, so that what was seen keeps growing. */
static int32_t pair_of(int32_t step) { return step % (STATES * ACTIONS); }
static int32_t next_of(int32_t step) { return step / (STATES * ACTIONS); }

/* How many requests were refused: 0 when refuse_at lies beyond the last. */
static int sweep_with_a_refusal(void) {
  double q[STATES * ACTIONS] = {0};
  sweeper s;
  sweeper_options options = {STATES, ACTIONS, KEEP_COUNTS, 0.9, 1.0, 1e-6};
  requests = 0;
  if (sweeper_begin(&s, &options, q) != MCTS_OK) {
    CHECK(!s.values && !s.seen.tries && !s.urgent.heap);
    return 1;
  }
  int refusals = 0;
  for (int32_t i = 0; i < STEPS; i++) {
    int64_t tries = s.seen.tries[pair_of(i)];
    if (sweeper_observe(&s, pair_of(i), 1.0, next_of(i), 0, 1) != MCTS_OK) {
      CHECK(s.seen.tries[pair_of(i)] == tries);
      refusals++;
      CHECK(sweeper_observe(&s, pair_of(i), 1.0, next_of(i), 0, 1) == MCTS_OK);
    }
  }
  CHECK(s.seen.count == STEPS);
  CHECK(sweeper_sweep(&s, INT64_MAX) > 0 && s.urgent.count == 0);
  sweeper_end(&s);
  return refusals;
}

static int dyna_with_a_refusal(void) {
  double q[STATES * ACTIONS] = {0};
  uint64_t counter = 1;
  mcts_bitgen rng = {.state = &counter};
  dyna d;
  dyna_options options = {STATES, ACTIONS, KEEP_COUNTS, 0.9, 0.5, 0.01};
  requests = 0;
  if (dyna_begin(&d, &options, q) != MCTS_OK) {
    CHECK(!d.states && !d.last_tried && !d.seen.tries);
    return 1;
  }
  int refusals = 0;
  for (int32_t i = 0; i < STEPS; i++) {
    if (dyna_learn(&d, pair_of(i), 1.0, next_of(i), 0) != MCTS_OK) {
      CHECK(d.now == i && d.last_tried[pair_of(i)] <= i);
      refusals++;
      CHECK(dyna_learn(&d, pair_of(i), 1.0, next_of(i), 0) == MCTS_OK);
    }
    dyna_plan(&d, 3, &rng);
  }
  CHECK(d.now == STEPS && d.num_seen == STATES);
  dyna_end(&d);
  return refusals;
}

static void each_request_may_be_refused(int (*run)(void)) {
  int total = 0;
  for (refuse_at = 1; refuse_at <= MOST_REQUESTS; refuse_at++) {
    int refusals = run();
    CHECK(refusals == (refuse_at <= requests));
    total += refusals;
  }
  CHECK(total >= 8 && total < MOST_REQUESTS); /* all were reached, and the last tries met none */
}

int main(void) {
  each_request_may_be_refused(sweep_with_a_refusal);
  each_request_may_be_refused(dyna_with_a_refusal);
  return 0;
}
