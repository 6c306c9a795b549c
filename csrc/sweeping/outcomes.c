/* Outcomes lie in one growing array, in the order of first sight, and hang in two kinds of lists
 * by their indices: those of a pair, and those that lead to a state.
 *
 *     all            | 0: pair 3 to 7 | 1: pair 5 to 7 | 2: pair 3 to 4 | ...
 *     first_of_pair    [3] -> 0 -> 2         [5] -> 1
 *     into             [7] -> 1 <-> 0        [4] -> 2
 *
 * An outcome is told from others by where it leads and whether it ends there; its reward is a
 * mean, so that a noisy reward does not make an outcome of every step. One that ends an episode
 * is in no list of the second kind: nothing that is learned of its state ever changes it. The
 * outcomes of a pair are found by walking its list, which is short where few states follow. */
#include "outcomes.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

int outcomes_begin(outcomes *seen, int32_t num_states, int32_t num_actions, keeping kept) {
  size_t num_pairs = (size_t)num_states * (size_t)num_actions;
  *seen = (outcomes){.num_states = num_states, .num_actions = num_actions, .kept = kept};
  seen->first_of_pair = calloc(num_pairs, sizeof *seen->first_of_pair);
  seen->tries = calloc(num_pairs, sizeof *seen->tries);
  seen->into = calloc((size_t)num_states, sizeof *seen->into);
  if (!seen->first_of_pair || !seen->tries || !seen->into) {
    outcomes_end(seen);
    return MCTS_ERROR;
  }
  for (size_t i = 0; i < num_pairs; i++) {
    seen->first_of_pair[i] = NO_OUTCOME;
  }
  for (int32_t i = 0; i < num_states; i++) {
    seen->into[i] = NO_OUTCOME;
  }
  return MCTS_OK;
}

void outcomes_end(outcomes *seen) {
  free(seen->all);
  free(seen->first_of_pair);
  free(seen->tries);
  free(seen->into);
  *seen = (outcomes){0};
}

/* ---- lists -------------------------------------------------------------------------- */

static void link_into(outcomes *seen, int32_t index) {
  outcome *o = seen->all + index;
  o->into_before = o->into_after = NO_OUTCOME;
  if (o->terminated) {
    return;
  }
  int32_t *first = seen->into + o->next_state;
  o->into_after = *first;
  if (*first != NO_OUTCOME) {
    seen->all[*first].into_before = index;
  }
  *first = index;
}

static void unlink_into(outcomes *seen, const outcome *o) {
  if (o->terminated) {
    return;
  }
  if (o->into_after != NO_OUTCOME) {
    seen->all[o->into_after].into_before = o->into_before;
  }
  if (o->into_before != NO_OUTCOME) {
    seen->all[o->into_before].into_after = o->into_after;
  } else {
    seen->into[o->next_state] = o->into_after;
  }
}

/* ---- taking in ---------------------------------------------------------------------- */

static int reserve_one(outcomes *seen) {
  if (seen->count < seen->capacity) {
    return MCTS_OK;
  }
  if (seen->capacity > INT32_MAX / 2) {
    return MCTS_ERROR;
  }
  int32_t capacity = seen->capacity ? 2 * seen->capacity : FIRST_CAPACITY;
  if ((size_t)capacity > SIZE_MAX / sizeof *seen->all) {
    return MCTS_ERROR;
  }
  outcome *all = realloc(seen->all, (size_t)capacity * sizeof *all);
  if (!all) {
    return MCTS_ERROR;
  }
  seen->all = all;
  seen->capacity = capacity;
  return MCTS_OK;
}

/* The place that holds the index of the pair's outcome of that kind, or NO_OUTCOME. */
static int32_t *place_of(outcomes *seen, int32_t pair, int32_t next_state, int32_t terminated) {
  int32_t *place = seen->first_of_pair + pair;
  while (*place != NO_OUTCOME) {
    outcome *o = seen->all + *place;
    if (o->next_state == next_state && o->terminated == terminated) {
      break;
    }
    place = &o->next_of_pair;
  }
  return place;
}

static int add_new(outcomes *seen, int32_t pair, double reward, int32_t next_state,
                   int32_t terminated, int64_t times) {
  if (reserve_one(seen) != MCTS_OK) {
    return MCTS_ERROR;
  }
  int32_t index = seen->count++;
  seen->all[index] = (outcome){.reward = reward,
                               .count = times,
                               .pair = pair,
                               .next_state = next_state,
                               .next_of_pair = NO_OUTCOME,
                               .terminated = terminated};
  link_into(seen, index);
  *place_of(seen, pair, next_state, terminated) = index; /* the array may have moved */
  seen->tries[pair] += times;
  return MCTS_OK;
}

static void replace(outcomes *seen, int32_t index, double reward, int32_t next_state,
                    int32_t terminated) {
  outcome *o = seen->all + index;
  unlink_into(seen, o);
  o->reward = reward;
  o->next_state = next_state;
  o->terminated = terminated;
  link_into(seen, index);
}

int outcomes_add(outcomes *seen, int32_t pair, double reward, int32_t next_state,
                 int32_t terminated, int64_t times) {
  times = seen->kept == KEEP_LAST ? 1 : times;
  if (seen->kept == KEEP_LAST && was_tried(seen, pair)) {
    replace(seen, seen->first_of_pair[pair], reward, next_state, terminated);
    return MCTS_OK;
  }
  int32_t index = *place_of(seen, pair, next_state, terminated);
  if (index == NO_OUTCOME) {
    return add_new(seen, pair, reward, next_state, terminated, times);
  }
  outcome *o = seen->all + index;
  o->count += times;
  o->reward += (reward - o->reward) * (double)times / (double)o->count;
  seen->tries[pair] += times;
  return MCTS_OK;
}

/* ---- drawing ------------------------------------------------------------------------ */

const outcome *outcomes_draw(const outcomes *seen, int32_t pair, mcts_bitgen *rng) {
  const outcome *o = seen->all + seen->first_of_pair[pair];
  if (o->next_of_pair == NO_OUTCOME) {
    return o;
  }
  /* A double below 1 times a count below 2^53 rounds to less than the count. */
  int64_t drawn = (int64_t)(mcts_random_double(rng) * (double)seen->tries[pair]);
  while (drawn >= o->count) {
    drawn -= o->count;
    o = seen->all + o->next_of_pair;
  }
  return o;
}
