/* Settling a graph: what was learned on one path reaches all others.
 *
 * A backup changes the values along its own path; a state that other paths lead to has changed
 * for them too, and they find out when they pass next. So, now and then, all nodes are brought
 * up to date, the newest first, as those lie deepest, again and again until nothing changes: value
 * iteration over the graph as far as it is known. It is done when the number of simulations has
 * doubled, and costs no more than a part of what they did.
 *
 * While the search goes on, states that still have something to try are left as they are: with
 * what little is known of them they would look worse than they are, and not be tried. Before the
 * values are read it is the other way round: what is not known counts as the worst that was seen,
 * so that no leap in the dark is recommended.
 *
 * Source: Sutton and Barto (2018), section 4.4, in place; background planning over what was
 * sampled as in Dyna, section 8.2. */
#ifndef MCTS_CORE_SETTLE_H
#define MCTS_CORE_SETTLE_H

#include "bellman.h"
#include "stop.h"

/* Steps down the graph that pay for bringing one node up to date. */
enum { SETTLE_PRICE = 2, SETTLE_FIRST = 16 };

/* Nodes between two looks at the clock; and, in nanoseconds, what settling may take before values
 * are read where the time is up already. */
enum { SETTLE_LOOK = 64, SETTLE_LAST = 1000000 };

/* Changes below this part of the range of values are none; and what a solution may be off by. */
#define SETTLE_NOTHING 1e-9
#define SETTLE_EXACT 1e-6

/* A graph of states, by Bellman backups; elsewhere a path is its own. */
static inline bool settle_suits(const search *s) {
  return s->bellman && s->options.sharing == SHARING_STATE;
}

/* True if there is an edge of which nothing is known. */
static inline bool settle_is_open(const search *s, const node *n) {
  if (!bellman_is_chosen_from(s, n)) return !(n->flags & (NODE_SOLVED | NODE_TERMINAL));
  edges e = edges_at(&s->tree, n);
  for (uint32_t i = 0; i < e.count; i++)
    if (!bellman_known(s, &e, i)) return true;
  return false;
}

/* Brings one node up to date; by how much its value has changed. `open`: those too that have
 * something to try; else `*closed` is false where there was one. */
static inline double settle_node(const search *s, node *n, bool open, bool *closed) {
  if (n->flags & (NODE_SOLVED | NODE_TERMINAL)) return 0.0;
  if (!open && settle_is_open(s, n)) {
    *closed = false;
    return 0.0;
  }
  if (!bellman_is_chosen_from(s, n)) return 0.0;
  edges e = edges_at(&s->tree, n);
  graph_part *g = node_graph(n);
  for (uint32_t i = 0; i < e.count; i++) {
    bellman_read(s, &e, i, false);
    if (!bellman_is_narrow(s, &e, i)) *closed = false; /* some of its outcomes were not read */
  }
  double best = bellman_value(s, n, &e), change = fabs(best - g->value);
  if (best == -INFINITY) return 0.0; /* nothing is known of it yet */
  g->value = best;
  bellman_solve(s, n, &e);
  return change;
}

/* A graph in which there is nothing left to try, and whose values have come to rest: they are the
 * solution of Bellman's equations: off by at most change discount / (1 - discount). */
static inline void settle_solved(search *s) {
  for (ref r = s->tree.newest; r; r = node_graph(node_at(&s->tree, r))->older)
    node_solve(&s->tree, node_at(&s->tree, r));
}

/* All nodes, until nothing changes or what it may cost is spent, and not after `until`. */
static inline void settle(search *s, bool open, int64_t until) {
  uint64_t left = (s->tree_depth - s->settled_depth) / SETTLE_PRICE;
  const value_range *range = search_range(s, 0);
  double nothing = SETTLE_NOTHING * (range->high - range->low);
  double change;
  bool closed;
  s->settled_depth = s->tree_depth;
  do {
    change = 0.0;
    closed = !open && (s->deterministic || s->exact);
    ref r = s->tree.newest;
    for (; r && left > 0; left--) {
      if (left % SETTLE_LOOK == 0 && until < INT64_MAX && search_now() >= until) return;
      node *n = node_at(&s->tree, r);
      double changed = settle_node(s, n, open, &closed);
      if (changed > change) change = changed;
      r = node_graph(n)->older;
    }
    closed = closed && !r;
  } while (change > nothing && left > 0);
  double off = SETTLE_EXACT * (range->high - range->low) * (1.0 - s->discount);
  if (closed && change <= nothing && change * s->discount <= off) settle_solved(s);
}

/* Before values are read, for good. */
static inline void settle_to_read(search *s) {
  double low = search_range(s, 0)->first_low;
  if ((s->recipe & RECIPE_TRIAL) && low < INFINITY)
    for (ref r = s->tree.newest; r; r = node_graph(node_at(&s->tree, r))->older) {
      node *n = node_at(&s->tree, r);
      bool is_leaf = !bellman_is_chosen_from(s, n);
      if (is_leaf && settle_is_open(s, n)) node_graph(n)->value = low;
    }
  s->settled_depth = 0; /* as long as all simulations have paid for */
  int64_t until = s->limits.deadline, soon = search_now() + SETTLE_LAST;
  bool is_late = until < soon || stop_is_cancelled(s);
  settle(s, true, is_late ? soon : until);
}

/* Before a search goes on after that: what is not known counts as in a new leaf again. */
static inline void settle_to_go_on(search *s) {
  if (!(s->recipe & RECIPE_TRIAL)) return; /* leaves have values of their own */
  for (ref r = s->tree.newest; r; r = node_graph(node_at(&s->tree, r))->older) {
    node *n = node_at(&s->tree, r);
    if (settle_is_open(s, n)) node_graph(n)->value = 0.0;
  }
}

/* After a simulation. */
LOOP_PIECE void settle_when_due(search *s, unsigned recipe) {
  if (!(recipe & RECIPE_BELLMAN) || !settle_suits(s)) return;
  uint64_t n = s->simulations;
  if (n >= SETTLE_FIRST && (n & (n - 1)) == 0) settle(s, false, s->limits.deadline);
}

#endif
