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

/* Changes below this part of the range of values are none. */
#define SETTLE_NOTHING 1e-9

/* A graph of states, by Bellman backups; elsewhere a path is its own. */
static inline bool settle_suits(const search *s) {
  return s->options.backup == BACKUP_BELLMAN && s->options.sharing == SHARING_STATE;
}

/* True if there is an edge of which nothing is known. */
static inline bool settle_is_open(const search *s, const node *n) {
  if (!n->edges) return !(n->flags & (NODE_SOLVED | NODE_TERMINAL));
  edges e = edges_at(&s->tree, n);
  for (uint32_t i = 0; i < n->count; i++)
    if (!bellman_known(s, &e, i)) return true;
  return false;
}

/* Brings one node up to date; by how much its value has changed. `open`: those too that have
 * something to try. */
static inline double settle_node(const search *s, node *n, bool open) {
  if (!n->edges || (n->flags & NODE_SOLVED)) return 0.0;
  if (!open && settle_is_open(s, n)) return 0.0;
  edges e = edges_at(&s->tree, n);
  graph_part *g = node_graph(n);
  for (uint32_t i = 0; i < n->count; i++) bellman_read(s, &e, i, false);
  double best = bellman_best(s, n, &e), change = fabs(best - g->value);
  if (best == -INFINITY) return 0.0; /* nothing is known of it yet */
  g->value = best;
  bellman_solve(s, n, &e);
  return change;
}

/* All nodes, until nothing changes or what it may cost is spent, and not after `until`. */
static inline void settle(search *s, bool open, int64_t until) {
  uint64_t left = (s->tree_depth - s->settled_depth) / SETTLE_PRICE;
  double nothing = s->high > s->low ? SETTLE_NOTHING * (s->high - s->low) : 0.0, change;
  s->settled_depth = s->tree_depth;
  do {
    change = 0.0;
    for (ref r = s->tree.newest; r && left > 0; left--) {
      if (left % SETTLE_LOOK == 0 && until < INT64_MAX && search_now() >= until) return;
      node *n = node_at(&s->tree, r);
      double changed = settle_node(s, n, open);
      if (changed > change) change = changed;
      r = node_graph(n)->older;
    }
  } while (change > nothing && left > 0);
}

/* Before values are read, for good. */
static inline void settle_to_read(search *s) {
  if ((s->recipe & RECIPE_TRIAL) && s->low < INFINITY)
    for (ref r = s->tree.newest; r; r = node_graph(node_at(&s->tree, r))->older) {
      node *n = node_at(&s->tree, r);
      if (!n->edges && settle_is_open(s, n)) node_graph(n)->value = s->low;
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
