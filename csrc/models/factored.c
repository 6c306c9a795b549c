/* A factored model: what comes of each variable hangs on a few others.
 *
 *     now          next
 *      x0 --------> x0       scope of x0: x0, x1      P(x0' = 1)   x1 x0 | action 0  action 1
 *          \  /                                                     0  0 |      0.1       1.0
 *           \/                                                      0  1 |      0.7       1.0
 *           /\                                                      1  0 |      0.1       1.0
 *      x1 ------->  x1       scope of x1: x1                        1  1 |      0.9       1.0
 *
 * The tables of one function lie one behind the other, action by action:
 *
 *     tables       | 0.1 0.7 0.1 0.9 | 1.0 1.0 1.0 1.0 | ...
 *     table_start    x0, action 0      action 1          x1
 */
#include "factored.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

/* Owns its arrays. */
typedef struct factors {
  int32_t count;
  int32_t *scope_start;
  int32_t *scope;
  int64_t *table_start;
  double *tables;
} factors;

struct mcts_factored {
  mcts_model model;
  int32_t num_variables;
  factors probabilities;
  factors rewards;
};

/* ---- looking up --------------------------------------------------------------------- */

static inline double value_of(const factors *f, int32_t function, uint64_t state,
                              int64_t action) {
  const int32_t *scope = f->scope + f->scope_start[function];
  int32_t size = f->scope_start[function + 1] - f->scope_start[function];
  uint64_t index = 0;
  for (int32_t j = 0; j < size; j++) {
    index |= (state >> scope[j] & 1) << j;
  }
  return f->tables[f->table_start[function] + (int64_t)((uint64_t)action << size | index)];
}

static inline double reward_of(const mcts_factored *factored, uint64_t state, int64_t action) {
  double sum = 0.0;
  for (int32_t i = 0; i < factored->rewards.count; i++) {
    sum += value_of(&factored->rewards, i, state, action);
  }
  return sum;
}

/* One draw for each variable that is neither 0 nor 1 for certain. */
static inline uint64_t draw_next(const mcts_factored *factored, uint64_t state, int64_t action,
                                 mcts_bitgen *rng) {
  uint64_t next = 0;
  for (int32_t i = 0; i < factored->num_variables; i++) {
    double probability = value_of(&factored->probabilities, i, state, action);
    int is_one = probability >= 1.0 ||
                 (probability > 0.0 && mcts_random_double(rng) < probability);
    next |= (uint64_t)is_one << i;
  }
  return next;
}

/* ---- the model ---------------------------------------------------------------------- */

static int validate(void *ctx, const void *state) {
  const mcts_factored *factored = ctx;
  uint64_t bits = *(const uint64_t *)state;
  if (factored->num_variables < 64 && bits >> factored->num_variables) {
    return fail(MCTS_INVALID_STATE, "has a bit beyond the %d variables",
                (int)factored->num_variables);
  }
  return MCTS_OK;
}

static int require_action(const mcts_factored *factored, int64_t action) {
  if (action < 0 || action >= factored->model.num_actions) {
    return fail(MCTS_INVALID_ACTION, "action %lld is not from 0 to %lld", (long long)action,
                (long long)factored->model.num_actions - 1);
  }
  return MCTS_OK;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  const mcts_factored *factored = ctx;
  uint64_t bits = *(const uint64_t *)state;
  (void)observation;
  int status = require_action(factored, action);
  if (status != MCTS_OK) {
    return status;
  }
  *(uint64_t *)next_state = draw_next(factored, bits, action, rng);
  rewards[0] = reward_of(factored, bits, action);
  *terminated = 0;
  return MCTS_OK;
}

/* The product of the variables' distributions: each uncertain one doubles what there is. */
static int transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                       double *probabilities, void *next_states, double *rewards,
                       int32_t *terminated) {
  const mcts_factored *factored = ctx;
  uint64_t bits = *(const uint64_t *)state;
  uint64_t *outcomes = next_states;
  uint64_t certain = 0;
  int32_t found = 1;
  int status = require_action(factored, action);
  if (status != MCTS_OK) {
    return status;
  }
  outcomes[0] = 0;
  probabilities[0] = 1.0;
  for (int32_t i = 0; i < factored->num_variables; i++) {
    double probability = value_of(&factored->probabilities, i, bits, action);
    if (probability <= 0.0 || probability >= 1.0) {
      certain |= (uint64_t)(probability >= 1.0) << i;
      continue;
    }
    for (int32_t j = 0; j < found; j++) {
      outcomes[found + j] = outcomes[j] | UINT64_C(1) << i;
      probabilities[found + j] = probabilities[j] * probability;
      probabilities[j] *= 1.0 - probability;
    }
    found *= 2;
  }
  double reward = reward_of(factored, bits, action);
  for (int32_t j = 0; j < found; j++) {
    outcomes[j] |= certain;
    rewards[j] = reward;
    terminated[j] = 0;
  }
  *count = found;
  return MCTS_OK;
}

/* Uniform actions, drawn as the default rollout draws them: one mcts_random_below a step, then
 * what `sample` draws. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  const mcts_factored *factored = ctx;
  uint64_t bits = *(const uint64_t *)state;
  double total = 0.0;
  double weight = 1.0;
  for (int64_t step = 0; step < max_steps; step++) {
    int64_t action = mcts_random_below(rng, factored->model.num_actions);
    total += weight * reward_of(factored, bits, action);
    weight *= discount;
    bits = draw_next(factored, bits, action, rng);
  }
  returns[0] = total;
  *steps = max_steps;
  return MCTS_OK;
}

/* ---- building ----------------------------------------------------------------------- */

/* `count` may be 0; NULL means no memory. */
static void *copy_of(const void *array, size_t count, size_t size) {
  void *copy = calloc(count ? count : 1, size); /* checks the product */
  return copy && count ? memcpy(copy, array, count * size) : copy;
}

static int copy_factors(factors *to, const mcts_factors *from) {
  size_t ends = (size_t)from->count + 1;
  to->count = from->count;
  to->scope_start = copy_of(from->scope_start, ends, sizeof *to->scope_start);
  to->scope = copy_of(from->scope, (size_t)from->scope_start[from->count], sizeof *to->scope);
  to->table_start = copy_of(from->table_start, ends, sizeof *to->table_start);
  to->tables = copy_of(from->tables, (size_t)from->table_start[from->count], sizeof *to->tables);
  return to->scope_start && to->scope && to->table_start && to->tables ? MCTS_OK : MCTS_ERROR;
}

static void free_factors(factors *f) {
  free(f->scope_start);
  free(f->scope);
  free(f->table_start);
  free(f->tables);
}

mcts_factored *mcts_factored_new(const mcts_factored_source *source) {
  mcts_factored *factored = calloc(1, sizeof *factored);
  if (!factored) {
    return NULL;
  }
  factored->num_variables = source->num_variables;
  factored->model = (mcts_model){
      .abi_version = MCTS_MODEL_ABI_VERSION,
      .struct_size = sizeof(mcts_model),
      .flags = MCTS_MODEL_THREAD_SAFE | (source->deterministic ? MCTS_MODEL_DETERMINISTIC : 0),
      .ctx = factored,
      .discount = source->discount,
      .state_bytes = sizeof(uint64_t),
      .num_actions = (uint32_t)source->num_actions,
      .max_actions = (uint32_t)source->num_actions,
      .max_outcomes = (uint32_t)source->max_outcomes,
      .num_players = 1,
      .error_text = failure_text,
      .validate = validate,
      .sample = sample,
      .transitions = source->max_outcomes > 0 ? transitions : NULL,
      .rollout = rollout,
  };
  if (copy_factors(&factored->probabilities, &source->probabilities) != MCTS_OK ||
      copy_factors(&factored->rewards, &source->rewards) != MCTS_OK) {
    mcts_factored_free(factored);
    return NULL;
  }
  return factored;
}

void mcts_factored_free(mcts_factored *factored) {
  if (!factored) {
    return;
  }
  free_factors(&factored->probabilities);
  free_factors(&factored->rewards);
  free(factored);
}

const mcts_model *mcts_factored_model(const mcts_factored *factored) { return &factored->model; }
