/* Acrobot: swing the tip of a hanging two-link arm above a line, by a motor at the elbow. */
#ifndef MCTS_ACROBOT_H
#define MCTS_ACROBOT_H

#include "mcts_model.h"

/* A state, in radians and seconds. The first angle is 0 where the upper link hangs straight
 * down; the second is the lower link's, from the upper one's direction. */
typedef struct mcts_acrobot {
  double first_angle;
  double second_angle;
  double first_velocity;
  double second_velocity;
} mcts_acrobot;

/* Actions turn the elbow with -1 (0), 0 (1) or 1 (2) newton metre; a reward of -1 a step, but of
 * 0 for the last. A state is terminal where the tip is more than one link's length above the
 * fixed end. */
extern const mcts_model mcts_acrobot_model;

#endif
