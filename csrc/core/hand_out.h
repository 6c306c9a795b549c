/* Handing out simulations, from the root down to what is leased. Under the lock. See parallel.h. */
#ifndef MCTS_CORE_HAND_OUT_H
#define MCTS_CORE_HAND_OUT_H

#include "lease.h"

/* Handed out at once for what lies behind an edge: of the visits that it has had, one in PART; and
 * no more than MOST. Fewer where chance has a part: there plans get worse by more at once. */
enum { PART = 16, PART_BY_CHANCE = 32, MOST = 4096 };

/* What lies behind an edge is leased whole where it has had SMALLEST visits or fewer, or less than
 * TOP_PART of a thread's share of the root's, and where it lies deeper than TOP_DEPTH. More where chance
 * has a part, as what lies further down is drawn under the lock. */
enum { SMALLEST = 32, TOP_DEPTH = 256 };
#define TOP_PART 0.25
#define TOP_PART_BY_CHANCE 0.75

/* What is known at the top grows old while simulations are not home. So no more of them wait for a
 * thread than one in AHEAD of the root's visits, shared out among the threads, nor than MOST_AHEAD.
 * They are handed out HANDFUL at a time, so that nobody waits long for the lock. */
enum { AHEAD = 32, MOST_AHEAD = 2048, HANDFUL = 16 };

static uint64_t part_of(const search *s, uint32_t visits) {
  uint64_t part = visits / (s->deterministic ? PART : PART_BY_CHANCE);
  return part < 1 ? 1 : part < MOST ? part : MOST;
}

static bool is_small(const parallel *p, uint32_t visits) {
  const tree *t = &p->s->tree;
  double all = node_visits(t, node_at(t, t->root));
  double part = p->s->deterministic ? TOP_PART : TOP_PART_BY_CHANCE;
  return visits <= SMALLEST || visits <= part / p->threads * all;
}

/* Simulations that are to be waiting for a thread. */
static uint64_t ahead_of(const parallel *p) {
  const tree *t = &p->s->tree;
  uint64_t ahead = node_visits(t, node_at(t, t->root)) / (AHEAD * p->threads);
  return ahead < MOST_AHEAD ? ahead + 1 : MOST_AHEAD;
}

static int hand_out(parallel *p, ref at, uint32_t depth, uint64_t count, uint64_t *placed);

/* Up to `count` more along an edge that is leased, and has been visited so often; all of them
 * where chance has led there: else what is likely would happen too rarely. */
static uint64_t add_to(parallel *p, lease *l, uint32_t visits, uint64_t count, bool by_chance) {
  uint64_t pending = l->given - l->done, most = 2 * part_of(p->s, visits);
  uint64_t room = pending < most ? most - pending : 0;
  if (!by_chance && count > room) count = room;
  if (count > 0) give(p, l, count);
  return count;
}

/* Until a simulation is home an edge is worth as little as any that was tried. */
static double lowest_value(const edges *e) {
  double lowest = INFINITY;
  for (uint32_t i = 0; i < e->count; i++)
    if (e->visits[i] > 0 && e->value[i] < lowest) lowest = e->value[i];
  return isfinite(lowest) ? lowest : 0.0;
}

/* A simulation for what chance has led to. */
static int hand_to(parallel *p, ref child, uint32_t depth, uint64_t *placed) {
  search *s = p->s;
  const node *n = node_at(&s->tree, child);
  lease *l = lease_of(p, child);
  *placed = 1;
  if (l) {
    give(p, l, 1);
  } else if (n->flags & NODE_TERMINAL) {
    bring_at_once(p, child, depth, 1);
  } else if (!node_is_expanded(n) || depth == s->bound) {
    *placed = lease_out(p, child, depth, 1);
  } else {
    return hand_out(p, child, depth, 1, placed);
  }
  return MCTS_OK;
}

/* Simulations for the outcomes of an edge, each drawn: a handful at most. */
static int draw_outcomes(parallel *p, ref at, uint32_t depth, const edges *e, uint32_t edge,
                         uint64_t count, uint64_t *placed) {
  search *s = p->s;
  cursor *c = s->cursors;
  uint64_t got = 1;
  for (*placed = 0; *placed < count && *placed < HANDFUL && got > 0; *placed += got) {
    cursor_step *step = &c->path[depth];
    c->node = at;
    c->depth = depth;
    c->action = edge_action(&s->tree, e, edge);
    int status = cursor_take_step(s, c, s->recipe);
    if (status < 0) return status;
    status = outcome_for(s, e, edge, c->next, depth + 1, c->terminated, &step->outcome, s->recipe);
    if (status < 0) return status;
    status = hand_to(p, outcome_at(&s->tree, step->outcome)->node, depth + 1, &got);
    if (status < 0) return status;
  }
  return MCTS_OK;
}

/* `count` simulations for what lies behind an edge that is not leased. */
static int hand_along(parallel *p, ref at, uint32_t depth, const edges *e, uint32_t edge,
                      uint64_t count, uint64_t *placed) {
  search *s = p->s;
  cursor *c = s->cursors;
  bool known = s->deterministic && e->child[edge];
  ref child = known ? child_node(&s->tree, e->child[edge]) : 0;
  const node *n = known ? node_at(&s->tree, child) : NULL;
  if (known)
    arrive_paid(s, e, edge, child, &c->rewards[(size_t)depth * s->model->num_players], s->recipe);
  *placed = count;
  if (known && n->flags & (NODE_TERMINAL | NODE_SOLVED)) {
    bring_at_once(p, child, depth + 1, count);
    return MCTS_OK;
  }
  bool leads_on = known ? node_is_expanded(n) : !s->deterministic && e->child[edge];
  bool whole = !leads_on || is_small(p, e->visits[edge]) || depth + 1 >= TOP_DEPTH ||
               depth + 1 == s->bound;
  if (whole && !holds_leases(p, &c->path[depth], depth)) {
    if (e->visits[edge] == 0) e->value[edge] = lowest_value(e);
    if (!lease_out(p, 0, depth + 1, count)) *placed = 0;
    return MCTS_OK;
  }
  if (!known) return draw_outcomes(p, at, depth, e, edge, count, placed);
  return hand_out(p, child, depth + 1, count, placed);
}

/* Hands out `count` simulations from a node on, as selection has it; `*placed` of them are fewer
 * where all that it would go to has been handed enough. From the root on it is a handful at a time. */
static int hand_out(parallel *p, ref at, uint32_t depth, uint64_t count, uint64_t *placed) {
  search *s = p->s;
  cursor *c = s->cursors;
  ref block = node_at(&s->tree, at)->block;
  bool is_single = block_is_single(block_at(&s->tree, block), s->tree.layout);
  if (is_single) block = open_another(s, c, depth, 0);
  if (!block) return OUT_OF_BYTES;
  edges e = edges_in(&s->tree, block, s->tree.layout);
  *placed = 0;
  while (*placed < count && (depth > 0 || *placed < HANDFUL)) {
    uint32_t edge = select_edge(s, &e, depth, &c->rng, s->recipe);
    uint64_t part = part_of(s, e.visits[edge]), got = 0;
    if (part > count - *placed) part = count - *placed;
    c->path[depth] = (cursor_step){block, edge, 0};
    lease *l = lease_of(p, key_of_edge(&c->path[depth]));
    int status = MCTS_OK;
    if (l) got = add_to(p, l, e.visits[edge], part, !s->deterministic && depth > 0);
    else status = hand_along(p, at, depth, &e, edge, part, &got);
    if (status < 0) return status;
    *placed += got;
    if (got < part) break;
  }
  return MCTS_OK;
}

#endif
