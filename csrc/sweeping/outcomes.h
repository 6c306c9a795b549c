/* What was seen of a finite world: where each action led, how often, and what leads to a state. */
#ifndef MCTS_OUTCOMES_H
#define MCTS_OUTCOMES_H

#include <stdint.h>

#include "mcts_model.h"

enum { NO_OUTCOME = -1 };

/* What becomes of the outcomes that an action had before the latest. */
typedef enum keeping {
  KEEP_LAST,  /* forgotten: an action has one outcome, the last one seen */
  KEEP_COUNTS /* kept and counted: an action has a distribution */
} keeping;

/* One way that an action was seen to go. A pair is state * num_actions + action. */
typedef struct outcome {
  double reward;        /* the mean of those seen with this outcome; the last where one is kept */
  int64_t count;        /* how often it was seen; 1 where one is kept */
  int32_t pair;         /* where it starts */
  int32_t next_state;   /* where it leads */
  int32_t next_of_pair; /* the next outcome of the same pair, in the order of first sight */
  int32_t into_before;  /* neighbours in the list of those that lead to next_state */
  int32_t into_after;
  int32_t terminated;
} outcome;

typedef struct outcomes {
  int32_t num_states;
  int32_t num_actions;
  keeping kept;
  outcome *all; /* [capacity], the first `count` of them in use */
  int32_t count;
  int32_t capacity;
  int32_t *first_of_pair; /* [num_states * num_actions] */
  int64_t *tries;         /* [num_states * num_actions]: the sum of the outcomes' counts */
  int32_t *into;          /* [num_states]: the first of those that lead there and go on */
} outcomes;

/* num_states and num_actions are at least 1, their product at most INT32_MAX - 1.
 * MCTS_ERROR: no memory; there is nothing to free then. */
int outcomes_begin(outcomes *seen, int32_t num_states, int32_t num_actions, keeping kept);
void outcomes_end(outcomes *seen);

/* Takes in a step that was seen `times` times, >= 1, rewarded with `reward` on average.
 * MCTS_ERROR: no memory, and nothing has changed. */
int outcomes_add(outcomes *seen, int32_t pair, double reward, int32_t next_state,
                 int32_t terminated, int64_t times);

static inline int was_tried(const outcomes *seen, int32_t pair) {
  return seen->first_of_pair[pair] != NO_OUTCOME;
}

/* An outcome of a pair that was tried, as often as it was seen. Draws one mcts_random_double
 * where there are several outcomes, and nothing where there is one. */
const outcome *outcomes_draw(const outcomes *seen, int32_t pair, mcts_bitgen *rng);

#endif
