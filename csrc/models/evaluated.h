/* A model with another evaluation: priors and values come from it, all else from the model. */
#ifndef MCTS_EVALUATED_H
#define MCTS_EVALUATED_H

#include "mcts_model.h"

/* What gives priors and values of states; functions as of mcts_model, with `data` as their ctx. */
typedef struct mcts_evaluation {
  void *data;
  uint64_t gives;  /* MCTS_MODEL_VALUES, MCTS_MODEL_PRIORS, or both: what it is asked for. The rest
                      is the model's own, as far as that gives it */
  int thread_safe; /* any number of threads may ask at once */
  int (*evaluate)(void *data, const void *state, double *priors, double *values);
  /* NULL: row by row */
  int (*evaluate_batch)(void *data, int64_t count, const void *states, double *priors,
                        double *values, int32_t *status);
} mcts_evaluation;

/* Says why the evaluation that this thread is in has failed; it then returns a negative status. */
void mcts_evaluation_fails(const char *text);

typedef struct mcts_evaluated mcts_evaluated;

/* NULL: no memory. `model` and the evaluation's data must outlive it. */
mcts_evaluated *mcts_evaluated_new(const mcts_model *model, const mcts_evaluation *evaluation);
void mcts_evaluated_free(mcts_evaluated *evaluated);
const mcts_model *mcts_evaluated_model(const mcts_evaluated *evaluated);

/* An evaluation that is written down for every state 0 .. n - 1 of a model whose states are one
 * int64_t: values [n], or NULL; priors [n][max_actions], or NULL. Both must outlive it. */
typedef struct mcts_evaluation_table {
  const double *values;
  const double *priors;
  int64_t max_actions;
} mcts_evaluation_table;

mcts_evaluation mcts_evaluation_of_table(mcts_evaluation_table *table);

#endif
