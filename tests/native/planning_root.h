/* Starting a search from a state of the handle model. */
#ifndef PLANNING_ROOT_H
#define PLANNING_ROOT_H

#include "handle_model.h"
#include "logarithm.h"
#include "search.h"

static const search_options BY_ROLLOUT = {.exploration = 1.0, .max_depth = 8};
static const search_options BY_VALUE = {
    .exploration = 1.0, .max_depth = 8, .evaluation = EVALUATION_VALUE};
static const search_options BY_DEPTH = {.exploration = 1.0,
                                        .max_depth = 8,
                                        .evaluation = EVALUATION_TRIAL,
                                        .backup = BACKUP_BELLMAN,
                                        .sharing = SHARING_DEPTH};
static const search_options BY_STATE = {.exploration = 1.0,
                                        .max_depth = 8,
                                        .evaluation = EVALUATION_TRIAL,
                                        .backup = BACKUP_BELLMAN,
                                        .sharing = SHARING_STATE};
/* Leaves are played out, and what is learned of one is its own again on the next path. */
static const search_options SHARED_MEANS = {
    .exploration = 1.0, .max_depth = 8, .sharing = SHARING_STATE};
static const search_options PLAYED_OUT = {.exploration = 1.0,
                                          .max_depth = 8,
                                          .backup = BACKUP_BELLMAN,
                                          .sharing = SHARING_STATE};

/* Simulations carry their states: nodes are histories, or sequences of actions. */
static const search_options BY_HISTORY = {
    .exploration = 1.0, .max_depth = 8, .outcome_key = OUTCOME_OBSERVATION};
static const search_options OPEN_LOOP = {
    .exploration = 1.0, .max_depth = 8, .outcome_key = OUTCOME_NONE};
static const search_options OPEN_TRIALS = {.exploration = 1.0,
                                           .max_depth = 8,
                                           .evaluation = EVALUATION_TRIAL,
                                           .backup = BACKUP_BELLMAN,
                                           .outcome_key = OUTCOME_NONE};

/* Which weigh priors, and ask for values with them or not. */
static const search_options PUCT_BY_VALUE = {.selection = SELECTION_PUCT,
                                             .exploration = 1.0,
                                             .max_depth = 8,
                                             .evaluation = EVALUATION_VALUE};
static const search_options PUCT_BY_ROLLOUT = {
    .selection = SELECTION_PUCT, .exploration = 1.0, .max_depth = 8};
static const search_options PUCT_BY_STATE = {.selection = SELECTION_PUCT,
                                             .exploration = 1.0,
                                             .max_depth = 8,
                                             .evaluation = EVALUATION_TRIAL,
                                             .backup = BACKUP_BELLMAN,
                                             .sharing = SHARING_STATE};
static const search_options PUCT_BELLMAN = {.selection = SELECTION_PUCT,
                                            .exploration = 1.0,
                                            .max_depth = 8,
                                            .evaluation = EVALUATION_VALUE,
                                            .backup = BACKUP_BELLMAN};
static const search_options GUMBEL = {.selection = SELECTION_GUMBEL,
                                      .considered = 2,
                                      .gumbel_visits = 50.0,
                                      .gumbel_value_scale = 0.1,
                                      .max_depth = 8,
                                      .evaluation = EVALUATION_VALUE};

/* Which look at the spread of returns, or draw by soft values. */
static const search_options TUNED = {
    .selection = SELECTION_UCB1_TUNED, .exploration = 1.0, .max_depth = 8};
static const search_options THOMPSON = {
    .selection = SELECTION_THOMPSON, .exploration = 1.0, .max_depth = 8};
static const search_options MENTS = {.selection = SELECTION_MENTS,
                                     .exploration = 0.5,
                                     .soft_temperature = 0.05,
                                     .max_depth = 8,
                                     .backup = BACKUP_SOFT};
static const search_options MENTS_BY_STATE = {.selection = SELECTION_MENTS,
                                              .exploration = 0.5,
                                              .soft_temperature = 0.05,
                                              .max_depth = 8,
                                              .evaluation = EVALUATION_TRIAL,
                                              .backup = BACKUP_SOFT,
                                              .sharing = SHARING_STATE};
static const search_options BY_MAX = {.exploration = 1.0,
                                      .max_depth = 8,
                                      .evaluation = EVALUATION_TRIAL,
                                      .backup = BACKUP_MAX,
                                      .sharing = SHARING_STATE};

/* Which let actions, or outcomes, in one after the other. */
static const search_options WIDE_ACTIONS = {
    .exploration = 1.0, .max_depth = 8, .action_widening = 1.0, .widening_exponent = 0.5};
static const search_options WIDE_OUTCOMES = {
    .exploration = 1.0, .max_depth = 8, .outcome_widening = 1.0, .widening_exponent = 0.25};
static const search_options WIDE_PUCT = {.selection = SELECTION_PUCT,
                                         .exploration = 1.0,
                                         .action_widening = 1.0,
                                         .outcome_widening = 1.0,
                                         .widening_exponent = 0.25,
                                         .max_depth = 8,
                                         .evaluation = EVALUATION_VALUE,
                                         .backup = BACKUP_BELLMAN};

/* Leaves are worth a value and a short rollout, a short rollout and a value, or a constant. */
static const search_options MIXED = {.exploration = 1.0,
                                     .max_depth = 8,
                                     .evaluation = EVALUATION_MIXED,
                                     .value_weight = 0.5,
                                     .rollout_depth = 3};
static const search_options PUCT_MIXED = {.selection = SELECTION_PUCT,
                                          .exploration = 1.0,
                                          .max_depth = 8,
                                          .evaluation = EVALUATION_MIXED,
                                          .value_weight = 0.5};
static const search_options TRUNCATED = {.exploration = 1.0, .max_depth = 8, .rollout_depth = 2};
static const search_options CONSTANT = {
    .exploration = 1.0, .max_depth = 8, .evaluation = EVALUATION_CONSTANT, .leaf_value = -5.0};

/* Carried states, with selections of their own. */
static const search_options TUNED_BY_HISTORY = {.selection = SELECTION_UCB1_TUNED,
                                                .exploration = 1.0,
                                                .max_depth = 8,
                                                .outcome_key = OUTCOME_OBSERVATION};
static const search_options OPEN_MENTS = {.selection = SELECTION_MENTS,
                                          .exploration = 0.5,
                                          .soft_temperature = 0.05,
                                          .max_depth = 8,
                                          .backup = BACKUP_SOFT,
                                          .outcome_key = OUTCOME_NONE};

static bool options_weigh_priors(search_options o) {
  return o.selection == SELECTION_PUCT || o.selection == SELECTION_GUMBEL;
}

enum { MOST_PARTICLES = 4, PLANNED = 24 };

/* Of a root where simulations carry their states, from position 0 on. */
static uint32_t particles = 1;

/* Of the actions of a root whose selection weighs priors. */
static void add_noise(search *s) {
  static const double NOISE[] = {0.5, 0.2, 0.3};
  if (options_weigh_priors(s->options)) search_add_noise(s, NOISE, 0.25);
}

/* search_begin from position 0; the handles are the caller's for the time of the call only. */
static int begin_with_seed(search *s, handle_model *h, uint64_t seed, uint64_t max_bytes) {
  void *states[MOST_PARTICLES];
  uint32_t count = s->carried ? particles : 1;
  for (uint32_t i = 0; i < count; i++) handle_write(h, &states[i], i);
  search_root root = {
      .state = states, .num_states = count, .seed = seed, .max_bytes = max_bytes,
      .planned = PLANNED};
  int status = search_begin(s, &root);
  if (status == MCTS_OK) add_noise(s);
  h->inside = 1;
  for (uint32_t i = 0; i < count; i++) handle_release(h, &states[i]);
  h->inside = 0;
  return status;
}

static int begin_at_zero(search *s, handle_model *h, uint64_t max_bytes) {
  return begin_with_seed(s, h, 7, max_bytes);
}

/* States that the search holds while nothing is in progress. */
static int64_t states_held(const search *s) {
  return s->carried ? s->num_particles : (int64_t)s->tree.nodes;
}

static int run_to(search *s, handle_model *h, uint64_t simulations, stop_reason *reason) {
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, &h->cancelled};
  return search_run(s, &limits, reason);
}

/* The root has seen every simulation that was counted, and its edges share them. */
static void check_sound(const search *s) {
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  uint64_t visits = 0, expected = s->simulations;
  for (uint32_t i = 0; i < e.count; i++) {
    visits += e.visits[i];
    expected += s->root_before[i];
  }
  if (s->options.sharing == SHARING_STATE) { /* a path may come back to the root, or end there */
    CHECK(e.head->visits >= visits && visits >= expected);
  } else {
    CHECK(e.head->visits == visits && visits == expected);
  }
}

#endif
