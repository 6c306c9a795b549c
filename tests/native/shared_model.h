/* A walk that any number of threads may be asked about at once, and whose returns tell on who mixes
 * them up. A state is a number and the steps that led to it, or a handle to a counted object of
 * those.
 *
 *   PAYS_COIN      1 or -1 at the end, by where it is: sums of returns are whole numbers
 *   PAYS_THIRD     1, 0 or -1 at the end
 *   PAYS_NOISE     1 or -1 at each step, drawn: the same next state pays now this, now that
 *   PAYS_DIFFERENCE the discounted worth of where it leads to less that of where it was: whatever is
 *                  done, the return from a state is its worth, with the other sign
 *
 * What the first player gets the second one pays. It counts its states and its samples, and can be
 * told to fail at one of those, or to cancel the search at one. */
#ifndef SHARED_MODEL_H
#define SHARED_MODEL_H

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mcts_model.h"

enum pay { PAYS_COIN, PAYS_THIRD, PAYS_NOISE, PAYS_DIFFERENCE };

typedef struct {
  uint32_t number;
  uint16_t steps;
  uint16_t lucky; /* in a walk that has luck */
} place;

typedef struct {
  atomic_int owners;
  place at;
} shared_state;

typedef struct {
  mcts_model model;
  enum pay pay;
  uint32_t length;     /* steps after which it ends */
  uint32_t ends_early; /* one place in so many is an end; 0: none */
  bool has_luck;       /* who takes the first action first wins, and else loses */
  atomic_llong samples, alive;
  long long fail_at, cancel_at; /* numbers of samples, from 1; 0: none */
  bool fails_on;                /* and so do all later ones */
  atomic_int cancelled;
} shared_model;

static uint64_t shared_mix(uint64_t x) {
  x = (x ^ (x >> 31)) * UINT64_C(0x9FB21C651E98DF25);
  x = (x ^ (x >> 29)) * UINT64_C(0xD6E8FEB86659FD93);
  return x ^ (x >> 32);
}

static place shared_place(const shared_model *m, const void *state) {
  if (m->model.release) return (*(shared_state *const *)state)->at;
  return *(const place *)state;
}

static void shared_write(shared_model *m, void *state, place at) {
  if (!m->model.release) {
    memcpy(state, &at, sizeof at);
    return;
  }
  shared_state *object = malloc(sizeof *object);
  CHECK(object);
  *object = (shared_state){1, at};
  atomic_fetch_add(&m->alive, 1);
  *(shared_state **)state = object;
}

static int shared_retain(void *ctx, const void *state) {
  (void)ctx;
  CHECK(atomic_fetch_add(&(*(shared_state *const *)state)->owners, 1) > 0);
  return MCTS_OK;
}

static void shared_release(void *ctx, const void *state) {
  shared_state *object = *(shared_state *const *)state;
  if (!object) return; /* a state that `sample` never wrote */
  int owners = atomic_fetch_sub(&object->owners, 1);
  CHECK(owners > 0);
  if (owners > 1) return;
  atomic_fetch_sub(&((shared_model *)ctx)->alive, 1);
  free(object);
}

static int shared_key(void *ctx, const void *state, void *key) {
  place at = shared_place(ctx, state);
  memcpy(key, &at, sizeof at);
  return MCTS_OK;
}

static const char *shared_error_text(void *ctx) {
  (void)ctx;
  return "told to fail";
}

static int shared_player(void *ctx, const void *state, int32_t *player) {
  *player = shared_place(ctx, state).steps % 2;
  return MCTS_OK;
}

static bool shared_ends(const shared_model *m, place at) {
  bool early = m->ends_early && at.steps > 0 && shared_mix(at.number) % m->ends_early == 0;
  return at.steps >= m->length || early;
}

static place shared_next(const shared_model *m, place at, int64_t action, uint64_t drawn) {
  uint64_t seed = ((uint64_t)at.number << 16) + (uint64_t)action * 4 + drawn;
  bool lucky = at.lucky || (m->has_luck && at.steps == 0 && action == 0);
  return (place){(uint32_t)shared_mix(seed + 1), (uint16_t)(at.steps + 1), lucky};
}

/* A number from 0 to 1 that belongs to a place; an end is worth nothing. */
static double shared_worth(const shared_model *m, place at) {
  return shared_ends(m, at) ? 0.0 : (double)(shared_mix(at.number + 99) >> 11) * 0x1.0p-53;
}

/* Of an end, to the first player. */
static double shared_prize(const shared_model *m, place at) {
  uint64_t bits = shared_mix(at.number + 7);
  if (m->has_luck) return at.lucky ? 1.0 : -1.0;
  return m->pay == PAYS_THIRD ? (double)(bits % 3) - 1.0 : bits % 2 ? 1.0 : -1.0;
}

static double shared_reward(const shared_model *m, place from, place to, mcts_bitgen *rng) {
  if (m->pay == PAYS_NOISE) return mcts_random_below(rng, 2) ? 1.0 : -1.0;
  if (m->pay == PAYS_DIFFERENCE)
    return m->model.discount * shared_worth(m, to) - shared_worth(m, from);
  return shared_ends(m, to) ? shared_prize(m, to) : 0.0;
}

static int shared_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                         void *next_state, double *rewards, int32_t *terminated,
                         void *observation) {
  shared_model *m = ctx;
  (void)observation;
  long long number = atomic_fetch_add(&m->samples, 1) + 1;
  if (m->fail_at && (number == m->fail_at || (m->fails_on && number > m->fail_at)))
    return MCTS_ERROR;
  if (number == m->cancel_at) atomic_store(&m->cancelled, 1);
  bool certain = m->model.flags & MCTS_MODEL_DETERMINISTIC;
  place from = shared_place(m, state);
  place to = shared_next(m, from, action, certain ? 0 : mcts_random_below(rng, 3));
  shared_write(m, next_state, to);
  rewards[0] = shared_reward(m, from, to, rng);
  if (m->model.num_players > 1) rewards[1] = -rewards[0];
  *terminated = shared_ends(m, to);
  return MCTS_OK;
}

/* The true return where that is one; else 1 or -1. */
static double shared_value(const shared_model *m, place at) {
  if (m->pay == PAYS_DIFFERENCE) return -shared_worth(m, at);
  return shared_mix(at.number + 3) % 2 ? 1.0 : -1.0;
}

static int shared_evaluate(void *ctx, const void *state, double *priors, double *values) {
  const shared_model *m = ctx;
  place at = shared_place(m, state);
  for (uint32_t i = 0; priors && i < m->model.max_actions; i++)
    priors[i] = (double)(shared_mix(at.number + i + 11) % 16);
  if (values) values[0] = shared_value(m, at);
  if (values && m->model.num_players > 1) values[1] = -values[0];
  return MCTS_OK;
}

enum shared_kind { KIND_CHANCE = 1, KIND_TWO = 2, KIND_OWNS = 4, KIND_EVALUATES = 8 };

/* `kind` of shared_kind. `m` must not move afterwards. */
static void shared_model_begin(shared_model *m, unsigned kind, uint32_t actions, uint32_t length,
                               enum pay pay) {
  bool owns = kind & KIND_OWNS, evaluates = kind & KIND_EVALUATES;
  *m = (shared_model){.pay = pay, .length = length, .ends_early = 17};
  m->model = (mcts_model){
      .abi_version = MCTS_MODEL_ABI_VERSION,
      .struct_size = sizeof(mcts_model),
      .flags = MCTS_MODEL_THREAD_SAFE | (kind & KIND_CHANCE ? 0u : MCTS_MODEL_DETERMINISTIC) |
               (evaluates ? MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS : 0u),
      .ctx = m,
      .discount = pay == PAYS_DIFFERENCE ? 0.9 : 1.0,
      .min_return = pay == PAYS_COIN || pay == PAYS_THIRD ? -1.0 : 0.0,
      .max_return = pay == PAYS_COIN || pay == PAYS_THIRD ? 1.0 : 0.0,
      .state_bytes = sizeof(place),
      .key_bytes = owns ? sizeof(place) : 0,
      .num_actions = actions,
      .max_actions = actions,
      .num_players = kind & KIND_TWO ? 2 : 1,
      .retain = owns ? shared_retain : NULL,
      .release = owns ? shared_release : NULL,
      .error_text = shared_error_text,
      .key = owns ? shared_key : NULL,
      .player = kind & KIND_TWO ? shared_player : NULL,
      .sample = shared_sample,
      .evaluate = evaluates ? shared_evaluate : NULL,
  };
}

/* What a place is worth to the first player, if both (or the one) play as well as can be, without
 * chance. */
static double shared_true_value(const shared_model *m, place at) {
  if (shared_ends(m, at)) return 0.0; /* it was paid on the way here */
  bool least = m->model.num_players > 1 && at.steps % 2;
  double best = least ? INFINITY : -INFINITY;
  for (uint32_t i = 0; i < m->model.max_actions; i++) {
    place to = shared_next(m, at, i, 0);
    double value = shared_reward(m, at, to, NULL) + shared_true_value(m, to);
    best = least ? fmin(best, value) : fmax(best, value);
  }
  return best;
}

#endif
