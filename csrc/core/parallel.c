#define _GNU_SOURCE
#include "parallel.h"

#include <signal.h>
#include <stdlib.h>

#include "simulate.h"

/* A tree that has fewer visits is not worth the threads. */
enum { ALONE = 2048 };

/* Handed out at once for what lies behind an edge: of the visits that it has had, one in PART; and no
 * more than MOST. */
enum { PART = 64, MOST = 4096 };

/* What lies behind an edge is leased whole where it has had SMALLEST visits or fewer, or less than
 * TOP_PART of the root's for each thread, and where it lies deeper than TOP_DEPTH. */
enum { SMALLEST = 32, TOP_DEPTH = 256 };
#define TOP_PART 0.75

/* What is known at the top grows old while simulations are not home. So many are handed out as there
 * are visits of the root for each thread and AHEAD, but not more than MOST_AHEAD, and then as many
 * again while those are run; HANDFUL at a time, so that nobody waits long for the lock. */
enum { AHEAD = 128, MOST_AHEAD = 512, HANDFUL = 16, MOST_LEASES = 1024 };

/* Simulations of a thread between two looks at what values the others have seen. */
enum { RANGES_AFTER = 256 };

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

/* ---- building and taking down --------------------------------------------------------------- */

static void free_workers(parallel *p) {
  for (uint32_t i = 0; p->workers && i < p->threads; i++) {
    search *s = p->workers[i].s;
    if (!s) continue;
    free(s->seen);
    s->tree = (tree){0};
    search_free(s);
  }
  free(p->workers);
}

void parallel_free(search *s) {
  parallel *p = s->parallel;
  if (!p) return;
  free_workers(p);
  for (int i = 0; p->all && i < MOST_LEASES; i++) {
    free(p->all[i].path);
    free(p->all[i].rewards);
    free(p->all[i].paid);
  }
  free(p->all);
  free(p->seen);
  free(p->exact);
  pthread_mutex_destroy(&p->lock);
  pthread_cond_destroy(&p->changed);
  free(p);
  s->parallel = NULL;
}

static bool add_worker(parallel *p, worker *w) {
  search_options options = p->s->options;
  options.threads = 1;
  w->p = p;
  w->s = search_new(p->s->model, options, p->s->tree.bytes_per_state);
  if (!w->s) return false;
  w->s->seen = calloc(p->s->model->num_players, sizeof *w->s->seen);
  return w->s->seen != NULL;
}

static parallel *new_parallel(search *s) {
  parallel *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  s->parallel = p;
  p->s = s;
  p->threads = s->options.threads;
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
#ifdef __GLIBC__ /* held for a few microseconds: to sleep takes longer */
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
  pthread_mutex_init(&p->lock, &kind);
  pthread_mutexattr_destroy(&kind);
  pthread_cond_init(&p->changed, NULL);
  p->source = (arena_source){&s->tree.blocks, &p->lock};
  size_t players = s->model->num_players;
  p->workers = calloc(p->threads, sizeof *p->workers);
  p->all = calloc(MOST_LEASES, sizeof *p->all);
  p->seen = calloc(players, sizeof *p->seen);
  p->exact = calloc(players, sizeof *p->exact);
  bool made = p->workers && p->all && p->seen && p->exact;
  for (uint32_t i = 0; made && i < p->threads; i++) made = add_worker(p, &p->workers[i]);
  if (!made) {
    parallel_free(s);
    return NULL;
  }
  for (uint32_t i = 0; i < MOST_LEASES; i++) p->leases[i] = &p->all[i];
  s->leased = p->nodes;
  return p;
}

void parallel_forget(search *s) {
  if (!s->parallel) return;
  s->parallel->has_windows = false;
  s->parallel->next_number = 0;
}

/* ---- leases ------------------------------------------------------------------------------------ */

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
  l->given += count;
  l->waiting += count;
  double part = (double)count / (double)l->waiting;
  for (size_t i = 0; i < numbers; i++) l->rewards[i] += part * (c->rewards[i] - l->rewards[i]);
  reserve(s, l->path, l->depth, count);
}

/* Where the simulations of a lease go; 0: that is not known yet. */
static ref node_of(const parallel *p, const lease *l) {
  const tree *t = &p->s->tree;
  const cursor_step *step = &l->path[l->depth - 1];
  ref child = p->s->deterministic ? edges_in(t, step->block, t->layout).child[step->edge] : 0;
  return child ? child_node(t, child) : l->leaf;
}

/* Leases the last edge of the cursor's path, or the leaf that it leads to. False if there is no lease
 * to be had. */
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

/* ---- coming home ------------------------------------------------------------------------------- */

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

/* Backs up what simulations have seen below a node: `seen` [players] are the returns from there on or,
 * if it stands in for one that has the last edge of the path, along that edge. Their visits are
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

/* ---- handing out --------------------------------------------------------------------------------- */

static uint64_t part_of(uint32_t visits) {
  uint64_t part = visits / PART;
  return part < 1 ? 1 : part < MOST ? part : MOST;
}

static bool is_small(const parallel *p, uint32_t visits) {
  const tree *t = &p->s->tree;
  double all = node_visits(t, node_at(t, t->root));
  return visits <= SMALLEST || visits <= TOP_PART / p->threads * all;
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
  uint64_t pending = l->given - l->done, most = 2 * part_of(visits);
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

/* Hands out `count` simulations from a node on, as selection has it; `*placed` of them are where all
 * that it would go to have been handed enough. From the root on it is a handful at a time. */
static int hand_out(parallel *p, ref at, uint32_t depth, uint64_t count, uint64_t *placed) {
  search *s = p->s;
  cursor *c = s->cursors;
  ref block = node_at(&s->tree, at)->block;
  if (block_is_single(block_at(&s->tree, block), s->tree.layout)) block = open_another(s, c, depth, 0);
  if (!block) return OUT_OF_BYTES;
  edges e = edges_in(&s->tree, block, s->tree.layout);
  *placed = 0;
  while (*placed < count && (depth > 0 || *placed < HANDFUL)) {
    uint32_t edge = select_edge(s, &e, depth, &c->rng, s->recipe);
    uint64_t part = part_of(e.visits[edge]), got = 0;
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

/* ---- one thread ----------------------------------------------------------------------------------- */

static void finish(parallel *p, int status, stop_reason reason) {
  if (p->over) return;
  p->over = true;
  p->status = status;
  p->reason = reason;
}

/* Why no more simulations are to be handed out. */
static stop_reason look_around(search *s) {
  stop_reason reason = stop_by_counts(s, s->started);
  if (reason != STOP_NONE) return reason;
  if (tree_bytes(&s->tree) > s->tree.blocks.limit) return STOP_MAX_BYTES;
  s->until_clock = 0;
  return stop_by_clock(s);
}

/* The one with most to do that nobody is at work on; and how many simulations wait in all. */
static lease *waiting_lease(const parallel *p, uint64_t *waiting) {
  lease *best = NULL;
  *waiting = 0;
  for (uint32_t i = 0; i < p->s->num_leased; i++) {
    lease *l = p->leases[i];
    if (l->running) continue;
    *waiting += l->waiting;
    if (!best || l->waiting > best->waiting) best = l;
  }
  return best;
}

/* Hands out some simulations, `*placed` of them. */
static void hand_out_some(parallel *p, uint64_t *placed) {
  search *s = p->s;
  *placed = 0;
  stop_reason reason = look_around(s);
  if (reason != STOP_NONE) {
    if (reason != STOP_SIMULATIONS) finish(p, MCTS_OK, reason);
    return;
  }
  uint64_t left = s->limits.simulations - s->started;
  s->cursors->counter = stream_start(s->seed, UINT64_MAX - p->handed_out++);
  int status = hand_out(p, s->tree.root, 0, left, placed);
  if (status == FAILED) finish(p, FAILED, STOP_NONE);
  else if (status < 0) finish(p, MCTS_OK, STOP_MAX_BYTES);
}

/* Hands out simulations until enough are waiting, or nobody takes any. */
static void hand_out_ahead(parallel *p) {
  search *s = p->s;
  uint64_t ahead = ahead_of(p), waiting, placed = 1;
  p->handing_out = true;
  for (waiting_lease(p, &waiting); waiting < ahead && placed > 0 && !p->over;
       waiting_lease(p, &waiting)) {
    if (p->running > 0 && s->started - s->simulations > (p->threads + 1) * ahead) break;
    hand_out_some(p, &placed);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_lock(&p->lock);
  }
  p->handing_out = false;
}

/* What there is to do; NULL: nothing, before another thread has done something. */
static lease *next_lease(parallel *p) {
  uint64_t waiting;
  lease *l = waiting_lease(p, &waiting);
  if (!p->over && !p->handing_out && waiting < ahead_of(p) / 2 + 1) {
    hand_out_ahead(p);
    l = waiting_lease(p, &waiting);
    pthread_cond_broadcast(&p->changed);
  }
  return p->over ? NULL : l;
}

/* A simulation that begins at a leaf. */
static int evaluate_root(search *s, cursor *c) {
  cursor_begin(s, c, s->simulations, s->recipe);
  c->phase = evaluate_begin(s, c, s->recipe);
  int status = MCTS_OK;
  if (c->phase == CURSOR_OPENING) {
    status = open_ask(s, c);
    if (status == MCTS_OK) status = cursor_open(s, c);
  }
  if (status == MCTS_OK) status = evaluate(s, c, s->recipe);
  if (status == MCTS_OK) backup(s, c, s->recipe);
  if (c->owns) cursor_let_go(s, c);
  return status;
}

/* Without the lock: runs simulations from the leaf of a lease on, or along its edge. */
static int run_below(search *s, ref at, uint64_t count, stop_reason *reason) {
  const node *n = node_at(&s->tree, at);
  search_limits limits = s->limits;
  limits.simulations = s->simulations + count;
  search_set_limits(s, &limits);
  s->stops_decided = false;
  int status = MCTS_OK;
  *reason = STOP_NONE;
  while (status == MCTS_OK && *reason == STOP_NONE) {
    bool leaf = s->start_depth == s->bound || (node_visits(&s->tree, n) == 0 && !node_is_expanded(n));
    if (!leaf) {
      status = s->loop.run(s, reason);
    } else {
      *reason = stop_by_counts(s, s->simulations);
      if (*reason == STOP_NONE) *reason = stop_by_clock(s);
      if (*reason == STOP_NONE) status = evaluate_root(s, s->cursors);
    }
  }
  if (status == OUT_OF_BYTES) *reason = STOP_MAX_BYTES;
  return status == FAILED ? FAILED : MCTS_OK;
}

static void compare_ranges(search *s, search *mine) {
  uint32_t depth = s->tree.deepest < s->options.max_depth ? s->tree.deepest + 1 : s->options.max_depth;
  for (uint32_t d = 0; d < depth; d++) {
    range_merge(&s->ranges[d], &mine->ranges[d]);
    range_merge(&mine->ranges[d], &s->ranges[d]);
  }
}

/* What a worker has counted becomes the search's. */
static void collect(search *s, search *mine) {
  s->tree.nodes += mine->tree.nodes;
  s->model_steps += mine->model_steps;
  s->tree_depth += mine->tree_depth;
  if (mine->tree.deepest > s->tree.deepest) s->tree.deepest = mine->tree.deepest;
  mine->tree.nodes = mine->model_steps = mine->tree_depth = 0;
}

/* An edge that is solved need not be taken any more: the rest would have found the same. */
static void bring_rest(worker *w, const lease *l, uint64_t count) {
  search *s = w->p->s, *mine = w->s;
  const tree *t = &s->tree;
  node *n = node_at(t, child_node(t, edges_in(t, w->block, t->layout).child[0]));
  uint64_t rest = count - mine->seen[0].count;
  add_visits(node_visits_at(t, n), rest);
  s->tree_depth += rest * l->depth;
  for (uint32_t i = 0; i < s->model->num_players; i++) mine->seen[i].count = count;
}

/* The leased edge becomes the only one of a node that is the thread's own. */
static void take_edge(worker *w, const lease *l) {
  const tree *t = &w->p->s->tree;
  const cursor_step *step = &l->path[l->depth - 1];
  edges from = edges_in(t, step->block, t->layout), to;
  const node *n = node_at(t, from.head->node);
  node *mine = node_at(t, w->stand_in);
  uint32_t visits = from.visits[step->edge] - (uint32_t)(l->given - l->done);
  *mine = (node){.depth = n->depth, .flags = NODE_EXPANDED | NODE_OPEN | NODE_ORDERED};
  mine->block = w->block;
  state_copy(node_state(t, mine), node_state(t, n), t->state_size);
  *block_at(t, w->block) = (block_head){
      .node = w->stand_in, .visits = visits, .count = 1, .player = from.head->player};
  to = edges_in(t, w->block, t->layout);
  edge_begin(t, &to, 0, edge_action(t, &from, step->edge));
  to.visits[0] = visits;
  to.value[0] = from.value[step->edge];
  to.child[0] = from.child[step->edge];
  if (t->layout & BLOCK_PRIORS) {
    to.prior[0] = 1.0;
    *to.own = NAN;
  }
  if (t->layout & BLOCK_SPREADS) to.spread[0] = from.spread[step->edge];
}

/* What lies behind it now is the search's again. */
static void return_edge(worker *w, const lease *l) {
  const tree *t = &w->p->s->tree;
  const cursor_step *step = &l->path[l->depth - 1];
  edges_in(t, step->block, t->layout).child[step->edge] =
      edges_in(t, w->block, t->layout).child[0];
}

/* After `count` simulations were to be run, and some have been. */
static void give_back(worker *w, lease *l, uint64_t count, int status, stop_reason reason) {
  parallel *p = w->p;
  search *s = p->s, *mine = w->s;
  collect(s, mine);
  w->since_ranges += (uint32_t)mine->seen[0].count;
  if (w->since_ranges >= RANGES_AFTER) {
    w->since_ranges = 0;
    compare_ranges(s, mine);
  }
  if (!l->leaf) return_edge(w, l);
  if (reason == STOP_SOLVED) {
    bring_rest(w, l, count + l->waiting); /* so that it is leased no more */
    l->waiting = 0;
  }
  l->done += mine->seen[0].count;
  p->nodes[l->place] = 0; /* nobody is at work there just now: it may be looked at */
  if (mine->seen[0].count > 0)
    bring_home(p, mine->tree.root, !l->leaf, l->path, l->paid, l->depth, mine->seen);
  p->nodes[l->place] = node_of(p, l);
  bool ended = status == FAILED || (reason != STOP_SIMULATIONS && reason != STOP_SOLVED);
  if (status == FAILED) s->fault = mine->fault;
  if (ended) finish(p, status, status == FAILED ? STOP_NONE : reason);
  l->running = false;
  if (l->done == l->given || ended) end_lease(p, l);
}

/* With the lock, but for the time in which the simulations are run. */
static void run_lease(worker *w, lease *l) {
  parallel *p = w->p;
  search *mine = w->s;
  uint64_t count = l->waiting;
  double *paid = l->paid;
  l->paid = l->rewards;
  l->rewards = paid;
  l->waiting = 0;
  l->running = true;
  p->running += 1;
  if (!l->leaf) take_edge(w, l);
  mine->tree.root = l->leaf ? l->leaf : w->stand_in;
  mine->start_depth = l->leaf ? l->depth : l->depth - 1;
  mine->simulations = p->next_number;
  p->next_number += count;
  for (uint32_t i = 0; i < mine->model->num_players; i++)
    mine->seen[i] = (returns_seen){.low = INFINITY, .high = -INFINITY};
  pthread_mutex_unlock(&p->lock);
  stop_reason reason;
  int status = run_below(mine, mine->tree.root, count, &reason);
  pthread_mutex_lock(&p->lock);
  p->running -= 1;
  give_back(w, l, count, status, reason);
  pthread_cond_broadcast(&p->changed);
}

static void work(worker *w) {
  parallel *p = w->p;
  pthread_mutex_lock(&p->lock);
  for (;;) {
    lease *l = next_lease(p);
    if (l) run_lease(w, l);
    else if (p->running > 0 || p->handing_out) pthread_cond_wait(&p->changed, &p->lock);
    else break;
  }
  pthread_cond_broadcast(&p->changed);
  pthread_mutex_unlock(&p->lock);
}

/* ---- all of them ----------------------------------------------------------------------------------- */

/* False if there is no room for it. */
static bool begin_worker(parallel *p, worker *w) {
  search *s = p->s, *mine = w->s;
  arena window = mine->tree.blocks;
  mine->tree = s->tree;
  mine->tree.blocks = window;
  if (!p->has_windows) arena_open_window(&mine->tree.blocks, &p->source);
  mine->tree.nodes = 0;
  mine->tree.last_owned = 0;
  mine->entered = s->entered; /* else what is let go would wait to be released */
  mine->seed = s->seed;
  mine->bound = s->bound;
  mine->bound_is_end = s->bound_is_end;
  mine->plays_out = s->plays_out;
  mine->limits = s->limits;
  mine->limits.slice_deadline = INT64_MAX;
  mine->model_steps = mine->tree_depth = 0;
  memcpy(mine->ranges, s->ranges, s->options.max_depth * sizeof *s->ranges);
  w->since_ranges = 0;
  if (p->has_windows) return true;
  mine->cursors->spare_leaf = mine->cursors->spare_single = 0;
  w->stand_in = tree_alloc_high(&mine->tree, node_size(&mine->tree, false), 0);
  w->block = w->stand_in ? tree_alloc_low(&mine->tree, edges_size(&mine->tree, 1)) : 0;
  return w->block != 0;
}

/* States that a worker's nodes own are owned by the search's tree. */
static void hand_over_states(search *s, search *mine) {
  ref newest = mine->tree.last_owned;
  if (!newest) return;
  ref *link = NULL;
  for (ref r = newest; r; r = *link) link = node_previous_owned(&s->tree, node_at(&s->tree, r));
  *link = s->tree.last_owned;
  s->tree.last_owned = newest;
  mine->tree.last_owned = 0;
}

static void *work_in_thread(void *of) {
  work(of);
  return NULL;
}

/* Begins the other threads, as many as there may be; signals are for those that were there before. */
static uint32_t begin_threads(parallel *p) {
  sigset_t all, before;
  uint32_t begun = 1;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (begun < p->threads) {
    worker *w = &p->workers[begun];
    if (pthread_create(&w->thread, NULL, work_in_thread, w) != 0) break;
    begun += 1;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return begun;
}

/* False if there is no room for them. */
static bool run_threads(parallel *p) {
  search *s = p->s;
  p->over = false;
  p->status = MCTS_OK;
  p->reason = STOP_NONE;
  if (p->next_number < s->simulations) p->next_number = s->simulations;
  for (uint32_t i = 0; i < p->threads; i++)
    if (!begin_worker(p, &p->workers[i])) return false;
  p->has_windows = true;
  uint32_t begun = begin_threads(p);
  work(&p->workers[0]);
  for (uint32_t i = 1; i < begun; i++) pthread_join(p->workers[i].thread, NULL);
  while (s->num_leased > 0) end_lease(p, p->leases[0]);
  for (uint32_t i = 0; i < p->threads; i++) {
    compare_ranges(s, p->workers[i].s);
    hand_over_states(s, p->workers[i].s);
  }
  return true;
}

/* Until the root has had ALONE visits. */
static int run_alone(search *s, stop_reason *reason) {
  uint64_t most = s->limits.simulations;
  uint32_t visits = node_visits(&s->tree, node_at(&s->tree, s->tree.root));
  uint64_t few = s->simulations + (visits < ALONE ? ALONE - visits : 0);
  if (few < most) s->limits.simulations = few;
  int status = s->loop.run(s, reason);
  s->limits.simulations = most;
  if (status == MCTS_OK && *reason == STOP_SIMULATIONS && s->simulations < most)
    *reason = STOP_NONE;
  return status;
}

int parallel_run(search *s, stop_reason *reason) {
  int status = run_alone(s, reason);
  if (status < 0 || *reason != STOP_NONE) return status;
  parallel *p = s->parallel ? s->parallel : new_parallel(s);
  s->started = s->simulations;
  if (p && run_threads(p) && p->over) {
    *reason = p->reason;
    return p->status;
  }
  return s->loop.run(s, reason); /* what is left: all without room; if counts are full, a rest */
}
