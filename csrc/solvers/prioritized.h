/* Backups in the order of how much they may change.
 *
 * The priority of a state is at least its Bellman residual: when a state's value changes by d, that
 * of a state before it may change by discount * p * d, which is added to its priority, and a backup
 * sets its own to 0. So when no priority is above a threshold, no residual is.
 *
 * Source: Moore and Atkeson (1993); Andre, Friedman and Parr (1998), whose sums these are; Wingate
 * and Seppi (2005), section 3. */
#ifndef MCTS_PRIORITIZED_H
#define MCTS_PRIORITIZED_H

#include "predecessors.h"

/* A heap of all states, the one of the highest priority on top. */
typedef struct prioritized {
  const sparse_table *table;
  const predecessors *links;
  double discount;
  double *values;   /* [num_states], the caller's */
  double *priority; /* [num_states] */
  int32_t *heap;    /* [num_states]: states, the children of place i at 2 i + 1 and 2 i + 2 */
  int32_t *place;   /* [num_states]: of each state in the heap */
} prioritized;

/* Begins with the residuals of the values. NULL: no memory. The arguments must outlive it. */
prioritized *prioritized_new(const sparse_table *table, const predecessors *links,
                             double discount, double *values);
void prioritized_free(prioritized *p);

/* Backs up the state on top until it has no priority above the threshold, at most so often. Returns
 * how often. */
int64_t prioritized_run(prioritized *p, double threshold, int64_t most_backups);

#endif
