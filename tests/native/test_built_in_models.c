/* Random walks through the built-in models, with every question asked on the way. */
#include <string.h>

#include "acrobot.h"
#include "cart_pole.h"
#include "check.h"
#include "connect_four.h"
#include "game_2048.h"
#include "mountain_car.h"
#include "tic_tac_toe.h"

enum { WALKS = 200, STEPS = 150, MOST_ACTIONS = 9, MOST_BYTES = 32 };

/* On the heap, each as long as it must be, so that a byte too far is noticed. */
typedef struct walker {
  const mcts_model *model;
  mcts_bitgen *rng;
  void *state;
  void *next;
  int32_t *actions;
  int32_t num_actions;
} walker;

static void *allocated(size_t count, size_t size) {
  void *memory = calloc(count, size);
  CHECK(memory);
  return memory;
}

static void ask_actions(walker *w) {
  const mcts_model *m = w->model;
  w->num_actions = (int32_t)m->num_actions;
  for (int32_t action = 0; action < w->num_actions; action++) w->actions[action] = action;
  if (m->actions) CHECK(m->actions(m->ctx, w->state, &w->num_actions, w->actions) == MCTS_OK);
  CHECK(w->num_actions >= 1 && w->num_actions <= (int32_t)m->max_actions);
}

static void ask_rollout(const walker *w) {
  const mcts_model *m = w->model;
  double *returns = allocated(m->num_players, sizeof *returns);
  int64_t steps = -1;
  CHECK(m->rollout(m->ctx, w->state, 100, 0.99, w->rng, returns, &steps) == MCTS_OK);
  CHECK(steps >= 1 && steps <= 100);
  free(returns);
}

static void ask_transitions(const walker *w, int64_t action) {
  const mcts_model *m = w->model;
  if (!m->transitions) return;
  double *probabilities = allocated(m->max_outcomes, sizeof(double));
  double *rewards = allocated(m->max_outcomes, m->num_players * sizeof(double));
  int32_t *terminated = allocated(m->max_outcomes, sizeof *terminated), count = 0;
  void *states = allocated(m->max_outcomes, m->state_bytes);
  double sum = 0.0;
  CHECK(m->transitions(m->ctx, w->state, action, &count, probabilities, states, rewards,
                       terminated) == MCTS_OK);
  CHECK(count >= 1 && count <= (int32_t)m->max_outcomes);
  for (int32_t i = 0; i < count; i++) sum += probabilities[i];
  CHECK(sum > 1 - 1e-12 && sum < 1 + 1e-12);
  free(states);
  free(terminated);
  free(rewards);
  free(probabilities);
}

static int64_t chosen_action(const walker *w, int step) {
  const mcts_model *m = w->model;
  int64_t action = w->actions[mcts_random_below(w->rng, (uint32_t)w->num_actions)];
  if (m->rollout_action && step % 2 == 0)
    CHECK(m->rollout_action(m->ctx, w->state, w->rng, &action) == MCTS_OK);
  return action;
}

/* True if the walk goes on. */
static int take_step(walker *w, int step) {
  const mcts_model *m = w->model;
  double *rewards = allocated(m->num_players, sizeof *rewards);
  int32_t terminated = -1, terminal = -1;
  ask_actions(w);
  int64_t action = chosen_action(w, step);
  CHECK(m->validate(m->ctx, w->state) == MCTS_OK);
  ask_rollout(w);
  ask_transitions(w, action);
  CHECK(m->sample(m->ctx, w->state, action, w->rng, w->next, rewards, &terminated, NULL) ==
        MCTS_OK);
  CHECK(m->terminal(m->ctx, w->next, &terminal) == MCTS_OK);
  CHECK(terminal == terminated);
  memcpy(w->state, w->next, m->state_bytes);
  free(rewards);
  return !terminated;
}

static void walk(const mcts_model *model, const void *start) {
  uint64_t counter = 1;
  mcts_bitgen rng = {.state = &counter};
  walker w = {.model = model, .rng = &rng};
  CHECK(model->max_actions <= MOST_ACTIONS && model->state_bytes <= MOST_BYTES);
  w.state = allocated(1, model->state_bytes);
  w.next = allocated(1, model->state_bytes);
  w.actions = allocated(model->max_actions, sizeof *w.actions);
  for (int i = 0; i < WALKS; i++) {
    memcpy(w.state, start, model->state_bytes);
    for (int step = 0; step < STEPS && take_step(&w, step); step++) continue;
  }
  CHECK(model->sample(model->ctx, start, model->num_actions, &rng, w.next, (double[2]){0},
                      &(int32_t){0}, NULL) == MCTS_INVALID_ACTION);
  free(w.actions);
  free(w.next);
  free(w.state);
}

int main(void) {
  const uint64_t nothing[MOST_BYTES / 8] = {0};
  const mcts_game_2048 two_tiles = {UINT64_C(0x1000000000000001)};
  mcts_game_2048_prepare();
  walk(&mcts_tic_tac_toe_model, nothing);
  walk(&mcts_tic_tac_toe_decisive_model, nothing);
  walk(&mcts_connect_four_model, nothing);
  walk(&mcts_connect_four_decisive_model, nothing);
  walk(&mcts_cart_pole_model, nothing);
  walk(&mcts_mountain_car_model, nothing);
  walk(&mcts_acrobot_model, nothing);
  walk(&mcts_game_2048_model, &two_tiles);
  return 0;
}
