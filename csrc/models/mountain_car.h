/* Mountain car: drive an engine that is too weak for the slope up a hill, by swinging. */
#ifndef MCTS_MOUNTAIN_CAR_H
#define MCTS_MOUNTAIN_CAR_H

#include "mcts_model.h"

/* A state, in units of the problem; velocity is per step. */
typedef struct mcts_mountain_car {
  double position;
  double velocity;
} mcts_mountain_car;

/* Actions push left (0), not at all (1), or right (2); a reward of -1 a step. A state is terminal
 * where the car is at the goal and does not roll back. */
extern const mcts_model mcts_mountain_car_model;

#endif
