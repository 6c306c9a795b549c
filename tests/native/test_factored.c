/* Factored models keep within the room that the header gives them, and with what they copied. */
#include <math.h>
#include <string.h>

#include "factored.h"
#include "check.h"
#include "search.h"

enum { MOST_UNCERTAIN = 10, ACTIONS = 2 };

/* A model of coins. By action 0 the first `uncertain` are thrown, by action 1 all variables stay
 * as they are. Variable 0 is worth a point. */
static mcts_factored *coins(int32_t num_variables, int32_t uncertain) {
  int32_t scope_start[MCTS_FACTORED_MOST_VARIABLES + 1], scope[MCTS_FACTORED_MOST_VARIABLES];
  int64_t table_start[MCTS_FACTORED_MOST_VARIABLES + 1];
  double tables[4 * MCTS_FACTORED_MOST_VARIABLES];
  for (int32_t i = 0; i <= num_variables; i++) {
    scope_start[i] = i;
    table_start[i] = 4 * (int64_t)i;
  }
  for (int32_t i = 0; i < num_variables; i++) {
    double thrown[4] = {0.25, 0.25, 0.0, 1.0}, kept[4] = {0.0, 1.0, 0.0, 1.0};
    scope[i] = i;
    memcpy(tables + 4 * i, i < uncertain ? thrown : kept, sizeof thrown);
  }
  int32_t reward_scope_start[2] = {0, 1}, reward_scope[1] = {0};
  int64_t reward_start[2] = {0, 4};
  double rewards[4] = {0.0, 1.0, 0.0, 1.0};
  mcts_factored_source source = {
      .num_variables = num_variables,
      .num_actions = ACTIONS,
      .discount = 0.9,
      .max_outcomes = 1 << uncertain,
      .deterministic = uncertain == 0,
      .probabilities = {num_variables, scope_start, scope, table_start, tables},
      .rewards = {1, reward_scope_start, reward_scope, reward_start, rewards},
  };
  mcts_factored *factored = mcts_factored_new(&source); /* the arrays end with this call */
  CHECK(factored);
  return factored;
}

static void outcomes_fill_the_room_exactly(int32_t uncertain) {
  mcts_factored *factored = coins(MCTS_FACTORED_MOST_VARIABLES, uncertain);
  const mcts_model *m = mcts_factored_model(factored);
  size_t room = m->max_outcomes;
  double *probabilities = calloc(room, sizeof *probabilities);
  double *rewards = calloc(room, sizeof *rewards);
  uint64_t *states = calloc(room, sizeof *states), state = UINT64_C(1) << 63;
  int32_t *terminated = calloc(room, sizeof *terminated), count = -1;
  CHECK(probabilities && rewards && states && terminated);

  CHECK(m->transitions(m->ctx, &state, 0, &count, probabilities, states, rewards, terminated) == 0);
  CHECK(count == 1 << uncertain);
  double sum = 0.0;
  for (int32_t i = 0; i < count; i++) {
    CHECK(probabilities[i] > 0.0 && rewards[i] == 0.0 && terminated[i] == 0);
    CHECK(states[i] == ((uint64_t)i | state));
    sum += probabilities[i];
  }
  CHECK(fabs(sum - 1.0) < 1e-12);
  CHECK(m->transitions(m->ctx, &state, 1, &count, probabilities, states, rewards, terminated) == 0);
  CHECK(count == 1 && states[0] == state && probabilities[0] == 1.0);
  free(probabilities), free(rewards), free(states), free(terminated);
  mcts_factored_free(factored);
}

static void wrong_states_and_actions_are_refused(void) {
  mcts_factored *factored = coins(3, 1);
  const mcts_model *m = mcts_factored_model(factored);
  uint64_t state = 7, beyond = 8, next = 0;
  double reward;
  int32_t terminated;
  CHECK(m->validate(m->ctx, &state) == MCTS_OK);
  CHECK(m->validate(m->ctx, &beyond) == MCTS_INVALID_STATE);
  int64_t wrong[] = {-1, ACTIONS, INT64_MAX, INT64_MIN};
  for (int i = 0; i < 4; i++) {
    CHECK(m->sample(m->ctx, &state, wrong[i], NULL, &next, &reward, &terminated, NULL) ==
          MCTS_INVALID_ACTION);
  }
  mcts_factored_free(factored);
}

static void a_search_runs_over_it(int32_t uncertain, search_options options) {
  mcts_factored *factored = coins(12, uncertain);
  uint64_t state = 0;
  search *s = search_new(mcts_factored_model(factored), options, 0);
  CHECK(s);
  search_root root = {.state = &state, .seed = 5, .max_bytes = 1 << 28};
  stop_reason reason = STOP_NONE;
  search_limits limits = {500, INT64_MAX, INT64_MAX, NULL};
  CHECK(search_begin(s, &root) == MCTS_OK);
  CHECK(search_run(s, &limits, &reason) == MCTS_OK && reason == STOP_SIMULATIONS);
  search_free(s);
  mcts_factored_free(factored);
}

int main(void) {
  for (int32_t uncertain = 0; uncertain <= MOST_UNCERTAIN; uncertain++) {
    outcomes_fill_the_room_exactly(uncertain);
  }
  wrong_states_and_actions_are_refused();
  search_options uct = {.exploration = 1.0, .max_depth = 20};
  search_options graph = {.exploration = 1.0,
                          .max_depth = 20,
                          .evaluation = EVALUATION_TRIAL,
                          .backup = BACKUP_BELLMAN,
                          .sharing = SHARING_STATE};
  a_search_runs_over_it(0, uct);
  a_search_runs_over_it(MOST_UNCERTAIN, uct);
  a_search_runs_over_it(MOST_UNCERTAIN, graph);
  return 0;
}
