/* The solvers' kernels: what they keep of a table, and that threads change nothing. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "predecessors.h"
#include "prioritized.h"
#include "sweep.h"

enum { CELLS = 3000, ACTIONS = 2, ENTRIES = CELLS * ACTIONS * 2 };

typedef struct corridor {
  int32_t row_start[CELLS * ACTIONS + 1], next_states[ENTRIES];
  double probabilities[ENTRIES], rewards[ENTRIES];
  uint8_t terminated[ENTRIES], terminal[CELLS];
} corridor;

/* A row of cells. Action 0 is not legal in every third; a step goes the other way one time in four;
 * to reach the last cell pays 1 and ends it. */
static sparse_table *new_corridor(corridor *c) {
  int32_t count = 0;
  memset(c, 0, sizeof *c);
  for (int32_t cell = 0; cell < CELLS; cell++) {
    for (int32_t action = 0; action < ACTIONS; action++) {
      int32_t there = cell + (action ? 1 : -1), back = cell - (action ? 1 : -1);
      for (int32_t i = 0; i < 2 && (action || cell % 3); i++) {
        int32_t next = i ? back : there;
        next = next < 0 ? 0 : next >= CELLS ? CELLS - 1 : next;
        c->next_states[count] = next;
        c->probabilities[count] = i ? 0.25 : 0.75;
        c->rewards[count] = next == CELLS - 1;
        c->terminated[count++] = next == CELLS - 1;
      }
      c->row_start[cell * ACTIONS + action + 1] = count;
    }
  }
  c->terminal[CELLS - 1] = 1;
  sparse_table *table = sparse_table_new(&(sparse_source){
      .num_states = CELLS,
      .num_actions = ACTIONS,
      .row_start = c->row_start,
      .probabilities = c->probabilities,
      .next_states = c->next_states,
      .rewards = c->rewards,
      .terminated = c->terminated,
      .terminal = c->terminal,
  });
  CHECK(table);
  return table;
}

static void a_table_keeps_what_goes_on(const sparse_table *table) {
  CHECK(table->num_rows == (CELLS - 1) * ACTIONS - CELLS / 3);
  CHECK(table->state_start[CELLS] == table->state_start[CELLS - 1]); /* terminal */
  CHECK(table->least_mass == 0.25 && table->greatest_mass == 1.0);
  CHECK(sparse_table_row(table, 0, 0) == -1 && sparse_table_row(table, 0, 1) == 0);
  CHECK(sparse_table_row(table, 1, 0) == 1 && sparse_table_row(table, 1, 2) == -1);
  CHECK(sparse_table_row(table, 1, -1) == -1);
  int32_t last = sparse_table_row(table, CELLS - 2, 1);
  CHECK(table->row_ends[last] && table->row_reward[last] == 0.75);
  CHECK(table->row_start[last + 1] == table->row_start[last] + 1);
}

static void threads_change_nothing(const sparse_table *table) {
  static double values[CELLS], alone[CELLS], together[CELLS], q[CELLS * ACTIONS];
  static int32_t policy[CELLS];
  for (int32_t cell = 0; cell < CELLS - 1; cell++) {
    values[cell] = sin(cell);
  }
  sweep_change one, many;
  sparse_table *chain = sparse_table_for_policy(table), *same = sparse_table_for_policy(table);
  CHECK(chain && same);
  sweep_job job = {table, 0.9, values, alone, q, policy, chain};
  sweep_nothing(&one);
  sweep_states(&job, 0, CELLS, 0, &one);
  job.chain = NULL;
  CHECK(sparse_table_follow(same, table, policy) == -1);
  CHECK(chain->num_rows == same->num_rows && chain->num_entries == same->num_entries);
  CHECK(memcmp(chain->state_start, same->state_start, (CELLS + 1) * sizeof(int32_t)) == 0);
  size_t entries = (size_t)same->num_entries;
  CHECK(memcmp(chain->next_state, same->next_state, entries * sizeof(int32_t)) == 0);
  CHECK(memcmp(chain->probability, same->probability, entries * sizeof(double)) == 0);
  sparse_table_free(chain);
  sparse_table_free(same);
  for (int32_t threads = 1; threads <= 100; threads += 33) {
    memset(together, 0, sizeof together);
    job.new_values = together;
    sweep_nothing(&many);
    sweep_by_threads(&job, 0, CELLS, threads, &many);
    CHECK(memcmp(alone, together, sizeof alone) == 0);
    CHECK(memcmp(&one, &many, sizeof one) == 0);
  }
  for (int32_t cell = 0; cell < CELLS - 1; cell++) {
    CHECK(alone[cell] == q[cell * ACTIONS + policy[cell]]);
  }
}

static void a_policy_that_is_not_legal_leaves_nothing(const sparse_table *table) {
  static int32_t policy[CELLS];
  sparse_table *chain = sparse_table_for_policy(table);
  CHECK(chain);
  for (int32_t cell = 0; cell < CELLS; cell++) {
    policy[cell] = 1;
  }
  CHECK(sparse_table_follow(chain, table, policy) == -1);
  CHECK(chain->num_rows == CELLS - 1 && chain->num_entries == 2 * (CELLS - 2) + 1);
  policy[6] = 0;
  CHECK(sparse_table_follow(chain, table, policy) == 6);
  CHECK(chain->num_rows == 0 && chain->state_start[CELLS] == 0);
  sparse_table_free(chain);
}

static void a_mixture_of_actions_adds_up(const sparse_table *table) {
  static double weights[CELLS * ACTIONS];
  for (int32_t cell = 0; cell < CELLS; cell++) {
    weights[cell * ACTIONS] = cell % 3 ? 0.5 : 0.0;
    weights[cell * ACTIONS + 1] = cell % 3 ? 0.5 : 1.0;
  }
  sparse_table *chain = sparse_table_mix(table, weights);
  CHECK(chain && chain->num_rows == CELLS - 1);
  int32_t first = chain->row_start[chain->state_start[4]];
  CHECK(chain->row_start[chain->state_start[4] + 1] == first + 2);
  CHECK(chain->probability[first] == 0.5 && chain->probability[first + 1] == 0.5);
  sparse_table_free(chain);
}

static void priorities_end_where_sweeps_do(const sparse_table *table) {
  static double by_priority[CELLS], by_sweeps[CELLS];
  static int32_t policy[CELLS], pending[CELLS];
  static uint8_t reached[CELLS];
  predecessors *links = predecessors_new(table);
  CHECK(links && links->start[CELLS] == table->num_entries);
  CHECK(ending_policy(table, links, NULL, policy, reached, pending) == CELLS);
  CHECK(policy[CELLS - 2] == 0 && policy[CELLS - 3] == 1); /* either may end, one leads there */
  prioritized *p = prioritized_new(table, links, 0.9, by_priority);
  CHECK(p);
  CHECK(prioritized_run(p, 1e-9, 3) == 3);
  CHECK(prioritized_run(p, 1e-9, INT64_MAX) > 0);
  CHECK(prioritized_run(p, 1e-9, INT64_MAX) == 0);
  sweep_job job = {table, 0.9, by_sweeps, by_sweeps, NULL, NULL, NULL};
  sweep_change change;
  do {
    sweep_nothing(&change);
    sweep_states(&job, 0, CELLS, 1, &change);
  } while (change.greatest > 1e-12);
  for (int32_t cell = 0; cell < CELLS; cell++) {
    CHECK(fabs(by_priority[cell] - by_sweeps[cell]) < 1e-7);
  }
  prioritized_free(p);
  predecessors_free(links);
}

int main(void) {
  static corridor c;
  sparse_table *table = new_corridor(&c);
  a_table_keeps_what_goes_on(table);
  threads_change_nothing(table);
  a_policy_that_is_not_legal_leaves_nothing(table);
  a_mixture_of_actions_adds_up(table);
  priorities_end_where_sweeps_do(table);
  sparse_table_free(table);
  sparse_table_free(NULL);
  return 0;
}
