#include "sweep.h"

#include <math.h>
#include <pthread.h>

enum {
  MOST_THREADS = 64,
  NEAR_STATES = 1 << 15, /* their values fit in a second-level cache */
  AHEAD = 48             /* entries: how early a value is asked for */
};

void sweep_nothing(sweep_change *change) {
  *change = (sweep_change){.least = INFINITY, .greatest = -INFINITY, .largest = 0.0};
}

static inline double expected_value(const sparse_table *table, int32_t row, const double *values,
                                    int is_wide) {
  const int32_t last = table->row_start[row + 1];
  double sum = 0.0;
  for (int32_t k = table->row_start[row]; k < last; k++) {
    if (is_wide) {
      __builtin_prefetch(values + table->next_state[k + AHEAD]);
    }
    sum += table->probability[k] * values[table->next_state[k]];
  }
  return sum;
}

static inline double row_value(const sweep_job *job, int32_t row, int is_wide) {
  double reward = job->table->row_reward[row];
  if (job->discount == 0.0) { /* as where all values are 0 */
    return reward;
  }
  return reward + job->discount * expected_value(job->table, row, job->values, is_wide);
}

static inline void note(sweep_change *change, double old, double new_value) {
  double difference = new_value - old, magnitude = fabs(new_value);
  change->least = difference < change->least ? difference : change->least;
  change->greatest = difference > change->greatest ? difference : change->greatest;
  change->largest = magnitude > change->largest ? magnitude : change->largest;
}

static inline void back_up(const sweep_job *job, int32_t state, int is_wide,
                           sweep_change *change) {
  const sparse_table *table = job->table;
  int32_t row = table->state_start[state], last = table->state_start[state + 1], best_row = row;
  double *q = job->q ? job->q + (int64_t)state * table->num_actions : NULL;
  double best = -INFINITY;
  if (row == last) {
    if (job->chain) {
      sparse_table_append(job->chain, table, state, -1);
    }
    return;
  }
  for (; row < last; row++) {
    double value = row_value(job, row, is_wide);
    if (q) {
      q[table->row_action[row]] = value;
    }
    best_row = value > best ? row : best_row;
    best = value > best ? value : best;
  }
  if (job->policy) {
    job->policy[state] = table->row_action[best_row];
  }
  if (job->chain) {
    sparse_table_append(job->chain, table, state, best_row);
  }
  note(change, job->values[state], best);
  job->new_values[state] = best;
}

/* The values do not stay near the core: it pays to ask for them early. */
static int is_wide(const sparse_table *table) { return table->num_states > NEAR_STATES; }

static inline void sweep_range(const sweep_job *job, int32_t begin, int32_t end, int backwards,
                               int wide, sweep_change *change) {
  sweep_change seen = *change; /* a copy can stay in registers */
  if (backwards) {
    for (int32_t state = end; state-- > begin;) {
      back_up(job, state, wide, &seen);
    }
  } else {
    for (int32_t state = begin; state < end; state++) {
      back_up(job, state, wide, &seen);
    }
  }
  *change = seen;
}

void sweep_states(const sweep_job *job, int32_t begin, int32_t end, int backwards,
                  sweep_change *change) {
  if (is_wide(job->table)) { /* each with a constant, for a loop of its own */
    sweep_range(job, begin, end, backwards, 1, change);
  } else {
    sweep_range(job, begin, end, backwards, 0, change);
  }
}

void sweep_listed(const sweep_job *job, const int32_t *states, int64_t count,
                  sweep_change *change) {
  for (int64_t i = 0; i < count; i++) {
    back_up(job, states[i], 0, change);
  }
}

/* ---- threads ------------------------------------------------------------------------- */

typedef struct share {
  const sweep_job *job;
  int32_t begin, end;
  sweep_change change;
  char own_line[64];
} share;

static void *sweep_share(void *argument) {
  share *part = argument;
  sweep_states(part->job, part->begin, part->end, 0, &part->change);
  return NULL;
}

static void put_together(sweep_change *change, const sweep_change *part) {
  change->least = part->least < change->least ? part->least : change->least;
  change->greatest = part->greatest > change->greatest ? part->greatest : change->greatest;
  change->largest = part->largest > change->largest ? part->largest : change->largest;
}

void sweep_by_threads(const sweep_job *job, int32_t begin, int32_t end, int32_t num_threads,
                      sweep_change *change) {
  pthread_t threads[MOST_THREADS];
  share shares[MOST_THREADS];
  int started[MOST_THREADS] = {0};
  int32_t count = num_threads < MOST_THREADS ? num_threads : MOST_THREADS;
  count = count < 1 ? 1 : count;
  for (int32_t i = 0; i < count; i++) {
    int64_t width = (int64_t)end - begin;
    shares[i].job = job;
    shares[i].begin = begin + (int32_t)(width * i / count);
    shares[i].end = begin + (int32_t)(width * (i + 1) / count);
    sweep_nothing(&shares[i].change);
    started[i] = i > 0 && pthread_create(&threads[i], NULL, sweep_share, &shares[i]) == 0;
  }
  for (int32_t i = 0; i < count; i++) {
    if (started[i]) {
      pthread_join(threads[i], NULL);
    } else { /* the first, and whatever the system had no thread for */
      sweep_share(&shares[i]);
    }
    put_together(change, &shares[i].change);
  }
}
