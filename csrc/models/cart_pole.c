/* Cart-pole, as Gymnasium's CartPole-v1 steps it: one step of Euler's method.
 *
 *              /  pole: 2 * HALF_LENGTH long, angle to the right of upright
 *             /
 *     |---[__*__]-----------|
 *    -2.4        0         2.4     position
 *
 * Source: Barto, Sutton and Anderson (1983); Florian (2007), equations 23 and 24, for a track
 * without friction. */
#include "cart_pole.h"

#include <math.h>

#include "failure.h"

#define GRAVITY 9.8
#define POLE_MASS 0.1
#define TOTAL_MASS (1.0 + POLE_MASS)
#define HALF_LENGTH 0.5
#define POLE_MOMENT (POLE_MASS * HALF_LENGTH)
#define FORCE 10.0
#define SECONDS_PER_STEP 0.02
#define GREATEST_POSITION 2.4
#define GREATEST_ANGLE (12 * 2 * 3.141592653589793 / 360)

/* ---- sine and cosine ----------------------------------------------------------------
 *
 * Up to GREATEST_ANGLE by their Taylor series, in a fixed order of operations, so that a plan
 * is the same on every CPU and with every C library. What is left out is below 2^-59 of the
 * result. No step starts beyond that angle but one that a caller asks for. */
#define SERIES_RANGE 0.21

static inline double sine(double x) {
  double y = x * x;
  double sum = -1.0 / 39916800;
  if (!(fabs(x) <= SERIES_RANGE)) return sin(x);
  sum = sum * y + 1.0 / 362880;
  sum = sum * y - 1.0 / 5040;
  sum = sum * y + 1.0 / 120;
  sum = sum * y - 1.0 / 6;
  return x + x * (y * sum);
}

static inline double cosine(double x) {
  double y = x * x;
  double sum = 1.0 / 479001600;
  if (!(fabs(x) <= SERIES_RANGE)) return cos(x);
  sum = sum * y - 1.0 / 3628800;
  sum = sum * y + 1.0 / 40320;
  sum = sum * y - 1.0 / 720;
  sum = sum * y + 1.0 / 24;
  sum = sum * y - 0.5;
  return 1.0 + y * sum;
}

/* ---- dynamics ----------------------------------------------------------------------- */

static inline mcts_cart_pole step_from(mcts_cart_pole s, int64_t action) {
  double force = action == 1 ? FORCE : -FORCE;
  double cosine_angle = cosine(s.angle);
  double sine_angle = sine(s.angle);
  double push =
      (force + POLE_MOMENT * (s.angular_velocity * s.angular_velocity) * sine_angle) / TOTAL_MASS;
  double angular_acceleration =
      (GRAVITY * sine_angle - cosine_angle * push) /
      (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (cosine_angle * cosine_angle) / TOTAL_MASS));
  double acceleration = push - POLE_MOMENT * angular_acceleration * cosine_angle / TOTAL_MASS;
  return (mcts_cart_pole){
      .position = s.position + SECONDS_PER_STEP * s.velocity,
      .velocity = s.velocity + SECONDS_PER_STEP * acceleration,
      .angle = s.angle + SECONDS_PER_STEP * s.angular_velocity,
      .angular_velocity = s.angular_velocity + SECONDS_PER_STEP * angular_acceleration,
  };
}

static inline int has_fallen(mcts_cart_pole s) {
  return fabs(s.position) > GREATEST_POSITION || fabs(s.angle) > GREATEST_ANGLE;
}

static int is_finite(mcts_cart_pole s) {
  return isfinite(s.position) && isfinite(s.velocity) && isfinite(s.angle) &&
         isfinite(s.angular_velocity);
}

/* ---- the model ---------------------------------------------------------------------- */

/* A step from a valid state leads to a valid one: a velocity so great that the step after it
 * would overflow carries the pole or the cart out of bounds. */
static int validate(void *ctx, const void *state) {
  mcts_cart_pole s = *(const mcts_cart_pole *)state;
  (void)ctx;
  if (!is_finite(s)) {
    return fail(MCTS_INVALID_STATE, "is (%g, %g, %g, %g); must be four finite numbers",
                s.position, s.velocity, s.angle, s.angular_velocity);
  }
  if (!has_fallen(s) && !(is_finite(step_from(s, 0)) && is_finite(step_from(s, 1)))) {
    return fail(MCTS_INVALID_STATE,
                "is (%g, %g, %g, %g); the velocities must be so small that a step from it is "
                "finite", s.position, s.velocity, s.angle, s.angular_velocity);
  }
  return MCTS_OK;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  (void)ctx;
  *result = has_fallen(*(const mcts_cart_pole *)state);
  return MCTS_OK;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx, (void)rng, (void)observation;
  if (action != 0 && action != 1) {
    return fail(MCTS_INVALID_ACTION, "action %lld is not 0 or 1", (long long)action);
  }
  mcts_cart_pole next = step_from(*(const mcts_cart_pole *)state, action);
  *(mcts_cart_pole *)next_state = next;
  rewards[0] = 1.0;
  *terminated = has_fallen(next);
  return MCTS_OK;
}

/* Random pushes until the pole falls, drawn as the default rollout draws them: one
 * mcts_random_below a step. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  mcts_cart_pole s = *(const mcts_cart_pole *)state;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  double total = 0.0;
  double weight = 1.0;
  int fallen = 0;
  int64_t step = 0;
  (void)ctx;

  while (step < max_steps && !fallen) {
    s = step_from(s, mcts_random_below(&local, 2));
    fallen = has_fallen(s);
    total += weight;
    weight *= discount;
    step++;
  }
  *(uint64_t *)rng->state = counter;
  returns[0] = total;
  *steps = step;
  return MCTS_OK;
}

const mcts_model mcts_cart_pole_model = {
    .abi_version = MCTS_MODEL_ABI_VERSION,
    .struct_size = sizeof(mcts_model),
    .flags = MCTS_MODEL_THREAD_SAFE | MCTS_MODEL_DETERMINISTIC | MCTS_MODEL_FLOAT64_STATE,
    .discount = 1.0,
    .state_bytes = sizeof(mcts_cart_pole),
    .num_actions = 2,
    .max_actions = 2,
    .num_players = 1,
    .error_text = failure_text,
    .validate = validate,
    .terminal = terminal,
    .sample = sample,
    .rollout = rollout,
};
