/* Sums run in the order of the features and of the actions, as the NumPy form adds them up: both
 * give the same bits. */
#include "online.h"

static const int64_t *active_at(const mcts_steps *steps, int64_t t) {
  return steps->active + t * steps->num_active;
}

/* Whether the state after step t is terminal. */
static int ends_at(const mcts_steps *steps, int64_t t) {
  return steps->terminated && t + 1 == steps->count;
}

/* ---- linear values ------------------------------------------------------------------ */

/* The sum of the parameters of the active features, of one of `stride` actions. */
static double value_of(const double *parameters, const int64_t *active, int64_t num_active,
                       int64_t stride, int64_t action) {
  double sum = parameters[active[0] * stride + action];
  for (int64_t k = 1; k < num_active; k++) {
    sum += parameters[active[k] * stride + action];
  }
  return sum;
}

static void move(const mcts_rule *rule, double *parameters, const int64_t *active,
                 int64_t num_active, int64_t stride, int64_t action, double error) {
  double change = rule->step_size * error;
  for (int64_t k = 0; k < num_active; k++) {
    parameters[active[k] * stride + action] += change;
  }
}

/* The values of all actions, to rule->values. */
static void action_values(const mcts_rule *rule, const mcts_steps *steps, int64_t t,
                          const double *parameters) {
  const int64_t *active = active_at(steps, t);
  for (int64_t a = 0; a < rule->num_actions; a++) {
    rule->values[a] = parameters[active[0] * rule->num_actions + a];
  }
  for (int64_t k = 1; k < steps->num_active; k++) {
    const double *row = parameters + active[k] * rule->num_actions;
    for (int64_t a = 0; a < rule->num_actions; a++) {
      rule->values[a] += row[a];
    }
  }
}

static double greatest(const double *values, int64_t count) {
  double best = values[0];
  for (int64_t a = 1; a < count; a++) {
    best = values[a] > best ? values[a] : best;
  }
  return best;
}

/* The expectation of the values by the epsilon-greedy policy over them. */
static double expectation(const double *values, int64_t count, double epsilon) {
  double best = greatest(values, count), sum = 0.0;
  int64_t ties = 0;
  for (int64_t a = 0; a < count; a++) {
    ties += values[a] == best;
  }
  double share = (1.0 - epsilon) / (double)ties, explored = epsilon / (double)count;
  for (int64_t a = 0; a < count; a++) {
    double weighted = ((values[a] == best ? share : 0.0) + explored) * values[a];
    sum = a == 0 ? weighted : sum + weighted;
  }
  return sum;
}

/* ---- along a trajectory ------------------------------------------------------------- */

void mcts_online_td(const mcts_rule *rule, const mcts_steps *steps, double *parameters) {
  for (int64_t t = 0; t < steps->count; t++) {
    const int64_t *here = active_at(steps, t), *there = active_at(steps, t + 1);
    double next = ends_at(steps, t) ? 0.0 : value_of(parameters, there, steps->num_active, 1, 0);
    double value = value_of(parameters, here, steps->num_active, 1, 0);
    double error = steps->rewards[t] + rule->discount * next - value;
    move(rule, parameters, here, steps->num_active, 1, 0, error);
  }
}

/* One step towards the reward and the discounted `next`. */
static void step_towards(const mcts_rule *rule, const mcts_steps *steps, int64_t t, double next,
                         double *parameters) {
  const int64_t *here = active_at(steps, t);
  int64_t action = steps->actions[t];
  double value = value_of(parameters, here, steps->num_active, rule->num_actions, action);
  double error = steps->rewards[t] + rule->discount * next - value;
  move(rule, parameters, here, steps->num_active, rule->num_actions, action, error);
}

void mcts_online_sarsa(const mcts_rule *rule, const mcts_steps *steps, double *parameters) {
  for (int64_t t = 0; t < steps->count; t++) {
    double next = 0.0;
    if (!ends_at(steps, t)) {
      if (t + 1 == steps->count) {
        return; /* cut here: no next action */
      }
      next = value_of(parameters, active_at(steps, t + 1), steps->num_active, rule->num_actions,
                      steps->actions[t + 1]);
    }
    step_towards(rule, steps, t, next, parameters);
  }
}

void mcts_online_expected_sarsa(const mcts_rule *rule, const mcts_steps *steps, double epsilon,
                                double *parameters) {
  for (int64_t t = 0; t < steps->count; t++) {
    double next = 0.0;
    if (!ends_at(steps, t)) {
      action_values(rule, steps, t + 1, parameters);
      next = expectation(rule->values, rule->num_actions, epsilon);
    }
    step_towards(rule, steps, t, next, parameters);
  }
}

void mcts_online_q_learning(const mcts_rule *rule, const mcts_steps *steps, double *parameters) {
  for (int64_t t = 0; t < steps->count; t++) {
    double next = 0.0;
    if (!ends_at(steps, t)) {
      action_values(rule, steps, t + 1, parameters);
      next = greatest(rule->values, rule->num_actions);
    }
    step_towards(rule, steps, t, next, parameters);
  }
}
