/* Cart-pole: keep a pole upright on a cart by pushing it left (0) or right (1). */
#ifndef MCTS_CART_POLE_H
#define MCTS_CART_POLE_H

#include "mcts_model.h"

/* A state, in metres, radians and seconds. Angles grow to the right from upright. */
typedef struct mcts_cart_pole {
  double position;
  double velocity;
  double angle;
  double angular_velocity;
} mcts_cart_pole;

/* A reward of 1 a step. A state is terminal where the cart is off the track or the pole more
 * than 12 degrees from upright. */
extern const mcts_model mcts_cart_pole_model;

#endif
