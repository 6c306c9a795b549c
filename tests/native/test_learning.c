/* Learning along trajectories keeps within its arrays, and moves by numbers worked out by hand. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "online.h"
#include "tiles.h"

enum { FEATURES = 3, ACTIONS = 2, STEPS = 3 };

/* 0 -(a 1, +1)-> 1 -(a 0, +2)-> 0 -(a 1, -1)-> 2, on the heap: a step beyond it is seen. */
typedef struct walk {
  int64_t *active;
  int64_t *actions;
  double *rewards;
  mcts_steps steps;
} walk;

static void *copied(const void *from, size_t bytes) {
  void *to = malloc(bytes);
  CHECK(to);
  return memcpy(to, from, bytes);
}

static walk new_walk(int32_t terminated) {
  int64_t active[] = {0, 1, 0, 2}, actions[] = {1, 0, 1};
  double rewards[] = {1.0, 2.0, -1.0};
  walk w = {copied(active, sizeof active), copied(actions, sizeof actions),
            copied(rewards, sizeof rewards), {0}};
  w.steps = (mcts_steps){STEPS, 1, w.active, w.actions, w.rewards, terminated};
  return w;
}

static void free_walk(walk w) {
  free(w.active);
  free(w.actions);
  free(w.rewards);
}

static void check_near(double found, double expected) { CHECK(fabs(found - expected) < 1e-12); }

static void state_values_move_step_by_step(void) {
  walk w = new_walk(1);
  double start[] = {0.5, -1.0, 4.0};
  double *v = copied(start, sizeof start);
  mcts_rule rule = {.step_size = 0.5, .discount = 0.9, .num_actions = 1};
  mcts_online_td(&rule, &w.steps, v);
  check_near(v[0], -0.35);
  check_near(v[1], 0.635);
  CHECK(v[2] == 4.0);
  free(v);
  free_walk(w);
}

static double *new_table(void) {
  double start[FEATURES * ACTIONS] = {1.0, 2.0, 3.0, 0.5, -1.0, 8.0};
  return copied(start, sizeof start);
}

static void action_values_move_by_what_comes_next(void) {
  double *values = malloc(ACTIONS * sizeof *values);
  CHECK(values);
  mcts_rule rule = {.step_size = 1.0, .discount = 0.5, .num_actions = ACTIONS, .values = values};
  walk ended = new_walk(1), cut = new_walk(0);

  double *q = new_table(); /* q(0,1) = 1 + 3/2, q(1,0) = 2 + 2.5/2, q(0,1) = -1 */
  mcts_online_sarsa(&rule, &ended.steps, q);
  CHECK(q[1] == -1.0 && q[2] == 3.25 && q[0] == 1.0 && q[3] == 0.5 && q[5] == 8.0);
  free(q);

  q = new_table(); /* the last step of a cut one is left out */
  mcts_online_sarsa(&rule, &cut.steps, q);
  CHECK(q[1] == 2.5 && q[2] == 3.25);
  free(q);

  q = new_table(); /* and goes on to the best of the last state: -1 + 8/2 */
  mcts_online_q_learning(&rule, &cut.steps, q);
  CHECK(q[1] == 3.0 && q[2] == 3.25);
  free(q);

  q = new_table(); /* half at random: -1 + (0.75 * 8 - 0.25) / 2 */
  mcts_online_expected_sarsa(&rule, &cut.steps, 0.5, q);
  CHECK(q[1] == -1.0 + 5.75 / 2);
  free(q);

  free_walk(ended);
  free_walk(cut);
  free(values);
}

static void ties_share_the_greedy_probability(void) {
  int64_t active[] = {0, 1}, action = 0;
  double reward = 0.0, table[] = {0.0, 0.0, 0.0, 6.0, 6.0, 3.0}, values[3];
  mcts_steps steps = {1, 1, active, &action, &reward, 0};
  mcts_rule rule = {.step_size = 1.0, .discount = 1.0, .num_actions = 3, .values = values};
  mcts_online_expected_sarsa(&rule, &steps, 0.3, table);
  check_near(table[0], 0.9 * 6.0 + 0.1 * 3.0);
}

static void tiles_lie_within_their_tilings(void) {
  double low[] = {-1.0, 0.0}, high[] = {1.0, 3.0}, scale[] = {2.0, 1.0};
  double shifts[] = {0.0, 0.0, 0.5, 0.5};
  int64_t strides[] = {4, 1}, first[] = {0, 20};
  mcts_tiling tiling = {2, 2, low, high, scale, shifts, strides, first};
  double states[] = {-1.0, 0.0, 1.0, 3.0, 1e300, -1e300, 0.0, 1.5};
  int64_t *active = malloc(4 * 2 * sizeof *active);
  CHECK(active);
  CHECK(mcts_active_tiles(&tiling, 4, states, active) == 4);
  int64_t expected[] = {0, 20, 19, 39, 16, 36, 9, 30};
  CHECK(memcmp(active, expected, sizeof expected) == 0);
  double broken[] = {0.0, 0.0, 0.0, NAN, 0.0, 0.0}, beyond[] = {INFINITY, 0.0};
  CHECK(mcts_active_tiles(&tiling, 3, broken, active) == 1);
  CHECK(mcts_active_tiles(&tiling, 1, beyond, active) == 0);
  free(active);
}

int main(void) {
  state_values_move_step_by_step();
  action_values_move_by_what_comes_next();
  ties_share_the_greedy_probability();
  tiles_lie_within_their_tilings();
  return 0;
}
