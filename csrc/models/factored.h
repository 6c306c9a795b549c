/* Any factored model over boolean variables: a dynamic Bayesian network for each action. A state
 * is one uint64_t; bit i is variable i. */
#ifndef MCTS_FACTORED_H
#define MCTS_FACTORED_H

#include "mcts_model.h"

enum { MCTS_FACTORED_MOST_VARIABLES = 64 };

/* Functions of (state, action), each of which looks at a few variables only: its scope. With k of
 * them, function f has, for each action in turn, a table of 2^k numbers from table_start[f] on,
 * in which bit j of the index is the value of the j-th variable of the scope. */
typedef struct mcts_factors {
  int32_t count;
  const int32_t *scope_start; /* [count + 1], from 0 upwards */
  const int32_t *scope;       /* [scope_start[count]], variables */
  const int64_t *table_start; /* [count + 1], from 0 upwards */
  const double *tables;       /* [table_start[count]] */
} mcts_factors;

/* What a model is built from. */
typedef struct mcts_factored_source {
  int32_t num_variables;       /* 1 .. MCTS_FACTORED_MOST_VARIABLES */
  int32_t num_actions;
  double discount;
  int32_t max_outcomes;        /* most outcomes of an action; 0: without `transitions` */
  int32_t deterministic;       /* 1 where every probability is 0 or 1 */
  mcts_factors probabilities;  /* one for each variable: the probability that it is 1 next, 0, 1
                                  or so far from both that a product of all of them is above 0 */
  mcts_factors rewards;        /* which add up */
} mcts_factored_source;

typedef struct mcts_factored mcts_factored;

/* Copies the source. NULL: no memory. The model lives as long as what it is made of.
 *
 * A sample draws one mcts_random_double for each variable whose next value is uncertain, in their
 * order; the value is 1 where the draw is below the probability. No state is terminal. */
mcts_factored *mcts_factored_new(const mcts_factored_source *source);
void mcts_factored_free(mcts_factored *factored);
const mcts_model *mcts_factored_model(const mcts_factored *factored);

#endif
