/* Any finite distribution model as a table. A state is one int64_t, 0 .. num_states - 1. */
#ifndef MCTS_TABULAR_H
#define MCTS_TABULAR_H

#include "mcts_model.h"

/* What a table is built from. Row s * num_actions + a holds the outcomes of action a in state
 * s, in the entries row_start[row] .. row_start[row + 1] - 1; a row without outcomes is an
 * illegal action. Every probability is positive, and a row's add up to 1. */
typedef struct mcts_tabular_source {
  int32_t num_states;
  int32_t num_actions;
  double discount;
  const int32_t *row_start;    /* [num_states * num_actions + 1], from 0 upwards */
  const double *probabilities; /* these four: [row_start[num_states * num_actions]] */
  const int32_t *next_states;
  const double *rewards;
  const uint8_t *terminated;
  const uint8_t *terminal; /* [num_states]; states without a legal action are terminal */
} mcts_tabular_source;

typedef struct mcts_tabular mcts_tabular;

/* Copies the source. NULL: no memory. The model lives as long as the table.
 *
 * A sample draws one mcts_random_double where the row has several outcomes, and takes the
 * first whose cumulative probability exceeds it (what rounding leaves over goes to the last);
 * it draws nothing where the row has one outcome. */
mcts_tabular *mcts_tabular_new(const mcts_tabular_source *source);
void mcts_tabular_free(mcts_tabular *table);
const mcts_model *mcts_tabular_model(const mcts_tabular *table);

/* What it was built from: the sizes and the discount, with the arrays left NULL; then the arrays, into
 * room for them. */
mcts_tabular_source mcts_tabular_sizes(const mcts_tabular *table, int32_t *num_outcomes);
void mcts_tabular_read(const mcts_tabular *table, int32_t *row_start, double *probabilities,
                       int32_t *next_states, double *rewards, uint8_t *terminated,
                       uint8_t *terminal);

#endif
