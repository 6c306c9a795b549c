/* A table of outcomes, row by row.
 *
 *     state s, action a  ->  row = s * num_actions + a
 *
 * Where at most half of the slots stay unused, all rows have the same width, so that a row is
 * found without a look-up:
 *
 *     slots      | 0.8  0.1  0.1 | 0.9  0.1   -  |  1   -    -  | ...       width 3
 *
 * Else the rows lie one behind the other, and row_start says where each begins:
 *
 *     slots      | 0.8  0.1  0.1 | 0.9  0.1 |  1 | ...                      width 0
 *     row_start    0               3          5    6
 *
 * The legal actions, where they are not all of them in every state:
 *
 *     legal      | 0 1 3 | 0 2 | ...
 *     legal_start  0       3     5
 */
#include "tabular.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

/* One outcome, half a cache line. An unused slot has probability 0. */
typedef struct slot {
  uint64_t threshold; /* the row's cumulative probability in units of 2^-53: the first slot
                         with a threshold above the draw is chosen. ALONE: nothing to draw */
  double probability;
  double reward;
  int32_t next_state;
  int32_t terminated;
} slot;

struct mcts_tabular {
  mcts_model model;
  int32_t num_states;
  int32_t num_actions;
  slot *slots;
  int32_t width;           /* slots in a row; 0: see row_start */
  int64_t slots_per_state; /* width * num_actions */
  int32_t *row_start;      /* NULL where width > 0 */
  uint8_t *terminal;
  int32_t *legal_start; /* NULL: all actions are legal */
  int32_t *legal;
};

#define ALONE UINT64_MAX
#define CERTAIN (UINT64_C(1) << 53)

enum {
  CACHE_LINE = 64,
  SHORT_ROW = 16 /* rows with more slots are searched by bisection */
};

/* ---- rows --------------------------------------------------------------------------- */

typedef struct row {
  const slot *slots;
  int32_t count; /* unused slots included */
} row;

static inline row row_of(const mcts_tabular *table, int64_t state, int64_t action) {
  if (table->width > 0) { /* one multiplication on the way from a state to the next */
    int64_t first = state * table->slots_per_state + action * table->width;
    return (row){table->slots + first, table->width};
  }
  int64_t index = state * table->num_actions + action;
  int32_t start = table->row_start[index];
  return (row){table->slots + start, table->row_start[index + 1] - start};
}

static int32_t num_outcomes(row r) {
  int32_t count = 0;
  while (count < r.count && r.slots[count].probability > 0.0) {
    count++;
  }
  return count;
}

static int is_legal(const mcts_tabular *table, int64_t state, int64_t action) {
  if (action < 0 || action >= table->num_actions) {
    return 0;
  }
  row r = row_of(table, state, action);
  return r.count > 0 && r.slots->probability > 0.0;
}

/* The first slot with a threshold above the draw. */
static const slot *bisect(row r, uint64_t draw) {
  while (r.count > 1) {
    int32_t half = r.count / 2;
    int beyond = draw >= r.slots[half - 1].threshold;
    r.slots += beyond ? half : 0;
    r.count = beyond ? r.count - half : half;
  }
  return r.slots;
}

/* An outcome of a legal action. The draw is that of mcts_random_double, before it is scaled. */
static inline const slot *draw_outcome(row r, mcts_bitgen *rng) {
  if (r.slots->threshold == ALONE) {
    return r.slots;
  }
  uint64_t draw = mcts_random_uint64(rng) >> 11;
  if (r.count > SHORT_ROW) {
    return bisect(r, draw);
  }
  int32_t chosen = 0; /* added up without a jump: no processor could predict it */
  for (int32_t i = 0; i < r.count - 1; i++) {
    chosen += draw >= r.slots[i].threshold;
  }
  return r.slots + chosen;
}

/* ---- the model ---------------------------------------------------------------------- */

static int validate(void *ctx, const void *state) {
  const mcts_tabular *table = ctx;
  int64_t s = *(const int64_t *)state;
  if (s < 0 || s >= table->num_states) {
    return fail(MCTS_INVALID_STATE, "is %lld; must be from 0 to %d", (long long)s,
                (int)table->num_states - 1);
  }
  return MCTS_OK;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  const mcts_tabular *table = ctx;
  *result = table->terminal[*(const int64_t *)state];
  return MCTS_OK;
}

static int actions(void *ctx, const void *state, int32_t *count, int32_t *result) {
  const mcts_tabular *table = ctx;
  const int32_t *start = table->legal_start + *(const int64_t *)state;
  *count = start[1] - start[0];
  for (int32_t i = 0; i < *count; i++) {
    result[i] = table->legal[start[0] + i];
  }
  return MCTS_OK;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  const mcts_tabular *table = ctx;
  int64_t s = *(const int64_t *)state;
  (void)observation;
  if (!is_legal(table, s, action)) {
    return fail(MCTS_INVALID_ACTION, "action %lld is not legal in state %lld", (long long)action,
                (long long)s);
  }
  const slot *outcome = draw_outcome(row_of(table, s, action), rng);
  *(int64_t *)next_state = outcome->next_state;
  rewards[0] = outcome->reward;
  *terminated = outcome->terminated;
  return MCTS_OK;
}

static int transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                       double *probabilities, void *next_states, double *rewards,
                       int32_t *terminated) {
  const mcts_tabular *table = ctx;
  int64_t s = *(const int64_t *)state;
  if (!is_legal(table, s, action)) {
    return fail(MCTS_INVALID_ACTION, "action %lld is not legal in state %lld", (long long)action,
                (long long)s);
  }
  row r = row_of(table, s, action);
  *count = num_outcomes(r);
  for (int32_t i = 0; i < *count; i++) {
    probabilities[i] = r.slots[i].probability;
    ((int64_t *)next_states)[i] = r.slots[i].next_state;
    rewards[i] = r.slots[i].reward;
    terminated[i] = r.slots[i].terminated;
  }
  return MCTS_OK;
}

static inline int64_t draw_action(const mcts_tabular *table, int64_t state, mcts_bitgen *rng) {
  if (!table->legal) {
    return mcts_random_below(rng, (uint32_t)table->num_actions);
  }
  const int32_t *start = table->legal_start + state;
  return table->legal[start[0] + (int32_t)mcts_random_below(rng, (uint32_t)(start[1] - start[0]))];
}

/* Uniform actions to the end, drawn as the default rollout draws them: one mcts_random_below
 * a step, then what `sample` draws. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  const mcts_tabular *table = ctx;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  int64_t s = *(const int64_t *)state;
  double total = 0.0;
  double weight = 1.0;
  int32_t terminated = 0;
  int64_t step = 0;

  while (step < max_steps && !terminated) {
    int64_t action = draw_action(table, s, &local);
    const slot *outcome = draw_outcome(row_of(table, s, action), &local);
    total += weight * outcome->reward;
    weight *= discount;
    s = outcome->next_state;
    terminated = outcome->terminated;
    step++;
  }
  *(uint64_t *)rng->state = counter;
  returns[0] = total;
  *steps = step;
  return MCTS_OK;
}

/* ---- building ----------------------------------------------------------------------- */

static int32_t longest_row(const mcts_tabular_source *source, int64_t num_rows) {
  int32_t longest = 1;
  for (int64_t i = 0; i < num_rows; i++) {
    int32_t length = source->row_start[i + 1] - source->row_start[i];
    longest = length > longest ? length : longest;
  }
  return longest;
}

static void *copy_of(const void *array, size_t count, size_t size) {
  void *copy = calloc(count, size); /* checks the product */
  return copy ? memcpy(copy, array, count * size) : NULL;
}

/* Zeros, whole cache lines of them. */
static slot *new_slots(size_t count) {
  const size_t per_line = CACHE_LINE / sizeof(slot);
  size_t lines = count / per_line + 1;
  if (lines > SIZE_MAX / CACHE_LINE) {
    return NULL;
  }
  slot *slots = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);
  if (slots) {
    memset(slots, 0, lines * CACHE_LINE);
  }
  return slots;
}

/* Writes entries first .. first + count - 1 of the source into a row. No draw reaches the
 * threshold of the last, so that unused slots behind it are never chosen. */
static void fill_row(slot *slots, int32_t width, const mcts_tabular_source *source,
                     int32_t first, int32_t count) {
  double cumulative = 0.0;
  for (int32_t i = 0; i < count; i++) {
    cumulative += source->probabilities[first + i];
    int certain = i == count - 1 || cumulative >= 1.0;
    slots[i] = (slot){
        /* draw * 2^-53 >= cumulative exactly where draw >= the next integer upwards */
        .threshold = certain ? CERTAIN : (uint64_t)ceil(cumulative * 0x1p53),
        .probability = source->probabilities[first + i],
        .reward = source->rewards[first + i],
        .next_state = source->next_states[first + i],
        .terminated = source->terminated[first + i],
    };
  }
  for (int32_t i = count; i < width; i++) {
    slots[i].threshold = CERTAIN;
  }
  if (count == 1) {
    slots[0].threshold = ALONE;
  }
}

static int fill_slots(mcts_tabular *table, const mcts_tabular_source *source, int64_t num_rows,
                      int32_t longest) {
  int32_t num_outcomes_in_all = source->row_start[num_rows];
  int64_t num_padded = num_rows * longest;
  if (num_padded / 2 <= num_outcomes_in_all) {
    table->width = longest;
    table->slots_per_state = (int64_t)longest * table->num_actions;
    table->slots = new_slots((size_t)num_padded);
  } else {
    table->slots = new_slots((size_t)num_outcomes_in_all);
    table->row_start = copy_of(source->row_start, (size_t)num_rows + 1, sizeof(int32_t));
  }
  if (!table->slots || (!table->width && !table->row_start)) {
    return MCTS_ERROR;
  }
  for (int64_t i = 0; i < num_rows; i++) {
    int32_t first = source->row_start[i];
    slot *slots = table->slots + (table->width ? i * table->width : first);
    fill_row(slots, table->width, source, first, source->row_start[i + 1] - first);
  }
  return MCTS_OK;
}

static int fill_legal(mcts_tabular *table, const mcts_tabular_source *source, int64_t num_rows) {
  const int32_t *row_start = source->row_start;
  int32_t num_legal = 0;
  for (int64_t i = 0; i < num_rows; i++) {
    num_legal += row_start[i + 1] > row_start[i];
  }
  if (num_legal == num_rows) {
    return MCTS_OK;
  }
  table->legal_start = calloc((size_t)table->num_states + 1, sizeof *table->legal_start);
  table->legal = calloc((size_t)num_legal + 1, sizeof *table->legal);
  if (!table->legal_start || !table->legal) {
    return MCTS_ERROR;
  }
  int32_t found = 0;
  for (int64_t i = 0; i < num_rows; i++) {
    if (row_start[i + 1] > row_start[i]) {
      table->legal[found++] = (int32_t)(i % table->num_actions);
    }
    table->legal_start[i / table->num_actions + 1] = found;
  }
  return MCTS_OK;
}

mcts_tabular *mcts_tabular_new(const mcts_tabular_source *source) {
  int64_t num_rows = (int64_t)source->num_states * source->num_actions;
  mcts_tabular *table = calloc(1, sizeof *table);
  if (!table) {
    return NULL;
  }
  table->num_states = source->num_states;
  table->num_actions = source->num_actions;
  int32_t longest = longest_row(source, num_rows);
  table->model = (mcts_model){
      .abi_version = MCTS_MODEL_ABI_VERSION,
      .struct_size = sizeof(mcts_model),
      .flags = MCTS_MODEL_THREAD_SAFE | (longest == 1 ? MCTS_MODEL_DETERMINISTIC : 0),
      .ctx = table,
      .discount = source->discount,
      .state_bytes = sizeof(int64_t),
      .num_actions = (uint32_t)source->num_actions,
      .max_actions = (uint32_t)source->num_actions,
      .max_outcomes = (uint32_t)longest,
      .num_players = 1,
      .error_text = failure_text,
      .validate = validate,
      .terminal = terminal,
      .sample = sample,
      .transitions = transitions,
      .rollout = rollout,
  };
  table->terminal = copy_of(source->terminal, (size_t)source->num_states, 1);
  if (!table->terminal || fill_slots(table, source, num_rows, longest) != MCTS_OK ||
      fill_legal(table, source, num_rows) != MCTS_OK) {
    mcts_tabular_free(table);
    return NULL;
  }
  table->model.actions = table->legal ? actions : NULL;
  return table;
}

void mcts_tabular_free(mcts_tabular *table) {
  if (!table) {
    return;
  }
  free(table->row_start);
  free(table->slots);
  free(table->terminal);
  free(table->legal_start);
  free(table->legal);
  free(table);
}

const mcts_model *mcts_tabular_model(const mcts_tabular *table) { return &table->model; }

/* ---- reading it back ----------------------------------------------------------------- */

mcts_tabular_source mcts_tabular_sizes(const mcts_tabular *table, int32_t *num_outcomes_in_all) {
  *num_outcomes_in_all = 0;
  for (int64_t state = 0; state < table->num_states; state++) {
    for (int32_t action = 0; action < table->num_actions; action++) {
      *num_outcomes_in_all += num_outcomes(row_of(table, state, action));
    }
  }
  return (mcts_tabular_source){
      .num_states = table->num_states,
      .num_actions = table->num_actions,
      .discount = table->model.discount,
  };
}

void mcts_tabular_read(const mcts_tabular *table, int32_t *row_start, double *probabilities,
                       int32_t *next_states, double *rewards, uint8_t *terminated,
                       uint8_t *terminal) {
  int32_t written = 0;
  *row_start++ = 0;
  for (int64_t state = 0; state < table->num_states; state++) {
    for (int32_t action = 0; action < table->num_actions; action++) {
      row r = row_of(table, state, action);
      int32_t count = num_outcomes(r);
      for (int32_t i = 0; i < count; i++, written++) {
        probabilities[written] = r.slots[i].probability;
        next_states[written] = r.slots[i].next_state;
        rewards[written] = r.slots[i].reward;
        terminated[written] = (uint8_t)r.slots[i].terminated;
      }
      *row_start++ = written;
    }
  }
  memcpy(terminal, table->terminal, (size_t)table->num_states);
}
