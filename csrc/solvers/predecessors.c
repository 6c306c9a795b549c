#include "predecessors.h"

#include <stdlib.h>

void predecessors_free(predecessors *links) {
  if (!links) {
    return;
  }
  free(links->start);
  free(links->row);
  free(links->state);
  free(links->probability);
  free(links);
}

static predecessors *allocate(const sparse_table *table) {
  predecessors *links = calloc(1, sizeof *links);
  if (!links) {
    return NULL;
  }
  size_t count = (size_t)table->num_entries + 1;
  links->num_links = table->num_entries;
  links->start = calloc((size_t)table->num_states + 2, sizeof *links->start);
  links->row = calloc(count, sizeof *links->row);
  links->state = calloc(count, sizeof *links->state);
  links->probability = calloc(count, sizeof *links->probability);
  if (!links->start || !links->row || !links->state || !links->probability) {
    predecessors_free(links);
    return NULL;
  }
  return links;
}

predecessors *predecessors_new(const sparse_table *table) {
  predecessors *links = allocate(table);
  if (!links) {
    return NULL;
  }
  int32_t *filled = links->start + 1; /* ends up one place further on: as where each begins */
  for (int32_t k = 0; k < table->num_entries; k++) {
    filled[table->next_state[k] + 1]++;
  }
  for (int32_t state = 0; state < table->num_states; state++) {
    filled[state + 1] += filled[state];
  }
  for (int32_t state = 0; state < table->num_states; state++) {
    for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
      for (int32_t k = table->row_start[row]; k < table->row_start[row + 1]; k++) {
        int32_t link = filled[table->next_state[k]]++;
        links->row[link] = row;
        links->state[link] = state;
        links->probability[link] = table->probability[k];
      }
    }
  }
  return links;
}

/* ---- ends ---------------------------------------------------------------------------- */

static int is_allowed(const uint8_t *allowed, int32_t row) { return !allowed || allowed[row]; }

/* Every action stays, for nothing. */
static int is_worth_nothing(const sparse_table *table, int32_t state) {
  for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
    int32_t first = table->row_start[row];
    if (table->row_reward[row] != 0.0 || table->row_ends[row] ||
        table->row_start[row + 1] != first + 1 || table->next_state[first] != state) {
      return 0;
    }
  }
  return 1;
}

/* The first allowed row that may end; -1: there is none. */
static int32_t ending_row(const sparse_table *table, const uint8_t *allowed, int32_t state) {
  for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
    if (table->row_ends[row] && is_allowed(allowed, row)) {
      return row;
    }
  }
  return -1;
}

/* Marks the ends. Returns how many. */
static int32_t mark_ends(const sparse_table *table, const uint8_t *allowed, int32_t *policy,
                         uint8_t *reached, int32_t *pending) {
  int32_t count = 0;
  for (int32_t state = 0; state < table->num_states; state++) {
    int has_rows = table->state_start[state] < table->state_start[state + 1];
    int32_t row = ending_row(table, allowed, state);
    reached[state] = row >= 0 || is_worth_nothing(table, state);
    if (reached[state]) {
      pending[count++] = state;
      if (has_rows) {
        policy[state] = table->row_action[row >= 0 ? row : table->state_start[state]];
      }
    }
  }
  return count;
}

int32_t ending_policy(const sparse_table *table, const predecessors *links,
                      const uint8_t *allowed, int32_t *policy, uint8_t *reached,
                      int32_t *pending) {
  int32_t count = mark_ends(table, allowed, policy, reached, pending);
  for (int32_t next = 0; next < count; next++) { /* the list grows as it is read */
    int32_t state = pending[next];
    for (int32_t link = links->start[state]; link < links->start[state + 1]; link++) {
      int32_t before = links->state[link];
      if (!reached[before] && is_allowed(allowed, links->row[link])) {
        reached[before] = 1;
        policy[before] = table->row_action[links->row[link]];
        pending[count++] = before;
      }
    }
  }
  return count;
}

/* ---- rounds -------------------------------------------------------------------------- */

/* Counts the actions of each state that do not end, and lists the states that have none. */
static int32_t mark_leavers(const sparse_table *table, uint8_t *inside, uint8_t *stays,
                            int32_t *left, int32_t *pending) {
  int32_t count = 0;
  for (int32_t state = 0; state < table->num_states; state++) {
    left[state] = 0;
    for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
      stays[row] = inside[state] && !table->row_ends[row];
      left[state] += stays[row];
    }
    if (left[state] == 0) {
      inside[state] = 0;
      pending[count++] = state;
    }
  }
  return count;
}

void endless_states(const sparse_table *table, const predecessors *links, uint8_t *inside,
                    uint8_t *stays, int32_t *left, int32_t *pending) {
  int32_t count = mark_leavers(table, inside, stays, left, pending);
  for (int32_t next = 0; next < count; next++) { /* the list grows as it is read */
    int32_t state = pending[next];
    for (int32_t link = links->start[state]; link < links->start[state + 1]; link++) {
      int32_t row = links->row[link], before = links->state[link];
      if (!stays[row]) {
        continue;
      }
      stays[row] = 0;
      if (--left[before] == 0) {
        inside[before] = 0;
        pending[count++] = before;
      }
    }
  }
}
