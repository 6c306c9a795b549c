/* One Bellman backup of every state: v(s) = max over a of r(s, a) + discount * E v(s').
 *
 * Source: Puterman (1994), sections 6.3.1 and 6.3.3; Bertsekas and Tsitsiklis (1989), 1.1 and 2.6. */
#ifndef MCTS_SWEEP_H
#define MCTS_SWEEP_H

#include "sparse_table.h"

/* What a sweep changed: new value less old one, over the states that have rows. */
typedef struct sweep_change {
  double least;
  double greatest;
  double largest; /* the greatest magnitude of a new value */
} sweep_change;

/* What a sweep reads and writes. */
typedef struct sweep_job {
  const sparse_table *table;
  double discount;
  const double *values; /* [num_states]; those of states without rows are 0 */
  double *new_values;   /* the same array: each state sees what those before it have become */
  double *q;            /* [num_states, num_actions], legal actions alone are written; or NULL */
  int32_t *policy;      /* [num_states], the first of the best actions; or NULL */
  sparse_table *chain;  /* what those actions do is appended, while it is at hand; or NULL. For one
                           thread that sweeps all states forwards */
} sweep_job;

void sweep_nothing(sweep_change *change);

/* States begin .. end - 1, one after the other, from the last to the first if `backwards`. */
void sweep_states(const sweep_job *job, int32_t begin, int32_t end, int backwards,
                  sweep_change *change);

/* The same by so many threads, where new_values is another array: then each state's answer is its
 * own, and all are the same whatever the number of threads. */
void sweep_by_threads(const sweep_job *job, int32_t begin, int32_t end, int32_t num_threads,
                      sweep_change *change);

/* Backs up the states of a list in place, one after the other. */
void sweep_listed(const sweep_job *job, const int32_t *states, int64_t count,
                  sweep_change *change);

#endif
