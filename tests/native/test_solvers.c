/* The solvers' kernels: on a world worked out by hand, and on drawn ones beside what is plainly so. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "predecessors.h"
#include "prioritized.h"
#include "sweep.h"

/* ---- a world by hand ----------------------------------------------------------------- */

/*     0  action 0: to 1 for -1;  action 1: to 1 for 1 and to 1 for 3, .25 each, else it ends for 2
 *     1  action 0: to 0;  action 1: to 2
 *     2  action 0: stays, for nothing
 *     3  action 0: to 4 for 1
 *     4  action 0: to 3 for 1;  action 1: ends in 5, which is terminal */
enum { STATES = 6, ACTIONS = 2, OUTCOMES = 10 };

static const int32_t ROW_START[STATES * ACTIONS + 1] = {0, 1, 4, 5, 6, 7, 7, 8, 8, 9, 10, 10, 10};
static const double PROBABILITIES[OUTCOMES] = {1, 0.25, 0.25, 0.5, 1, 1, 1, 1, 1, 1};
static const int32_t NEXT[OUTCOMES] = {1, 1, 1, 5, 0, 2, 2, 4, 3, 5};
static const double REWARDS[OUTCOMES] = {-1, 1, 3, 2, 0, 0, 0, 1, 1, 0};
static const uint8_t TERMINATED[OUTCOMES] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
static const uint8_t TERMINAL[STATES] = {0, 0, 0, 0, 0, 1};

/* Of the table that it becomes: a row for each legal action. */
enum { ROW_0_0, ROW_0_1, ROW_1_0, ROW_1_1, ROW_2_0, ROW_3_0, ROW_4_0, ROW_4_1, ROWS };

static sparse_table *new_world(void) {
  sparse_table *table = sparse_table_new(&(sparse_source){
      .num_states = STATES,
      .num_actions = ACTIONS,
      .row_start = ROW_START,
      .probabilities = PROBABILITIES,
      .next_states = NEXT,
      .rewards = REWARDS,
      .terminated = TERMINATED,
      .terminal = TERMINAL,
  });
  CHECK(table);
  return table;
}

static void rows_are_the_legal_actions(const sparse_table *table) {
  CHECK(table->num_rows == ROWS && table->state_start[STATES] == ROWS);
  CHECK(sparse_table_row(table, 4, 1) == ROW_4_1 && sparse_table_row(table, 2, 1) == -1);
  CHECK(table->row_action[ROW_1_1] == 1 && table->row_action[ROW_3_0] == 0);
}

static void outcomes_that_lead_to_one_state_are_one_entry(const sparse_table *table) {
  int32_t first = table->row_start[ROW_0_1];
  CHECK(table->row_start[ROW_0_1 + 1] == first + 1);
  CHECK(table->next_state[first] == 1 && table->probability[first] == 0.5);
  CHECK(table->row_reward[ROW_0_1] == 0.25 * 1 + 0.25 * 3 + 0.5 * 2);
  CHECK(table->longest_row == 1 && table->num_entries == ROWS - 1);
}

static void what_ends_is_no_entry(const sparse_table *table) {
  CHECK(table->row_start[ROW_4_1] == table->row_start[ROW_4_1 + 1]);
  for (int32_t row = 0; row < ROWS; row++) {
    CHECK(table->row_ends[row] == (row == ROW_0_1 || row == ROW_4_1));
  }
  CHECK(table->least_mass == 0.0 && table->greatest_mass == 1.0);
}

/* At discount 0.5, from values of 0. */
static void backups_are_those_of_the_book(const sparse_table *table) {
  double values[STATES] = {0}, found[STATES] = {0}, q[STATES * ACTIONS];
  int32_t policy[STATES] = {7, 7, 7, 7, 7, 7};
  sweep_change change;
  for (int i = 0; i < STATES * ACTIONS; i++) {
    q[i] = -INFINITY;
  }
  sweep_job job = {table, 0.5, values, found, q, policy, NULL};
  sweep_nothing(&change);
  sweep_states(&job, 0, STATES, 0, &change);
  const double once[STATES] = {2, 0, 0, 1, 1, 0};
  CHECK(memcmp(found, once, sizeof once) == 0);
  CHECK(change.least == 0 && change.greatest == 2 && change.largest == 2);
  CHECK(q[0] == -1 && q[1] == 2 && q[8] == 1 && q[9] == 0);
  CHECK(q[5] == -INFINITY && q[10] == -INFINITY); /* not legal, and terminal: left as they were */
  const int32_t best[STATES] = {1, 0, 0, 0, 0, 7}; /* the first of those that tie */
  CHECK(memcmp(policy, best, sizeof best) == 0);
}

static void in_place_each_sees_what_those_before_have_become(const sparse_table *table) {
  const double forwards[STATES] = {2, 1, 0, 1, 1.5, 0}, backwards[STATES] = {2, 0, 0, 1.5, 1, 0};
  for (int turn = 0; turn < 2; turn++) {
    double values[STATES] = {0};
    sweep_change change;
    sweep_job job = {table, 0.5, values, values, NULL, NULL, NULL};
    sweep_nothing(&change);
    sweep_states(&job, 0, STATES, turn, &change);
    CHECK(memcmp(values, turn ? backwards : forwards, sizeof values) == 0);
  }
}

static void a_list_is_backed_up_in_its_order(const sparse_table *table) {
  double values[STATES] = {0};
  const int32_t listed[4] = {4, 3, 4, 5};
  sweep_change change;
  sweep_job job = {table, 0.5, values, values, NULL, NULL, NULL};
  sweep_nothing(&change);
  sweep_listed(&job, listed, 4, &change);
  const double expected[STATES] = {0, 0, 0, 1.5, 1.75, 0};
  CHECK(memcmp(values, expected, sizeof values) == 0);
  CHECK(change.least == 0.75 && change.greatest == 1.5 && change.largest == 1.75);
}

static void links_are_the_entries_the_other_way(const predecessors *links) {
  CHECK(links->num_links == ROWS - 1);
  CHECK(links->start[1] - links->start[0] == 1 && links->row[links->start[0]] == ROW_1_0);
  CHECK(links->start[2] - links->start[1] == 2);
  CHECK(links->row[links->start[1]] == ROW_0_0 && links->row[links->start[1] + 1] == ROW_0_1);
  CHECK(links->probability[links->start[1] + 1] == 0.5 && links->state[links->start[1]] == 0);
  CHECK(links->start[6] == links->start[5]); /* nothing goes on in the terminal state */
}

static void episodes_end_where_they_can(const sparse_table *table, const predecessors *links) {
  int32_t policy[STATES] = {-1, -1, -1, -1, -1, -1}, pending[STATES];
  uint8_t reached[STATES], allowed[ROWS];
  CHECK(ending_policy(table, links, NULL, policy, reached, pending) == STATES);
  CHECK(policy[0] == 1 && policy[2] == 0 && policy[3] == 0 && policy[4] == 1 && policy[5] == -1);
  memset(allowed, 1, sizeof allowed);
  allowed[ROW_0_1] = allowed[ROW_4_1] = 0; /* then to stay in 2 for nothing is the only end */
  policy[3] = policy[4] = -1;
  CHECK(ending_policy(table, links, allowed, policy, reached, pending) == 4);
  CHECK(policy[0] == 0 && policy[1] == 1 && policy[3] == -1 && policy[4] == -1);
  CHECK(!reached[3] && !reached[4] && reached[2] && reached[5]);
}

static void episodes_are_kept_where_they_can(const sparse_table *table,
                                             const predecessors *links) {
  uint8_t stays[ROWS], everywhere[STATES] = {1, 1, 1, 1, 1, 1}, two[STATES] = {1, 1};
  uint8_t alone[STATES] = {0, 0, 0, 1};
  int32_t left[STATES], pending[STATES];
  endless_states(table, links, everywhere, stays, left, pending);
  CHECK(everywhere[0] && everywhere[1] && everywhere[2] && everywhere[3] && everywhere[4]);
  CHECK(!everywhere[5] && !stays[ROW_0_1] && !stays[ROW_4_1] && stays[ROW_1_1]);
  endless_states(table, links, two, stays, left, pending);
  CHECK(two[0] && two[1] && !two[2] && stays[ROW_0_0] && stays[ROW_1_0] && !stays[ROW_1_1]);
  endless_states(table, links, alone, stays, left, pending);
  CHECK(!alone[3] && !stays[ROW_3_0]);
}

static void a_policy_is_a_table_of_one_action(const sparse_table *table) {
  int32_t policy[STATES] = {1, 0, 0, 0, 1, 0};
  sparse_table *chain = sparse_table_for_policy(table);
  CHECK(chain && sparse_table_policy_entries(table) == 5);
  CHECK(sparse_table_follow(chain, table, policy) == -1);
  CHECK(chain->num_actions == 1 && chain->num_rows == 5 && chain->num_entries == 4);
  CHECK(chain->row_reward[0] == 2 && chain->row_ends[4] && chain->row_action[4] == 0);
  policy[3] = 1;
  CHECK(sparse_table_follow(chain, table, policy) == 3 && chain->num_rows == 0);
  sparse_table_free(chain);
}

static void a_mixture_is_one_too(const sparse_table *table) {
  const double weights[STATES * ACTIONS] = {0.5, 0.5, 0.25, 0.75, 1, 9, 1, 9, 0, 1, 9, 9};
  sparse_table *chain = sparse_table_mix(table, weights);
  CHECK(chain && chain->num_rows == 5);
  CHECK(chain->row_reward[0] == 0.5 * -1 + 0.5 * 2 && chain->row_ends[0]);
  CHECK(chain->row_start[1] == 1 && chain->probability[0] == 0.5 + 0.5 * 0.5);
  CHECK(chain->row_start[2] == 3 && chain->probability[1] == 0.25 && chain->probability[2] == 0.75);
  CHECK(chain->row_start[5] == chain->row_start[4]); /* 4 ends for certain */
  sparse_table_free(chain);
}

/* ---- drawn worlds -------------------------------------------------------------------- */

enum { PLACES = 40, MOVES = 3, BRANCHES = 3, MOST = PLACES * MOVES * BRANCHES, WORLDS = 200 };

typedef struct drawn_world {
  int32_t row_start[PLACES * MOVES + 1], next_states[MOST];
  double probabilities[MOST], rewards[MOST];
  uint8_t terminated[MOST], terminal[PLACES];
} drawn_world;

static uint32_t below(uint64_t *state, uint32_t limit) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 33) % limit;
}

/* Some states are terminal; every other has a legal action at least; few outcomes end. */
static sparse_table *draw_world(drawn_world *w, uint64_t *state) {
  int32_t count = 0;
  memset(w, 0, sizeof *w);
  for (int32_t row = 0; row < PLACES * MOVES; row++) {
    int32_t place = row / MOVES;
    w->terminal[place] = place % 9 == 8;
    int32_t branches = row % MOVES && below(state, 3) == 0 ? 0 : 1 + (int32_t)below(state, BRANCHES);
    for (int32_t i = 0; i < branches && !w->terminal[place]; i++) {
      w->next_states[count] = (int32_t)below(state, PLACES);
      w->probabilities[count] = 1.0 / branches;
      w->rewards[count] = (double)below(state, 9) - 4.0;
      w->terminated[count] = below(state, 12) == 0 || w->next_states[count] % 9 == 8;
      count++;
    }
    w->row_start[row + 1] = count;
  }
  sparse_table *table = sparse_table_new(&(sparse_source){
      .num_states = PLACES,
      .num_actions = MOVES,
      .row_start = w->row_start,
      .probabilities = w->probabilities,
      .next_states = w->next_states,
      .rewards = w->rewards,
      .terminated = w->terminated,
      .terminal = w->terminal,
  });
  CHECK(table);
  return table;
}

/* How far a state is from its backup. */
static double residual(const sparse_table *table, double discount, const double *values,
                       int32_t state) {
  double best = -INFINITY;
  for (int32_t row = table->state_start[state]; row < table->state_start[state + 1]; row++) {
    double q = table->row_reward[row];
    for (int32_t k = table->row_start[row]; k < table->row_start[row + 1]; k++) {
      q += discount * table->probability[k] * values[table->next_state[k]];
    }
    best = q > best ? q : best;
  }
  return best == -INFINITY ? 0.0 : fabs(best - values[state]);
}

/* The most urgent is on top, each knows its place, and none is more wrong than it is said to be. */
static void require_heap(const prioritized *p) {
  for (int32_t i = 0; i < PLACES; i++) {
    CHECK(p->place[p->heap[i]] == i);
    CHECK(i == 0 || p->priority[p->heap[(i - 1) / 2]] >= p->priority[p->heap[i]]);
    CHECK(residual(p->table, p->discount, p->values, i) <= p->priority[i] + 1e-9);
  }
}

static void priorities_bound_residuals(const sparse_table *table, const predecessors *links) {
  double values[PLACES] = {0}, by_sweeps[PLACES] = {0};
  prioritized *p = prioritized_new(table, links, 0.9, values);
  CHECK(p);
  for (int i = 0; i < 30; i++) {
    require_heap(p);
    CHECK(prioritized_run(p, 1e-6, 5) <= 5);
  }
  prioritized_run(p, 1e-6, INT64_MAX);
  require_heap(p);
  CHECK(p->priority[p->heap[0]] <= 1e-6 && prioritized_run(p, 1e-6, INT64_MAX) == 0);
  prioritized_free(p);
  sweep_job job = {table, 0.9, by_sweeps, by_sweeps, NULL, NULL, NULL};
  for (int i = 0; i < 400; i++) {
    sweep_change change;
    sweep_nothing(&change);
    sweep_states(&job, 0, PLACES, i % 2, &change);
  }
  for (int32_t state = 0; state < PLACES; state++) {
    CHECK(fabs(values[state] - by_sweeps[state]) < 2e-5); /* 1e-6 / (1 - 0.9), twice */
  }
}

/* Whether some entry of the row leads to a state that is marked so. */
static int leads_to(const sparse_table *table, int32_t row, const uint8_t *marked, int mark) {
  for (int32_t k = table->row_start[row]; k < table->row_start[row + 1]; k++) {
    if (marked[table->next_state[k]] == mark) {
      return 1;
    }
  }
  return 0;
}

/* Marks grow until nothing is found any more. */
static void ends_are_those_that_a_search_finds(const sparse_table *table,
                                               const predecessors *links) {
  int32_t policy[PLACES], pending[PLACES], count = 0, grows = 1;
  uint8_t reached[PLACES], found[PLACES] = {0};
  ending_policy(table, links, NULL, policy, reached, pending);
  while (grows) {
    grows = 0;
    for (int32_t s = 0; s < PLACES; s++) {
      uint8_t before = found[s];
      found[s] |= table->state_start[s] == table->state_start[s + 1];
      for (int32_t row = table->state_start[s]; row < table->state_start[s + 1]; row++) {
        found[s] |= (uint8_t)(table->row_ends[row] || leads_to(table, row, found, 1));
      }
      grows |= found[s] != before;
    }
  }
  for (int32_t s = 0; s < PLACES; s++) {
    count += found[s];
    CHECK(reached[s] >= found[s]); /* more, where a state that all stay in for nothing is an end */
    if (reached[s] && table->state_start[s] < table->state_start[s + 1]) {
      CHECK(sparse_table_row(table, s, policy[s]) >= 0);
    }
  }
  CHECK(count >= PLACES / 9);
}

/* Marks shrink until all that are left have an action that surely leads to one of them. */
static void rounds_are_those_that_a_search_finds(const sparse_table *table,
                                                 const predecessors *links) {
  int32_t left[PLACES], pending[PLACES], shrinks = 1;
  uint8_t inside[PLACES], found[PLACES], stays[PLACES * MOVES];
  for (int32_t s = 0; s < PLACES; s++) {
    inside[s] = found[s] = s % 7 != 3;
  }
  endless_states(table, links, inside, stays, left, pending);
  while (shrinks) {
    shrinks = 0;
    for (int32_t s = 0; s < PLACES; s++) {
      int keeps = 0;
      for (int32_t row = table->state_start[s]; row < table->state_start[s + 1]; row++) {
        keeps |= !table->row_ends[row] && !leads_to(table, row, found, 0);
      }
      shrinks |= found[s] && !keeps;
      found[s] = found[s] && keeps;
    }
  }
  CHECK(memcmp(inside, found, sizeof found) == 0);
  for (int32_t s = 0; s < PLACES; s++) {
    for (int32_t row = table->state_start[s]; row < table->state_start[s + 1]; row++) {
      int keeps = found[s] && !table->row_ends[row] && !leads_to(table, row, found, 0);
      CHECK(stays[row] == keeps);
    }
  }
}

int main(void) {
  sparse_table *table = new_world();
  predecessors *links = predecessors_new(table);
  CHECK(links);
  rows_are_the_legal_actions(table);
  outcomes_that_lead_to_one_state_are_one_entry(table);
  what_ends_is_no_entry(table);
  backups_are_those_of_the_book(table);
  in_place_each_sees_what_those_before_have_become(table);
  a_list_is_backed_up_in_its_order(table);
  links_are_the_entries_the_other_way(links);
  episodes_end_where_they_can(table, links);
  episodes_are_kept_where_they_can(table, links);
  a_policy_is_a_table_of_one_action(table);
  a_mixture_is_one_too(table);
  predecessors_free(links);
  sparse_table_free(table);
  static drawn_world w;
  uint64_t state = 1;
  for (int i = 0; i < WORLDS; i++) {
    table = draw_world(&w, &state);
    links = predecessors_new(table);
    CHECK(links);
    priorities_bound_residuals(table, links);
    ends_are_those_that_a_search_finds(table, links);
    rounds_are_those_that_a_search_finds(table, links);
    predecessors_free(links);
    sparse_table_free(table);
  }
  prioritized_free(NULL);
  predecessors_free(NULL);
  return 0;
}
