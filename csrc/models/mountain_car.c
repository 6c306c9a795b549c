/* Mountain car, as Gymnasium's MountainCar-v0 steps it.
 *
 *                                 goal at 0.5
 *     wall                        _|_
 *      |\                        /
 *      |  \                    /
 *      |    \_              _/
 *      |       \__  __  __/
 *     -1.2         -0.52           0.6     position
 *
 * The height is sin(3 position); the slope pulls with the force GRAVITY cos(3 position).
 * Source: Moore (1990), chapter 4. */
#include "mountain_car.h"

#include "failure.h"
#include "trigonometry.h"

#define LEAST_POSITION (-1.2)
#define GREATEST_POSITION 0.6
#define GREATEST_SPEED 0.07
#define GOAL_POSITION 0.5
#define FORCE 0.001
#define GRAVITY 0.0025

/* States are bounded far beyond the track, as one that was rounded may lie just beyond it. */
#define GREATEST_NUMBER 100.0

enum { NUM_ACTIONS = 3 };

/* ---- dynamics ----------------------------------------------------------------------- */

static inline double clipped(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

static inline mcts_mountain_car step_from(mcts_mountain_car s, int64_t action) {
  double push = (double)(action - 1) * FORCE + cosine_of(3 * s.position) * -GRAVITY;
  double velocity = clipped(s.velocity + push, -GREATEST_SPEED, GREATEST_SPEED);
  double position = clipped(s.position + velocity, LEAST_POSITION, GREATEST_POSITION);
  if (position == LEAST_POSITION && velocity < 0.0) velocity = 0.0; /* the wall stops the car */
  return (mcts_mountain_car){.position = position, .velocity = velocity};
}

static inline int has_arrived(mcts_mountain_car s) {
  return s.position >= GOAL_POSITION && s.velocity >= 0.0;
}

/* ---- the model ---------------------------------------------------------------------- */

static int validate(void *ctx, const void *state) {
  mcts_mountain_car s = *(const mcts_mountain_car *)state;
  (void)ctx;
  if (!(fabs(s.position) <= GREATEST_NUMBER && fabs(s.velocity) <= GREATEST_NUMBER)) {
    return fail(MCTS_INVALID_STATE, "is (%g, %g); must be two numbers from -100 to 100",
                s.position, s.velocity);
  }
  return MCTS_OK;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  (void)ctx;
  *result = has_arrived(*(const mcts_mountain_car *)state);
  return MCTS_OK;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx, (void)rng, (void)observation;
  if (action < 0 || action >= NUM_ACTIONS) {
    return fail(MCTS_INVALID_ACTION, "action %lld is not 0, 1 or 2", (long long)action);
  }
  mcts_mountain_car next = step_from(*(const mcts_mountain_car *)state, action);
  *(mcts_mountain_car *)next_state = next;
  rewards[0] = -1.0;
  *terminated = has_arrived(next);
  return MCTS_OK;
}

/* Random pushes until the car arrives, drawn as the default rollout draws them: one
 * mcts_random_below a step. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  mcts_mountain_car s = *(const mcts_mountain_car *)state;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  double total = 0.0;
  double weight = 1.0;
  int arrived = 0;
  int64_t step = 0;
  (void)ctx;

  while (step < max_steps && !arrived) {
    s = step_from(s, mcts_random_below(&local, NUM_ACTIONS));
    arrived = has_arrived(s);
    total -= weight;
    weight *= discount;
    step++;
  }
  *(uint64_t *)rng->state = counter;
  returns[0] = total;
  *steps = step;
  return MCTS_OK;
}

const mcts_model mcts_mountain_car_model = {
    .abi_version = MCTS_MODEL_ABI_VERSION,
    .struct_size = sizeof(mcts_model),
    .flags = MCTS_MODEL_THREAD_SAFE | MCTS_MODEL_DETERMINISTIC | MCTS_MODEL_FLOAT64_STATE,
    .discount = 1.0,
    .state_bytes = sizeof(mcts_mountain_car),
    .num_actions = NUM_ACTIONS,
    .max_actions = NUM_ACTIONS,
    .num_players = 1,
    .error_text = failure_text,
    .validate = validate,
    .terminal = terminal,
    .sample = sample,
    .rollout = rollout,
};
