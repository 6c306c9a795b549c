/* From where a state is reached: a sparse table, read the other way. */
#ifndef MCTS_PREDECESSORS_H
#define MCTS_PREDECESSORS_H

#include "sparse_table.h"

/* State s is entered by the links start[s] .. start[s + 1] - 1, in the order of their rows. */
typedef struct predecessors {
  int64_t num_links;
  int32_t *start;      /* [num_states + 1] */
  int32_t *row;        /* [num_links] */
  int32_t *state;      /* [num_links]: whose row it is */
  double *probability; /* [num_links] */
} predecessors;

/* NULL: no memory. */
predecessors *predecessors_new(const sparse_table *table);
void predecessors_free(predecessors *links);

/* A policy by which an episode ends from wherever it can: from each state that is reached, with
 * positive probability within as many steps as there are states.
 *
 *   allowed  [num_rows]: which actions may be taken; NULL: all
 *   policy   [num_states]: the action; those of states that are not reached are left as they are
 *   reached  [num_states]: 1 where an end can be reached, which a state without rows is itself
 *   pending  [num_states]: room to work in
 *
 * A state that all actions stay in for certain, rewarded with 0, is an end too: it is worth 0.
 * Returns how many states are reached. Source: backward reachability, as for attractors in de Alfaro
 * (1997); Bertsekas and Tsitsiklis (1991) call such a policy proper. */
int32_t ending_policy(const sparse_table *table, const predecessors *links,
                      const uint8_t *allowed, int32_t *policy, uint8_t *reached,
                      int32_t *pending);

/* The states in which an episode can be kept for ever: the largest set inside the given one from each
 * state of which some action surely leads into the set again.
 *
 *   inside   [num_states]: 1 for the given set; then 1 for the largest such
 *   stays    [num_rows]: then 1 for the actions of its states that surely stay in it
 *   left     [num_states], pending  [num_states]: room to work in
 *
 * Source: de Alfaro (1997), section 3.3: the states of all end components. */
void endless_states(const sparse_table *table, const predecessors *links, uint8_t *inside,
                    uint8_t *stays, int32_t *left, int32_t *pending);

#endif
