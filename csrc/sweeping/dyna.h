/* Dyna-Q and Dyna-Q+: Q-learning from what happens, and from what a learned model says. */
#ifndef MCTS_DYNA_H
#define MCTS_DYNA_H

#include "outcomes.h"

typedef struct dyna {
  outcomes seen;
  double *q;            /* [num_states][num_actions]; the caller's, see action_values.h */
  int32_t *states;      /* [num_states], the first num_seen: where an action was tried, in order */
  int32_t num_seen;
  int32_t *num_tried;   /* [num_states]: actions tried there */
  int64_t *last_tried;  /* [num_states * num_actions]: the step at which a pair was tried last,
                           counted from 1; 0 if it never was */
  int64_t now;          /* steps learned from */
  double discount;
  double step_size; /* above 0, at most 1 */
  double bonus;     /* kappa of Dyna-Q+, >= 0; NO_BONUS is Dyna-Q */
} dyna;

#define NO_BONUS (-1.0)

typedef struct dyna_options {
  int32_t num_states;
  int32_t num_actions;
  keeping kept;
  double discount;
  double step_size;
  double bonus;
} dyna_options;

/* `q` is filled by the caller and stays the caller's; it must outlive the learner.
 * MCTS_ERROR: no memory; there is nothing to free then. */
int dyna_begin(dyna *d, const dyna_options *options, double *q);
void dyna_end(dyna *d);

/* Q-learning from one real step, which the model takes in. The action must be legal.
 * MCTS_ERROR: no memory, and nothing has changed. */
int dyna_learn(dyna *d, int32_t pair, double reward, int32_t next_state, int32_t terminated);

/* Q-learning from `steps` simulated steps; none where nothing was seen yet. Each starts in a state
 * drawn from those seen and takes an action drawn from those tried there or, with a bonus, from
 * all that are legal. Draws two mcts_random_below a step, and what outcomes_draw does.
 *
 * With a bonus, bonus * sqrt(tau) is added to the reward, tau steps after the action was tried
 * last. One that never was is taken to lead back to where it starts, rewarded with 0. */
void dyna_plan(dyna *d, int64_t steps, mcts_bitgen *rng);

/* An epsilon-greedy action of a state with a legal one. The draws are uniform in [0, 1): whether
 * to explore, and which of the actions in question. */
int32_t epsilon_greedy(const double *row, int32_t num_actions, double epsilon, double explore,
                       double which);

#endif
