/* Acrobot, as Gymnasium's Acrobot-v1 steps it: one step of the fourth-order Runge-Kutta method.
 *
 *     - - - - - - - - -  the line that the tip must pass
 *
 *             o          fixed end
 *             |\
 *             | \  first angle, from straight down
 *                \
 *                 *      elbow, with the motor
 *                 |\
 *                 | second angle, from the upper link's direction
 *
 * Both links are 1 m long and weigh 1 kg, with the mass in the middle and a moment of inertia of
 * 1 kg m^2. Source: Sutton (1996); Sutton and Barto (2018), the equations of section 11.3 of
 * the first edition. */
#include "acrobot.h"

#include "failure.h"
#include "trigonometry.h"

#define PI 3.141592653589793
#define GRAVITY 9.8
#define SECONDS_PER_STEP 0.2
#define GREATEST_FIRST_VELOCITY (4 * PI)
#define GREATEST_SECOND_VELOCITY (9 * PI)

/* States are bounded beyond what a step leads to, as one that was rounded may lie just beyond. */
#define GREATEST_NUMBER 100.0

enum { NUM_ACTIONS = 3 };

/* ---- dynamics ----------------------------------------------------------------------- */

/* What changes a state in a second. Masses and lengths that are 1 are left out; 0.5 is where a
 * link's mass is, 0.25 its square, and 2.0 the sum of the moments of inertia. */
static inline mcts_acrobot change_at(mcts_acrobot s, double torque) {
  double sine, cosine;
  sine_and_cosine(s.second_angle, &sine, &cosine);
  double inertia = 0.25 + (1.0 + 0.25 + cosine) + 2.0;
  double coupling = (0.25 + 0.5 * cosine) + 1.0;
  double lower_weight = 0.5 * GRAVITY * sine_of(s.first_angle + s.second_angle);
  double upper_weight = -0.5 * (s.second_velocity * s.second_velocity) * sine -
                        s.second_velocity * s.first_velocity * sine +
                        1.5 * GRAVITY * sine_of(s.first_angle) + lower_weight;
  double second_acceleration =
      (torque + coupling / inertia * upper_weight -
       0.5 * (s.first_velocity * s.first_velocity) * sine - lower_weight) /
      (1.25 - coupling * coupling / inertia);
  return (mcts_acrobot){
      .first_angle = s.first_velocity,
      .second_angle = s.second_velocity,
      .first_velocity = -(coupling * second_acceleration + upper_weight) / inertia,
      .second_velocity = second_acceleration,
  };
}

static inline mcts_acrobot moved(mcts_acrobot s, mcts_acrobot change, double seconds) {
  return (mcts_acrobot){
      .first_angle = s.first_angle + seconds * change.first_angle,
      .second_angle = s.second_angle + seconds * change.second_angle,
      .first_velocity = s.first_velocity + seconds * change.first_velocity,
      .second_velocity = s.second_velocity + seconds * change.second_velocity,
  };
}

/* An angle from -pi to pi, by whole turns: one after the other, as Gymnasium takes them off,
 * unless there are many. */
static inline double wrapped(double angle) {
  if (fabs(angle) > GREATEST_NUMBER) angle = remainder(angle, 2 * PI);
  while (angle > PI) angle -= 2 * PI;
  while (angle < -PI) angle += 2 * PI;
  return angle;
}

static inline double clipped(double x, double most) {
  return x < -most ? -most : x > most ? most : x;
}

static inline mcts_acrobot step_from(mcts_acrobot s, int64_t action) {
  double torque = (double)(action - 1);
  mcts_acrobot k1 = change_at(s, torque);
  mcts_acrobot k2 = change_at(moved(s, k1, SECONDS_PER_STEP / 2), torque);
  mcts_acrobot k3 = change_at(moved(s, k2, SECONDS_PER_STEP / 2), torque);
  mcts_acrobot k4 = change_at(moved(s, k3, SECONDS_PER_STEP), torque);
  mcts_acrobot sum = moved(moved(moved(k1, k2, 2.0), k3, 2.0), k4, 1.0);
  mcts_acrobot next = moved(s, sum, SECONDS_PER_STEP / 6);
  return (mcts_acrobot){
      .first_angle = wrapped(next.first_angle),
      .second_angle = wrapped(next.second_angle),
      .first_velocity = clipped(next.first_velocity, GREATEST_FIRST_VELOCITY),
      .second_velocity = clipped(next.second_velocity, GREATEST_SECOND_VELOCITY),
  };
}

static inline int tip_is_up(mcts_acrobot s) {
  return -cosine_of(s.first_angle) - cosine_of(s.second_angle + s.first_angle) > 1.0;
}

/* ---- the model ---------------------------------------------------------------------- */

/* Within these bounds a step is finite. */
static int validate(void *ctx, const void *state) {
  mcts_acrobot s = *(const mcts_acrobot *)state;
  (void)ctx;
  if (!(fabs(s.first_angle) <= GREATEST_NUMBER && fabs(s.second_angle) <= GREATEST_NUMBER &&
        fabs(s.first_velocity) <= GREATEST_NUMBER &&
        fabs(s.second_velocity) <= GREATEST_NUMBER)) {
    return fail(MCTS_INVALID_STATE,
                "is (%g, %g, %g, %g); must be four numbers from -100 to 100", s.first_angle,
                s.second_angle, s.first_velocity, s.second_velocity);
  }
  return MCTS_OK;
}

static int terminal(void *ctx, const void *state, int32_t *result) {
  (void)ctx;
  *result = tip_is_up(*(const mcts_acrobot *)state);
  return MCTS_OK;
}

static int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                  void *next_state, double *rewards, int32_t *terminated, void *observation) {
  (void)ctx, (void)rng, (void)observation;
  if (action < 0 || action >= NUM_ACTIONS) {
    return fail(MCTS_INVALID_ACTION, "action %lld is not 0, 1 or 2", (long long)action);
  }
  mcts_acrobot next = step_from(*(const mcts_acrobot *)state, action);
  *(mcts_acrobot *)next_state = next;
  *terminated = tip_is_up(next);
  rewards[0] = *terminated ? 0.0 : -1.0;
  return MCTS_OK;
}

/* Random torques until the tip is up, drawn as the default rollout draws them: one
 * mcts_random_below a step. */
static int rollout(void *ctx, const void *state, int64_t max_steps, double discount,
                   mcts_bitgen *rng, double *returns, int64_t *steps) {
  mcts_acrobot s = *(const mcts_acrobot *)state;
  uint64_t counter = *(uint64_t *)rng->state; /* a copy can stay in a register */
  mcts_bitgen local = {.state = &counter};
  double total = 0.0;
  double weight = 1.0;
  int is_up = 0;
  int64_t step = 0;
  (void)ctx;

  while (step < max_steps && !is_up) {
    s = step_from(s, mcts_random_below(&local, NUM_ACTIONS));
    is_up = tip_is_up(s);
    total -= is_up ? 0.0 : weight;
    weight *= discount;
    step++;
  }
  *(uint64_t *)rng->state = counter;
  returns[0] = total;
  *steps = step;
  return MCTS_OK;
}

const mcts_model mcts_acrobot_model = {
    .abi_version = MCTS_MODEL_ABI_VERSION,
    .struct_size = sizeof(mcts_model),
    .flags = MCTS_MODEL_THREAD_SAFE | MCTS_MODEL_DETERMINISTIC | MCTS_MODEL_FLOAT64_STATE,
    .discount = 1.0,
    .state_bytes = sizeof(mcts_acrobot),
    .num_actions = NUM_ACTIONS,
    .max_actions = NUM_ACTIONS,
    .num_players = 1,
    .error_text = failure_text,
    .validate = validate,
    .terminal = terminal,
    .sample = sample,
    .rollout = rollout,
};
