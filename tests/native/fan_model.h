/* A model with as many actions as one likes, whose states are plain bytes: two searches that do the
 * same have the same bytes in memory.
 *
 * Its numbers come in styles: ties, small ones, far outliers, zeros of both signs. */
#ifndef FAN_MODEL_H
#define FAN_MODEL_H

#include <math.h>
#include <stdbool.h>

#include "check.h"
#include "search.h"

enum style { STYLE_TIES, STYLE_UNIFORM, STYLE_OUTLIERS, STYLE_ZEROS, STYLE_WIDE, STYLES };

typedef struct {
  mcts_model model;
  enum style style;
  bool certain;
} fan_model;

static uint64_t fan_mix(uint64_t x) {
  uint64_t counter = x * UINT64_C(0xD1342543DE82EF95) + 1;
  return mcts_splitmix64(&counter);
}

/* A number that belongs to `seed`. */
static double fan_number(enum style style, uint64_t seed) {
  uint64_t bits = fan_mix(seed);
  double uniform = (double)(bits >> 11) * 0x1.0p-53;
  switch (style) {
    case STYLE_TIES:
      return (double)(bits % 3);
    case STYLE_OUTLIERS:
      return bits % 23 == 0 ? 1e6 * (uniform - 0.5) : uniform;
    case STYLE_ZEROS:
      return bits % 2 ? 0.0 : -0.0;
    case STYLE_WIDE:
      return ldexp(uniform - 0.5, (int)(bits % 400) - 200);
    default:
      return uniform;
  }
}

static int fan_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                      void *next_state, double *rewards, int32_t *terminated, void *observation) {
  const fan_model *m = ctx;
  uint64_t drawn = mcts_random_below(rng, 2), at = *(const uint64_t *)state;
  uint64_t next = fan_mix(at * 64 + (uint64_t)action * 2 + (m->certain ? 0 : drawn)) % 5000;
  *(uint64_t *)next_state = next;
  rewards[0] = fan_number(m->style, next + 1);
  for (uint32_t p = 1; p < m->model.num_players; p++) rewards[p] = -rewards[0];
  *terminated = next % 11 == 0;
  if (observation) *(uint64_t *)observation = next % 3;
  return MCTS_OK;
}

static int fan_player(void *ctx, const void *state, int32_t *player) {
  *player = (int32_t)(*(const uint64_t *)state % ((fan_model *)ctx)->model.num_players);
  return MCTS_OK;
}

static int fan_evaluate(void *ctx, const void *state, double *priors, double *values) {
  const fan_model *m = ctx;
  uint64_t at = *(const uint64_t *)state;
  for (uint32_t i = 0; priors && i < m->model.max_actions; i++) {
    uint64_t seed = at * 64 + i;
    bool none = at % 5 == 0 || (at % 2 && fan_mix(seed + 7) % 3 == 0); /* all of them, or some */
    priors[i] = none ? 0.0 : fabs(fan_number(m->style, seed));
  }
  for (uint32_t p = 0; values && p < m->model.num_players; p++)
    values[p] = fan_number(m->style, at + 900000 + p);
  return MCTS_OK;
}

/* `m` must not move afterwards. */
static void fan_model_begin(fan_model *m, uint32_t actions, uint32_t players, enum style style,
                            bool certain) {
  *m = (fan_model){.style = style, .certain = certain};
  m->model = (mcts_model){
      .abi_version = MCTS_MODEL_ABI_VERSION,
      .struct_size = sizeof(mcts_model),
      .flags = MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS | (certain ? MCTS_MODEL_DETERMINISTIC : 0u),
      .ctx = m,
      .discount = 0.95,
      .state_bytes = sizeof(uint64_t),
      .observation_bytes = sizeof(uint64_t),
      .num_actions = actions,
      .max_actions = actions,
      .num_players = players,
      .player = players > 1 ? fan_player : NULL,
      .sample = fan_sample,
      .evaluate = fan_evaluate,
  };
}

/* All of memory that is in use, and what was counted. */
static void check_same_memory(const search *one, const search *other) {
  const arena *a = &one->tree.blocks, *b = &other->tree.blocks;
  CHECK(a->low == b->low && a->high == b->high && a->size == b->size);
  CHECK(one->simulations == other->simulations && one->model_steps == other->model_steps);
  CHECK(one->tree_depth == other->tree_depth && one->tree.root == other->tree.root);
  CHECK(memcmp(arena_at(a, 0), arena_at(b, 0), a->low) == 0);
  const unsigned char *top = arena_at(a, 0), *other_top = arena_at(b, 0);
  CHECK(memcmp(top + a->high, other_top + b->high, a->size - a->high) == 0);
}

#endif
