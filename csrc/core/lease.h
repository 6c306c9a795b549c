/* Leases: which thread is at work in which part of the tree, what it has been given to do there, and
 * how it comes home. All of it under the lock. See parallel.h. */
#ifndef MCTS_CORE_LEASE_H
#define MCTS_CORE_LEASE_H

#include <stdlib.h>

#include "parallel.h"
#include "simulate.h"

enum { MOST_LEASES = 1024 };

/* The right to run simulations along an edge, or from a leaf on that an edge of chance has led to:
 * `given` in all, of which `done` are home. */
typedef struct {
  ref leaf;                   /* 0: what is leased is the last edge of the path */
  bool running;
  uint32_t place;             /* among the leases */
  uint64_t given, done;
  uint64_t waiting;           /* of those that are given: not begun yet */
  uint32_t depth;
  cursor_step *path;          /* [depth] from the root */
  double *rewards, *paid;     /* [depth][players], means: of those waiting, and of those running */
  uint32_t room;              /* of these three */
} lease;

typedef struct {
  parallel *p;
  search *s; /* its root is the leaf of a lease, or: */
  ref stand_in, block; /* a node that has the leased edge and no other, as its one thread's own */
  pthread_t thread;
  uint32_t since_ranges; /* simulations since its ranges were compared with the others' */
} worker;

struct parallel {
  search *s;
  uint32_t threads;
  worker *workers;
  lease *leases[MOST_LEASES]; /* the first s->num_leased are in use */
  uint64_t keys[MOST_LEASES]; /* of those: see key_of */
  ref nodes[MOST_LEASES];     /* of those: where their simulations go; 0: not known yet */
  lease *all;
  returns_seen *seen;         /* scratch: [players] */
  double *exact;              /* scratch: [players] */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  arena_source source;
  bool has_windows;           /* the workers' arenas are windows of the tree's as it is now */
  bool handing_out;           /* one of the threads is */
  uint32_t running;           /* leases */
  uint64_t handed_out;        /* times */
  uint64_t next_number;       /* of a simulation */
  bool over;
  stop_reason reason;         /* why it is over */
  int status;
};

/* ---- leases ---------------------------------------------------------------------------------- */

static uint64_t key_of_edge(const cursor_step *step) {
  return (uint64_t)step->block << 32 | step->edge;
}

/* What tells a lease from the others: its edge, or its leaf. */
static uint64_t key_of(const lease *l) {
  return l->leaf ? l->leaf : key_of_edge(&l->path[l->depth - 1]);
}

static lease *lease_of(const parallel *p, uint64_t key) {
  for (uint32_t i = 0; i < p->s->num_leased; i++)
    if (p->keys[i] == key) return p->leases[i];
  return NULL;
}

static bool is_on_edge(const lease *l, uint32_t d, const cursor_step *step) {
  return l->depth > d && l->path[d].block == step->block && l->path[d].edge == step->edge;
}

/* True if something that lies behind an edge, `d` steps from the root, is leased. */
static bool holds_leases(const parallel *p, const cursor_step *step, uint32_t d) {
  for (uint32_t i = 0; i < p->s->num_leased; i++)
    if (is_on_edge(p->leases[i], d, step)) return true;
  return false;
}

/* Simulations that an edge counts as visits and that are not home yet. */
static uint64_t pending_at(const parallel *p, const cursor_step *path, uint32_t d) {
  uint64_t pending = 0;
  for (uint32_t i = 0; i < p->s->num_leased; i++) {
    const lease *l = p->leases[i];
    if (is_on_edge(l, d, &path[d])) pending += l->given - l->done;
  }
  return pending;
}

static void add_visits(uint32_t *visits, uint64_t more) {
  uint64_t sum = *visits + more;
  *visits = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* Counts simulations as visits along a path. */
static void reserve(search *s, const cursor_step *path, uint32_t depth, uint64_t count) {
  tree *t = &s->tree;
  for (uint32_t d = 0; d < depth; d++) {
    edges e = edges_in(t, path[d].block, t->layout);
    add_visits(&e.head->visits, count);
    add_visits(&e.visits[path[d].edge], count);
    if (path[d].outcome) add_visits(&outcome_at(t, path[d].outcome)->visits, count);
  }
  s->started += count;
}

/* And takes them back. */
static void cancel(search *s, const cursor_step *path, uint32_t depth, uint64_t count) {
  tree *t = &s->tree;
  uint32_t less = (uint32_t)count;
  for (uint32_t d = 0; d < depth; d++) {
    edges e = edges_in(t, path[d].block, t->layout);
    e.head->visits -= less;
    e.visits[path[d].edge] -= less;
    if (e.visits[path[d].edge] == 0) e.head->all_tried = false;
    if (path[d].outcome) outcome_at(t, path[d].outcome)->visits -= less;
  }
  s->started -= count;
}

static bool make_room(lease *l, uint32_t depth, size_t players) {
  if (l->room >= depth) return true;
  uint32_t room = 2 * depth;
  cursor_step *path = realloc(l->path, room * sizeof *path);
  if (path) l->path = path;
  double *rewards = realloc(l->rewards, room * players * sizeof *rewards);
  if (rewards) l->rewards = rewards;
  double *paid = realloc(l->paid, room * players * sizeof *paid);
  if (paid) l->paid = paid;
  if (!path || !rewards || !paid) return false;
  l->room = room;
  return true;
}

/* `count` more simulations, along the cursor's path. */
static void give(parallel *p, lease *l, uint64_t count) {
  search *s = p->s;
  const cursor *c = s->cursors;
  uint32_t steps = l->leaf ? l->depth : l->depth - 1; /* what a leased edge pays its thread sees */
  size_t numbers = (size_t)steps * s->model->num_players;
  double part = (double)count / (double)(l->waiting + count);
  if (l->waiting == 0) memcpy(l->rewards, c->rewards, numbers * sizeof *l->rewards);
  else
    for (size_t i = 0; i < numbers; i++) l->rewards[i] += part * (c->rewards[i] - l->rewards[i]);
  l->given += count;
  l->waiting += count;
  reserve(s, l->path, l->depth, count);
}

/* Where the simulations of a lease go; 0: that is not known yet. */
static ref node_of(const parallel *p, const lease *l) {
  const tree *t = &p->s->tree;
  const cursor_step *step = &l->path[l->depth - 1];
  ref child = p->s->deterministic ? edges_in(t, step->block, t->layout).child[step->edge] : 0;
  return child ? child_node(t, child) : l->leaf;
}

/* Leases the last edge of the cursor's path, or the leaf that it leads to. False if there is no
 * lease to be had. */
static bool lease_out(parallel *p, ref leaf, uint32_t depth, uint64_t count) {
  search *s = p->s;
  const cursor *c = s->cursors;
  size_t players = s->model->num_players;
  if (s->num_leased == MOST_LEASES) return false;
  lease *l = p->leases[s->num_leased];
  if (!make_room(l, depth, players)) return false;
  l->leaf = leaf;
  l->depth = depth;
  l->running = false;
  l->place = s->num_leased;
  l->given = l->done = l->waiting = 0;
  memcpy(l->path, c->path, depth * sizeof *l->path);
  p->keys[l->place] = key_of(l);
  p->nodes[l->place] = node_of(p, l);
  s->num_leased += 1;
  give(p, l, count);
  return true;
}

static void end_lease(parallel *p, lease *l) {
  search *s = p->s;
  cancel(s, l->path, l->depth, l->given - l->done);
  uint32_t last = --s->num_leased, place = l->place;
  p->leases[place] = p->leases[last];
  p->leases[place]->place = place;
  p->keys[place] = p->keys[last];
  p->nodes[place] = p->nodes[last];
  p->leases[last] = l;
}

/* ---- coming home ----------------------------------------------------------------------------- */

static void see_exactly(search *s, const node *n, returns_seen *seen, double *returns) {
  prove_returns(s, n, returns);
  for (uint32_t i = 0; i < s->model->num_players; i++)
    seen[i] = (returns_seen){seen[i].count, returns[i], 0.0, returns[i], returns[i]};
}

/* One edge of the path, by the mean of the returns: what backup_mean does for one. */
static void bring_mean(search *s, const edges *e, uint32_t i, uint32_t d, const returns_seen *seen,
                       double home) {
  double count = (double)seen->count, before = home - count;
  double change = seen->mean - e->value[i];
  e->value[i] += change * (count / home);
  double spread = seen->squares + change * change * (before * count / home);
  if (s->tree.layout & BLOCK_SPREADS) e->spread[i] += spread;
  if (d == 0) s->root_spread[i] += spread;
  if (s->recipe & RECIPE_PRIORS) return;
  range_add(search_range(s, d), seen->low);
  if (seen->count > 1) range_add(search_range(s, d), seen->high);
}

/* Backs up what simulations have seen below a node: `seen` [players] are the returns from there on
 * or, if it stands in for one that has the last edge of the path, along that edge. Their visits are
 * reserved already, and are none of those that are pending. */
static void bring_home(parallel *p, ref below, bool stands_in, const cursor_step *path,
                       const double *rewards, uint32_t depth, returns_seen *seen) {
  search *s = p->s;
  tree *t = &s->tree;
  uint32_t players = s->model->num_players;
  uint64_t count = seen[0].count;
  bool proves = s->recipe & RECIPE_PROVEN;
  bool exact = proves && prove_is_exact(node_at(t, below));
  for (uint32_t d = depth; d-- > 0;) {
    if (exact) see_exactly(s, node_at(t, below), seen, p->exact);
    bool is_seen = stands_in && d == depth - 1;
    for (uint32_t i = 0; i < players && !is_seen; i++) {
      double reward = rewards[(size_t)d * players + i];
      seen[i].mean = reward + s->discount * seen[i].mean;
      seen[i].low = reward + s->discount * seen[i].low;
      seen[i].high = reward + s->discount * seen[i].high;
      seen[i].squares *= s->discount * s->discount;
    }
    uint32_t edge = path[d].edge;
    edges e = edges_in(t, path[d].block, t->layout);
    const returns_seen *mine = &seen[players == 1 ? 0 : e.head->player];
    uint64_t home = e.visits[edge] - pending_at(p, path, d);
    if (exact) {
      prove_edge(s, &e, edge, mine->mean);
      range_add(search_range(s, d), mine->mean);
    } else {
      bring_mean(s, &e, edge, d, mine, (double)home);
    }
    below = e.head->node;
    exact = proves && e.head->solved;
  }
  s->simulations += count;
  for (uint32_t i = 0; i < players; i++)
    s->root_mean[i] += (seen[i].mean - s->root_mean[i]) * ((double)count / (double)s->simulations);
}

/* Simulations that end at a node whose value is known, the cursor's path leading there. */
static void bring_at_once(parallel *p, ref at, uint32_t depth, uint64_t count) {
  search *s = p->s;
  const cursor *c = s->cursors;
  node *n = node_at(&s->tree, at);
  for (uint32_t i = 0; i < s->model->num_players; i++) p->seen[i] = (returns_seen){.count = count};
  if (n->flags & NODE_SOLVED) see_exactly(s, n, p->seen, p->exact);
  add_visits(node_visits_at(&s->tree, n), count);
  reserve(s, c->path, depth, count);
  s->tree_depth += count * depth;
  bring_home(p, at, false, c->path, c->rewards, depth, p->seen);
}

#endif
