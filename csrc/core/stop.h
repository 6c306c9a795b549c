/* When to stop: small rules, looked at between simulations, and, for models that are slow
 * enough to hold a lock, within them. */
#ifndef MCTS_CORE_STOP_H
#define MCTS_CORE_STOP_H

#include <time.h>

#include "prove.h"
#include "search.h"

/* Model calls between two moments in which a lock such as Python's is let go. */
enum { STOP_BURST = 64 };

/* The clock is read about this often, in nanoseconds. */
enum { STOP_CLOCK_INTERVAL = 50000 };

static inline bool stop_is_cancelled(const search *s) {
  return s->limits.cancelled &&
         atomic_load_explicit(s->limits.cancelled, memory_order_relaxed) != 0;
}

/* A clock that is cheap enough to be read after every call of a slow model, and may be behind
 * by some milliseconds. */
static inline int64_t stop_coarse_now(void) {
#ifdef CLOCK_MONOTONIC_COARSE
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
#else
  return search_now();
#endif
}

/* After a call of a model that holds a lock, and so may be slow. INTERRUPTED: cancelled, or out
 * of time, so the simulation is to be given up. Lets others have the lock every STOP_BURST
 * calls. */
LOOP_PIECE int stop_breathe(search *s) {
  if (!s->model->enter) return MCTS_OK;
  if (stop_is_cancelled(s) || stop_coarse_now() >= s->limits.deadline) return INTERRUPTED;
  if (--s->burst_left > 0) return MCTS_OK;
  s->burst_left = STOP_BURST;
  search_leave(s);
  return search_enter(s);
}

/* ---- decided ----------------------------------------------------------------------------------
 *
 * Where the edge with the most visits is recommended, the rest of the simulations is of no use once
 * they are fewer than what the second is behind. By the clock their number is an estimate. */

/* A part more than the search's own speed lets expect. */
#define STOP_MARGIN 1.25

/* The search's speed is known after this many nanoseconds. */
enum { STOP_LEAST_ELAPSED = 1000000 };

static inline bool stop_may_be_decided(const search *s) {
  search_recommendation rule = s->options.recommendation;
  bool by_visits = rule == RECOMMEND_VISITS || (rule == RECOMMEND_DUE && !s->bellman);
  bool once = s->options.sharing != SHARING_STATE; /* elsewhere one may pass the root many times */
  return s->options.early_stop && by_visits && once && s->options.selection != SELECTION_GUMBEL;
}

/* By how many visits the root's first edge leads those that are not lost. A single one leads for
 * good, but where other states of the root may bring others. */
static inline uint64_t stop_lead(const search *s) {
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  uint64_t most = 0, second = 0;
  for (uint32_t i = 0; i < e.count; i++) {
    uint64_t visits = e.count > 1 && prove_edge_is_lost(s, &e, i) ? 0 : e.visits[i];
    if (visits > most) {
      second = most;
      most = visits;
    } else if (visits > second) {
      second = visits;
    }
  }
  bool alone = e.count == 1 && s->num_particles <= 1;
  return alone && most > 0 ? UINT64_MAX : most - second;
}

/* With those left that are planned: this run may be a part of them. */
LOOP_PIECE bool stop_is_decided(search *s) {
  if (s->simulations < s->until_decided || !s->stops_decided) return false;
  uint64_t left = s->planned > s->simulations ? s->planned - s->simulations : UINT64_MAX - 1;
  uint64_t lead = stop_lead(s);
  if (lead > left) return true;
  /* Each changes it by two at most, but the first one where there is one edge alone. */
  s->until_decided = s->simulations + (s->simulations == 0 ? 1 : (left - lead) / 2 + 1);
  return false;
}

static inline bool stop_is_decided_in_time(const search *s, int64_t now) {
  int64_t elapsed = s->ran_before + now - s->run_began;
  if (!s->stops_decided || s->limits.deadline == INT64_MAX || elapsed < STOP_LEAST_ELAPSED)
    return false;
  double speed = (double)s->simulations / (double)elapsed;
  double left = STOP_MARGIN * speed * (double)(s->limits.deadline - now);
  return s->simulations > 0 && (double)stop_lead(s) > left;
}

/* Looks what time it is, and when to look again: so rarely that it costs nothing beside the
 * simulations. */
RARE_PIECE stop_reason stop_read_clock(search *s) {
  int64_t now = search_now();
  if (now >= s->limits.deadline) return STOP_TIME_LIMIT;
  if (stop_is_decided_in_time(s, now)) {
    s->decided_by_clock = true;
    return STOP_DECIDED;
  }
  if (now >= s->limits.slice_deadline) return STOP_SLICE;
  uint64_t done = s->simulations - s->simulations_then;
  int64_t elapsed = now - s->clock_read;
  uint64_t fitting = elapsed > 0 ? done * STOP_CLOCK_INTERVAL / (uint64_t)elapsed : done * 2;
  s->until_clock = (uint32_t)(fitting < 4096 ? fitting : 4096);
  s->clock_read = now;
  s->simulations_then = s->simulations;
  return STOP_NONE;
}

LOOP_PIECE stop_reason stop_by_clock(search *s) {
  if (s->until_clock == 0) return stop_read_clock(s);
  s->until_clock -= 1;
  return STOP_NONE;
}

/* Before simulation number `next`, whatever the time is. */
LOOP_PIECE stop_reason stop_by_counts(search *s, uint64_t next) {
  if (node_at(&s->tree, s->tree.root)->flags & NODE_SOLVED) return STOP_SOLVED;
  if (next >= s->limits.simulations) return STOP_SIMULATIONS;
  if (stop_is_decided(s)) return STOP_DECIDED;
  return stop_is_cancelled(s) ? STOP_CANCELLED : STOP_NONE;
}

#endif
