/* The table of action values that sweeping and Dyna improve: [num_states][num_actions], rows one
 * behind the other, -inf where an action is not legal. */
#ifndef MCTS_ACTION_VALUES_H
#define MCTS_ACTION_VALUES_H

#include <math.h>
#include <stdint.h>

static inline int is_legal_value(double value) { return value != -INFINITY; }

/* What the best legal action of a state is worth; 0 where there is none to take. */
static inline double best_value(const double *row, int32_t num_actions) {
  double best = row[0];
  for (int32_t i = 1; i < num_actions; i++) {
    best = row[i] > best ? row[i] : best;
  }
  return is_legal_value(best) ? best : 0.0;
}

#endif
