/* Decisive rollouts: an action that wins at once is taken; else one is drawn from those that do not
 * let another player win at once; else from all.
 *
 * A win is an end that pays the player who moves there the most that the model says there is. All
 * that an action leads to is asked of the model: for deterministic ones.
 *
 * Source: Teytaud and Teytaud (2010), "On the huge benefit of decisive moves". */
#ifndef MCTS_CORE_DECISIVE_H
#define MCTS_CORE_DECISIVE_H

#include "search.h"

enum { DECISIVE_NOT = 0, DECISIVE_WINS = 1 };

/* One step from `state`: whether it wins, and into `next` and `*ended` what it led to. */
static inline int decisive_look(search *s, const void *state, uint8_t player, int32_t action,
                                mcts_bitgen *rng, void *next, bool *ended) {
  int status = ask_sample(s->model, s->ctx, state, action, rng, s->state_size, next, s->look_rewards,
                          s->model->num_players, ended, NULL, &s->fault);
  if (status < 0) return status;
  s->model_steps += 1;
  return *ended && s->look_rewards[player] >= s->model->max_return ? DECISIVE_WINS : DECISIVE_NOT;
}

/* Whether the player to move in `state` wins at once by some action. */
static inline int decisive_is_open(search *s, const void *state, mcts_bitgen *rng) {
  int32_t count;
  uint8_t player;
  int status = ask_some_actions(s->model, s->ctx, state, s->replies, &count, &s->fault);
  if (status == MCTS_OK) status = ask_player(s->model, s->ctx, state, &player, &s->fault);
  for (int32_t i = 0; status == DECISIVE_NOT && i < count; i++) {
    bool ended;
    status = decisive_look(s, state, player, s->replies[i], rng, s->look[1], &ended);
    if (status >= 0) search_release(s, s->look[1]);
  }
  return status;
}

/* The action to take in a state that is not terminal. */
static inline int decisive_action(search *s, const void *state, mcts_bitgen *rng,
                                  int32_t *action) {
  int32_t count, safe = 0;
  uint8_t player;
  int status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  if (status == MCTS_OK) status = ask_player(s->model, s->ctx, state, &player, &s->fault);
  if (status < 0) return status;
  for (int32_t i = 0; i < count; i++) {
    bool ended;
    status = decisive_look(s, state, player, s->actions[i], rng, s->look[0], &ended);
    if (status < 0) return status;
    bool wins = status == DECISIVE_WINS;
    status = wins || ended ? DECISIVE_NOT : decisive_is_open(s, s->look[0], rng);
    search_release(s, s->look[0]);
    if (status < 0) return status;
    if (wins) {
      *action = s->actions[i];
      return MCTS_OK;
    }
    if (status == DECISIVE_NOT) { /* the safe ones come first, the others keep their places */
      int32_t moved = s->actions[i];
      memmove(s->actions + safe + 1, s->actions + safe, (size_t)(i - safe) * sizeof *s->actions);
      s->actions[safe++] = moved;
    }
  }
  *action = s->actions[mcts_random_below(rng, (uint32_t)(safe ? safe : count))];
  return MCTS_OK;
}

#endif
