/* A sparse table.
 *
 *     state s            rows state_start[s] .. state_start[s + 1] - 1, one a legal action;
 *                        a terminal state has none
 *
 *     state_start  | 0           2     3       ...
 *     row_action   | 0     2   | 1   | ...              where state 0 has no action 1
 *     row_reward   | 1.0  -0.5 | 0.0 | ...
 *     row_start    | 0     3     4     4 ...            the last: it ends for certain
 *
 *     probability  | .8 .1 .1 | 1 | ...
 *     next_state   |  4  5  7 | 0 | ...
 *
 * An entry is an outcome that goes on. Those that end are in the reward alone, and so the entries of
 * a row add up to less than 1 where it may end. Outcomes of a row that lead to one state are one
 * entry. A sweep reads probability, next_state, row_reward and row_start from front to back, 12
 * bytes an entry, and nothing twice but the values. */
#include "sparse_table.h"

#include <stdlib.h>
#include <string.h>

enum { PADDING = 64 /* entries behind the last, which a sweep looks ahead to */ };

/* How far a row's probabilities may be from 1 by rounding. */
static const double NEARLY = 1e-9;

void sparse_table_free(sparse_table *table) {
  if (!table) {
    return;
  }
  free(table->state_start);
  free(table->row_action);
  free(table->row_start);
  free(table->row_reward);
  free(table->row_ends);
  free(table->probability);
  free(table->next_state);
  free(table);
}

static sparse_table *allocate(int32_t num_states, int32_t num_actions, int32_t num_rows,
                              int64_t num_entries) {
  if (num_entries > INT32_MAX - PADDING) {
    return NULL;
  }
  sparse_table *table = calloc(1, sizeof *table);
  if (!table) {
    return NULL;
  }
  size_t states = (size_t)num_states, rows = (size_t)num_rows, entries = (size_t)num_entries;
  table->num_states = num_states;
  table->num_actions = num_actions;
  table->row_capacity = num_rows;
  table->entry_capacity = (int32_t)num_entries;
  table->state_start = calloc(states + 1, sizeof *table->state_start);
  table->row_action = calloc(rows + 1, sizeof *table->row_action);
  table->row_start = calloc(rows + 1, sizeof *table->row_start);
  table->row_reward = calloc(rows + 1, sizeof *table->row_reward);
  table->row_ends = calloc(rows + 1, sizeof *table->row_ends);
  table->probability = calloc(entries + PADDING, sizeof *table->probability);
  table->next_state = calloc(entries + PADDING, sizeof *table->next_state);
  if (!table->state_start || !table->row_action || !table->row_start || !table->row_reward ||
      !table->row_ends || !table->probability || !table->next_state) {
    sparse_table_free(table);
    return NULL;
  }
  return table;
}

/* ---- writing rows, one behind the other ---------------------------------------------- */

static void begin(sparse_table *table) {
  table->num_rows = 0;
  table->num_entries = 0;
  table->least_mass = 1.0;
  table->greatest_mass = 0.0;
  table->longest_row = 0;
}

/* Adds to the entry of the row being written that leads there, or begins it. `place` is of each state
 * the last entry that was begun for it, of whatever row: one look tells, however long the row. */
static void add_entry(sparse_table *table, int32_t *place, int32_t next_state,
                      double probability) {
  int32_t k = place[next_state];
  if (k >= table->row_start[table->num_rows] && k < table->num_entries &&
      table->next_state[k] == next_state) {
    table->probability[k] += probability;
    return;
  }
  place[next_state] = table->num_entries;
  table->next_state[table->num_entries] = next_state;
  table->probability[table->num_entries++] = probability;
}

static void count_mass(sparse_table *table, double mass) {
  mass = mass > 1.0 - NEARLY ? 1.0 : mass;
  table->least_mass = mass < table->least_mass ? mass : table->least_mass;
  table->greatest_mass = mass > table->greatest_mass ? mass : table->greatest_mass;
}

static void end_row(sparse_table *table, int32_t action, double reward, int ends) {
  double mass = 0.0;
  int32_t length = table->num_entries - table->row_start[table->num_rows];
  for (int32_t k = table->row_start[table->num_rows]; k < table->num_entries; k++) {
    mass += table->probability[k];
  }
  count_mass(table, mass);
  table->longest_row = length > table->longest_row ? length : table->longest_row;
  table->row_action[table->num_rows] = action;
  table->row_reward[table->num_rows] = reward;
  table->row_ends[table->num_rows] = (uint8_t)ends;
  table->row_start[++table->num_rows] = table->num_entries;
}

static void copy_row(sparse_table *table, const sparse_table *source, int32_t row) {
  const int32_t last = source->row_start[row + 1];
  int32_t to = table->num_entries;
  for (int32_t k = source->row_start[row]; k < last; k++, to++) {
    table->probability[to] = source->probability[k];
    table->next_state[to] = source->next_state[k];
  }
  table->num_entries = to;
  end_row(table, 0, source->row_reward[row], source->row_ends[row]);
}

/* ---- from a source ------------------------------------------------------------------- */

static void write_row(sparse_table *table, int32_t *place, const sparse_source *source,
                      int32_t action, int32_t first, int32_t last) {
  double reward = 0.0;
  int ends = 0;
  for (int32_t i = first; i < last; i++) {
    int32_t next_state = source->next_states[i];
    reward += source->probabilities[i] * source->rewards[i];
    if (source->terminated[i] || source->terminal[next_state]) {
      ends = 1;
    } else {
      add_entry(table, place, next_state, source->probabilities[i]);
    }
  }
  end_row(table, action, reward, ends);
}

sparse_table *sparse_table_new(const sparse_source *source) {
  int64_t num_rows = (int64_t)source->num_states * source->num_actions;
  if (num_rows >= INT32_MAX) {
    return NULL;
  }
  sparse_table *table = allocate(source->num_states, source->num_actions, (int32_t)num_rows,
                                 source->row_start[num_rows]);
  int32_t *place = calloc((size_t)source->num_states + 1, sizeof *place);
  if (!table || !place) {
    sparse_table_free(table);
    free(place);
    return NULL;
  }
  begin(table);
  for (int32_t state = 0; state < source->num_states; state++) {
    const int32_t *start = source->row_start + (int64_t)state * source->num_actions;
    for (int32_t action = 0; action < source->num_actions && !source->terminal[state]; action++) {
      if (start[action] < start[action + 1]) {
        write_row(table, place, source, action, start[action], start[action + 1]);
      }
    }
    table->state_start[state + 1] = table->num_rows;
  }
  free(place);
  return table;
}

/* ---- of a policy --------------------------------------------------------------------- */

int32_t sparse_table_row(const sparse_table *table, int32_t state, int32_t action) {
  int32_t first = table->state_start[state], last = table->state_start[state + 1];
  int64_t at_once = (int64_t)first + action; /* where all actions are legal */
  if (action >= 0 && at_once < last && table->row_action[at_once] == action) {
    return (int32_t)at_once;
  }
  for (int32_t row = first; row < last; row++) {
    if (table->row_action[row] == action) {
      return row;
    }
  }
  return -1;
}

int64_t sparse_table_policy_entries(const sparse_table *table) {
  int64_t num_entries = 0;
  for (int32_t state = 0; state < table->num_states; state++) {
    int32_t longest = 0;
    for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
      int32_t length = table->row_start[row + 1] - table->row_start[row];
      longest = length > longest ? length : longest;
    }
    num_entries += longest;
  }
  return num_entries;
}

sparse_table *sparse_table_for_policy(const sparse_table *table) {
  sparse_table *chain =
      allocate(table->num_states, 1, table->num_states, sparse_table_policy_entries(table));
  if (chain) {
    begin(chain);
  }
  return chain;
}

void sparse_table_clear(sparse_table *chain) {
  begin(chain);
  memset(chain->state_start, 0, ((size_t)chain->num_states + 1) * sizeof *chain->state_start);
}

void sparse_table_append(sparse_table *chain, const sparse_table *table, int32_t state,
                         int32_t row) {
  if (row >= 0) {
    copy_row(chain, table, row);
  }
  chain->state_start[state + 1] = chain->num_rows;
}

int32_t sparse_table_follow(sparse_table *chain, const sparse_table *table,
                            const int32_t *policy) {
  begin(chain);
  for (int32_t state = 0; state < table->num_states; state++) {
    int acts = table->state_start[state] < table->state_start[state + 1];
    int32_t row = acts ? sparse_table_row(table, state, policy[state]) : -1;
    if (acts && row < 0) {
      sparse_table_clear(chain);
      return state;
    }
    sparse_table_append(chain, table, state, row);
  }
  return -1;
}

/* Puts all rows of a state together, each by its weight. */
static void mix_rows(sparse_table *chain, int32_t *place, const sparse_table *table,
                     int32_t state, const double *weights) {
  double reward = 0.0;
  int ends = 0;
  for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
    double weight = weights[table->row_action[row]];
    if (weight > 0.0) {
      reward += weight * table->row_reward[row];
      ends |= table->row_ends[row];
      for (int32_t k = table->row_start[row]; k < table->row_start[row + 1]; k++) {
        add_entry(chain, place, table->next_state[k], weight * table->probability[k]);
      }
    }
  }
  end_row(chain, 0, reward, ends);
}

sparse_table *sparse_table_mix(const sparse_table *table, const double *weights) {
  sparse_table *chain = allocate(table->num_states, 1, table->num_states, table->num_entries);
  int32_t *place = calloc((size_t)table->num_states + 1, sizeof *place);
  if (!chain || !place) {
    sparse_table_free(chain);
    free(place);
    return NULL;
  }
  begin(chain);
  for (int32_t state = 0; state < table->num_states; state++) {
    if (table->state_start[state] < table->state_start[state + 1]) {
      mix_rows(chain, place, table, state, weights + (int64_t)state * table->num_actions);
    }
    chain->state_start[state + 1] = chain->num_rows;
  }
  free(place);
  return chain;
}
