/* One of the copies of loops.h: LOOP is its name. */
#include "loops.h"
#include "simulate.h"

#ifndef LOOP
#define LOOP loop_portable
#endif

/* Why the search ends with a simulation that was given up. */
static stop_reason reason_of(const search *s, int status) {
  if (status == OUT_OF_BYTES) return STOP_MAX_BYTES;
  return stop_is_cancelled(s) ? STOP_CANCELLED : STOP_TIME_LIMIT;
}

/* ---- one simulation after the other ---------------------------------------------------------- */

LOOP_PIECE int run(search *s, stop_reason *reason, unsigned recipe) {
  for (;;) {
    *reason = stop_by_counts(s, s->simulations);
    if (*reason == STOP_NONE) *reason = stop_by_clock(s);
    if (*reason != STOP_NONE) return MCTS_OK;
    int status = simulate(s, s->cursors, recipe);
    settle_when_due(s, recipe);
    if (status == MCTS_OK) continue;
    *reason = reason_of(s, status);
    return status == FAILED ? FAILED : MCTS_OK;
  }
}

/* ---- many simulations in progress ---------------------------------------------------------- */

/* Simulations that one search may end before others have their turn. */
enum { PUMP_TURN = 64 };

/* True if a new simulation may begin. Otherwise `*reason` says what speaks against it for good;
 * STOP_NONE: only that enough are in flight. */
LOOP_PIECE bool may_start(search *s, stop_reason *reason, unsigned recipe) {
  *reason = STOP_NONE;
  uint64_t flying = s->started - s->simulations;
  if (flying >= s->options.in_flight) return false;
  /* The first one opens the root, for all. */
  bool opens = (recipe & RECIPE_PRIORS) && flying > 0;
  if (opens && !(node_at(&s->tree, s->tree.root)->flags & NODE_OPEN)) return false;
  *reason = stop_by_counts(s, s->started);
  /* The batch looks at the clock itself, for all at once; this is for what is decided in time. */
  bool timed = s->limits.deadline < INT64_MAX;
  if (timed && *reason == STOP_NONE) *reason = stop_by_clock(s);
  return *reason == STOP_NONE;
}

LOOP_PIECE int pump(search *s, cursor **asking, uint32_t *count, stop_reason *reason,
                    unsigned recipe) {
  uint64_t turn_ends = s->simulations + PUMP_TURN;
  *reason = STOP_NONE;
  for (uint64_t i = s->simulations; s->simulations < turn_ends; i++) {
    cursor *c = &s->cursors[s->options.in_flight > 1 ? i % s->options.in_flight : 0];
    if (i == s->started) {
      if (!may_start(s, reason, recipe)) {
        /* What is in flight is brought home, unless it would change nothing. */
        bool drains = *reason == STOP_SIMULATIONS && s->started > s->simulations;
        if (drains) *reason = STOP_NONE;
        return MCTS_OK;
      }
      cursor_begin(s, c, i, recipe);
      s->started += 1;
    }
    int status = cursor_advance_to_question(s, c, recipe);
    if (status < 0) return status;
    if (c->phase != CURSOR_BACKING_UP) {
      asking[(*count)++] = c;
    } else if (i == s->simulations) {
      backup(s, c, recipe);
      cursor_let_go(s, c);
      settle_when_due(s, recipe);
    }
  }
  return MCTS_OK;
}

/* ---- one copy for each common recipe --------------------------------------------------------- */

/* A graph by Bellman backups and trials, of one player. */
enum { RECIPE_GRAPH = RECIPE_BELLMAN | RECIPE_SHARED | RECIPE_TRIAL | RECIPE_ALONE };

/* PUCT, or Gumbel. */
enum { RECIPE_PUCT = RECIPE_SELECTION | RECIPE_PRIORS | RECIPE_DETERMINISTIC };

/* Each in a function of its own, so that none of them changes what the compiler makes of another. */
#define RECIPES(ONE)                                                 \
  ONE(uct, RECIPE_ALONE)                                             \
  ONE(uct_without_chance, RECIPE_DETERMINISTIC | RECIPE_ALONE)       \
  ONE(uct_for_two, RECIPE_DETERMINISTIC | RECIPE_TWO)                \
  ONE(uct_proven, RECIPE_DETERMINISTIC | RECIPE_TWO | RECIPE_PROVEN) \
  ONE(graph, RECIPE_GRAPH)                                           \
  ONE(exact_graph, RECIPE_GRAPH | RECIPE_EXACT)                      \
  ONE(puct, RECIPE_PUCT | RECIPE_ALONE)                              \
  ONE(puct_for_two, RECIPE_PUCT | RECIPE_TWO)                        \
  ONE(gumbel, RECIPE_PUCT | RECIPE_GUMBEL | RECIPE_ALONE)

#define PIECE static __attribute__((noinline)) int

#define COPY(name, recipe)                                                                    \
  PIECE run_##name(search *s, stop_reason *reason) { return run(s, reason, recipe); }         \
  PIECE pump_##name(search *s, cursor **asking, uint32_t *count, stop_reason *reason) {       \
    return pump(s, asking, count, reason, recipe);                                            \
  }

RECIPES(COPY)
COPY(any, s->recipe)

#define CASE(name, recipe)                                  \
  case recipe:                                              \
    return (search_loop){run_##name, pump_##name};

search_loop LOOP(unsigned recipe) {
  switch (recipe) {
    RECIPES(CASE)
    default:
      return (search_loop){run_any, pump_any};
  }
}
