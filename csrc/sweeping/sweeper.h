/* Prioritized sweeping: backs up first where the values are most wrong. */
#ifndef MCTS_SWEEPER_H
#define MCTS_SWEEPER_H

#include "outcomes.h"
#include "queue.h"

typedef struct sweeper {
  outcomes seen;
  queue urgent;   /* exactly the pairs tried whose error is above the threshold, by their error */
  double *q;      /* [num_states][num_actions]; the caller's, see action_values.h */
  double *values; /* [num_states]: the best of each row */
  double discount;
  double step_size; /* above 0, at most 1 */
  double threshold; /* >= 0 */
} sweeper;

typedef struct sweeper_options {
  int32_t num_states;
  int32_t num_actions;
  keeping kept;
  double discount;
  double step_size;
  double threshold;
} sweeper_options;

/* `q` is filled by the caller and stays the caller's; it must outlive the sweeper.
 * MCTS_ERROR: no memory; there is nothing to free then. */
int sweeper_begin(sweeper *s, const sweeper_options *options, double *q);
void sweeper_end(sweeper *s);

/* Takes in a step as outcomes_add does, and queues its pair if that is now more wrong than the
 * threshold allows. MCTS_ERROR: no memory, and nothing has changed. */
int sweeper_observe(sweeper *s, int32_t pair, double reward, int32_t next_state,
                    int32_t terminated, int64_t times);

/* At most `updates` backups, the greatest error first. Returns how many: fewer where no error
 * above the threshold is left. */
int64_t sweeper_sweep(sweeper *s, int64_t updates);

/* How wrong a pair's value is: the distance to its one-step backup. 0 if it was never tried. */
double sweeper_error(const sweeper *s, int32_t pair);

#endif
