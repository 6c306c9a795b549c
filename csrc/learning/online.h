/* Updates of one step, applied one after the other along a trajectory. */
#ifndef MCTS_ONLINE_H
#define MCTS_ONLINE_H

#include <stdint.h>

/* A trajectory as linear values see it. */
typedef struct mcts_steps {
  int64_t count;           /* of steps */
  int64_t num_active;      /* features of a state */
  const int64_t *active;   /* [count + 1, num_active] */
  const int64_t *actions;  /* [count] */
  const double *rewards;   /* [count] */
  int32_t terminated;      /* whether the last state is terminal */
} mcts_steps;

/* How far each step moves the parameters. */
typedef struct mcts_rule {
  double step_size;
  double discount;
  int64_t num_actions; /* of action values */
  double *values;      /* room for num_actions numbers */
} mcts_rule;

/* State values: parameters[feature]. TD(0): Sutton and Barto (2018), equation 6.2. */
void mcts_online_td(const mcts_rule *rule, const mcts_steps *steps, double *parameters);

/* Action values: parameters[feature, action].
 *
 * Sarsa, equation 6.7, leaves out the last step of a trajectory that was cut, where no next
 * action is known. Expected Sarsa, equation 6.9, expects the epsilon-greedy policy. Q-learning,
 * equation 6.8. Of actions that tie, the expectation holds each as likely. */
void mcts_online_sarsa(const mcts_rule *rule, const mcts_steps *steps, double *parameters);
void mcts_online_expected_sarsa(const mcts_rule *rule, const mcts_steps *steps, double epsilon,
                                double *parameters);
void mcts_online_q_learning(const mcts_rule *rule, const mcts_steps *steps, double *parameters);

#endif
