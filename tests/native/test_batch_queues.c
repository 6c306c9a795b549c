/* What searches of a batch wait for: nothing, in turns; questions of several kinds at once; more
 * rows than a call has. */
#include "batch_group.h"
#include "fan_model.h"

/* ---- searches that end at once --------------------------------------------------------------- */

static void nothing_is_asked_of_what_has_ended(const handle_model *pattern,
                                               search_options options) {
  static group g;
  group_begin(&g, pattern, options);
  group_root(&g, LIMIT);
  int64_t rows = g.h.rows, samples = g.h.calls[SAMPLE];
  group_run(&g, 0, INT64_MAX); /* no simulation is allowed */
  for (int k = 0; k < SEARCHES; k++)
    CHECK(g.ends[k].status == MCTS_OK && g.ends[k].reason == STOP_SIMULATIONS);
  memset(g.ends, 0, sizeof g.ends);
  atomic_store(&g.h.cancelled, 1);
  group_run(&g, SIMULATIONS, INT64_MAX);
  for (int k = 0; k < SEARCHES; k++)
    CHECK(g.ends[k].status == MCTS_OK && g.ends[k].reason == STOP_CANCELLED);
  CHECK(g.h.rows == rows && g.h.calls[SAMPLE] == samples);
  for (int k = 0; k < SEARCHES; k++) CHECK(g.searches[k]->simulations == 0);
  check_at_rest(&g);
  /* One that has its simulations already, beside others that have not. */
  memset(g.ends, 0, sizeof g.ends);
  atomic_store(&g.h.cancelled, 0);
  if (options.in_flight == 1) {
    stop_reason reason;
    CHECK(run_to(g.searches[1], &g.h, SIMULATIONS, &reason) == MCTS_OK);
  }
  group_run(&g, SIMULATIONS, INT64_MAX);
  check_at_rest(&g);
  for (int k = 0; k < SEARCHES; k++) {
    walk expected = tree_alone(pattern, options, k);
    check_tree(&g, &expected, k);
    walk_end(&expected);
  }
  group_end(&g);
}

/* ---- many searches of plain states ----------------------------------------------------------- */

typedef struct {
  fan_model fan;
  int64_t calls, rows, most; /* of batch calls; rows of the largest */
  bool all_end;              /* every step ends the episode */
  bool observed;             /* some call asked for observations, */
  bool unobserved;           /* and some for none */
} crowd_model;

static void crowd_count(crowd_model *m, int64_t count) {
  m->calls += 1;
  m->rows += count;
  if (count > m->most) m->most = count;
}

static int crowd_step(void *ctx, int64_t count, const void *states, const int64_t *actions,
                      mcts_bitgen *const *rngs, void *next_states, double *rewards,
                      int32_t *terminated, void *observations, double *priors, double *values,
                      int32_t *status) {
  crowd_model *m = ctx;
  CHECK(!priors && !values);
  crowd_count(m, count);
  *(observations ? &m->observed : &m->unobserved) = true;
  for (int64_t i = 0; i < count; i++) {
    uint64_t *observation = observations ? (uint64_t *)observations + i : NULL;
    status[i] = fan_sample(&m->fan, (const uint64_t *)states + i, actions[i], rngs[i],
                           (uint64_t *)next_states + i, rewards + i, terminated + i, observation);
    if (m->all_end) terminated[i] = 1;
  }
  return MCTS_OK;
}

static int crowd_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                        void *next_state, double *rewards, int32_t *terminated,
                        void *observation) {
  crowd_model *m = ctx;
  int status =
      fan_sample(&m->fan, state, action, rng, next_state, rewards, terminated, observation);
  if (m->all_end) *terminated = 1;
  return status;
}

static int crowd_evaluate(void *ctx, const void *state, double *priors, double *values) {
  return fan_evaluate(&((crowd_model *)ctx)->fan, state, priors, values);
}

static int crowd_evaluate_rows(void *ctx, int64_t count, const void *states, double *priors,
                               double *values, int32_t *status) {
  crowd_model *m = ctx;
  uint32_t actions = m->fan.model.max_actions;
  crowd_count(m, count);
  for (int64_t i = 0; i < count; i++)
    status[i] = fan_evaluate(&m->fan, (const uint64_t *)states + i,
                             priors ? priors + i * actions : NULL, values ? values + i : NULL);
  return MCTS_OK;
}

static void crowd_begin(crowd_model *m, bool certain, bool all_end) {
  memset(m, 0, sizeof *m);
  fan_model_begin(&m->fan, 3, 1, STYLE_UNIFORM, certain);
  m->all_end = all_end;
  m->fan.model.ctx = m;
  m->fan.model.sample = crowd_sample;
  m->fan.model.evaluate = crowd_evaluate;
  m->fan.model.step_batch = crowd_step;
  m->fan.model.evaluate_batch = crowd_evaluate_rows;
}

static search *crowd_search(crowd_model *m, search_options options, const search *first,
                            uint64_t seed) {
  uint64_t states[2] = {seed % 7 + 1, seed % 5 + 1};
  search *s = first ? search_new_beside(first) : search_new(&m->fan.model, options, 0);
  search_root root = {.state = states, .num_states = s->carried ? 2 : 1, .seed = seed,
                      .max_bytes = 1 << 18};
  CHECK(s && search_begin(s, &root) == MCTS_OK);
  return s;
}

/* Runs to the end, in slices as short as can be first. */
static void run_crowd(search **searches, uint32_t count, uint64_t simulations, int slices) {
  batch_end *ends = calloc(count, sizeof *ends);
  batch *b = batch_new(searches, count);
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, NULL};
  CHECK(b && ends);
  for (int i = 0; i < slices; i++) {
    limits.slice_deadline = search_now();
    batch_run(b, &limits, ends);
  }
  limits.slice_deadline = INT64_MAX;
  batch_run(b, &limits, ends);
  for (uint32_t k = 0; k < count; k++)
    CHECK(ends[k].status == MCTS_OK && ends[k].reason == STOP_SIMULATIONS);
  batch_free(b);
  free(ends);
}

/* Each is what it is alone. */
static void check_crowd(crowd_model *m, search_options options, uint32_t count,
                        uint64_t simulations, int slices) {
  search **searches = calloc(count, sizeof *searches);
  CHECK(searches);
  for (uint32_t k = 0; k < count; k++)
    searches[k] = crowd_search(m, options, k ? searches[0] : NULL, k);
  run_crowd(searches, count, simulations, slices);
  for (uint32_t k = 0; k < count; k += 1 + count / 9) {
    search *alone = crowd_search(m, options, NULL, k);
    run_crowd(&alone, 1, simulations, 0);
    check_same_memory(alone, searches[k]);
    search_free(alone);
  }
  for (uint32_t k = count; k-- > 0;) search_free(searches[k]);
  free(searches);
}

static void more_cursors_than_rows(uint32_t in_flight) {
  static crowd_model m;
  const search_options all[] = {BY_ROLLOUT, BY_VALUE, PUCT_BY_VALUE, BY_HISTORY};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (int slices = 0; slices < 40; slices += 13) {
      search_options options = all[i];
      options.in_flight = in_flight;
      crowd_begin(&m, i % 2 == 0, false);
      check_crowd(&m, options, 1100 / in_flight + 30, 2 + 2 * in_flight, slices);
      CHECK(m.most == 1024); /* as many as one call has */
    }
}

/* Once the ends of all steps are known there is nothing left to ask, for as long as one likes. */
static void nothing_to_ask(uint32_t in_flight) {
  static crowd_model m;
  const search_options all[] = {BY_ROLLOUT, PUCT_BY_VALUE, BY_VALUE};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (int slices = 0; slices < 4; slices += 3) {
      search_options options = all[i];
      options.in_flight = in_flight;
      crowd_begin(&m, true, true);
      check_crowd(&m, options, 5, 3000, slices);
      CHECK(m.rows < 5 * 2 * 4 * (int64_t)in_flight);
    }
}

/* Observations are asked for in the tree alone, in calls of their own. */
static void observed_beside_rollouts(uint32_t in_flight) {
  static crowd_model m;
  for (int slices = 0; slices < 200; slices += 60) {
    search_options options = BY_HISTORY;
    options.in_flight = in_flight;
    crowd_begin(&m, false, false);
    check_crowd(&m, options, 7, 120, slices);
    CHECK(m.observed && m.unobserved);
  }
}

int main(void) {
  logarithm_fill_tables();
  for_every_group(nothing_is_asked_of_what_has_ended);
  more_cursors_than_rows(1);
  more_cursors_than_rows(4);
  more_cursors_than_rows(64);
  for (uint32_t in_flight = 1; in_flight <= 16; in_flight *= 4) {
    nothing_to_ask(in_flight);
    observed_beside_rollouts(in_flight);
  }
  return 0;
}
