#define _GNU_SOURCE
#include "parallel.h"

#include <signal.h>

#include "hand_out.h"

/* A tree that has fewer visits is not worth the threads. */
enum { ALONE = 2048 };

/* Simulations of a thread between two looks at what values the others have seen. */
enum { RANGES_AFTER = 256 };

/* ---- building and taking down ---------------------------------------------------------------- */

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
  p->source = (arena_source){&s->tree.blocks, &p->lock, 0};
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

/* ---- one thread ------------------------------------------------------------------------------ */

static void finish(parallel *p, int status, stop_reason reason) {
  if (p->over) return;
  p->over = true;
  p->status = status;
  p->reason = reason;
}

/* Why no more simulations are to be handed out. */
static stop_reason why_to_stop(search *s) {
  stop_reason reason = stop_by_counts(s, s->started);
  if (reason != STOP_NONE) return reason;
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

/* How many of some simulations there is room for, if each makes a state outside of the arena: what
 * those weigh is none of its windows' any more. */
static uint64_t room_for_states(parallel *p, uint64_t most) {
  const tree *t = &p->s->tree;
  uint64_t taken = t->nodes + (p->s->started - p->s->simulations);
  if (t->bytes_per_state == 0) return most;
  if (most > HANDFUL) most = HANDFUL;
  size_t used = arena_used(&t->blocks), limit = t->blocks.limit;
  uint64_t room = (limit > used ? limit - used : 0) / t->bytes_per_state;
  uint64_t more = room > taken ? room - taken : 0;
  if (more > most) more = most;
  p->source.outside = (taken + more) * t->bytes_per_state;
  return more;
}

/* Hands out some simulations, `*placed` of them. */
static void hand_out_some(parallel *p, uint64_t *placed) {
  search *s = p->s;
  *placed = 0;
  stop_reason reason = why_to_stop(s);
  if (reason != STOP_NONE) {
    if (reason != STOP_SIMULATIONS) finish(p, MCTS_OK, reason);
    return;
  }
  uint64_t left = room_for_states(p, s->limits.simulations - s->started);
  s->cursors->counter = stream_start(s->seed, UINT64_MAX - p->handed_out++);
  int status = hand_out(p, s->tree.root, 0, left, placed);
  if (status == FAILED) finish(p, FAILED, STOP_NONE);
  else if (status < 0) finish(p, MCTS_OK, STOP_MAX_BYTES);
}

/* Hands out simulations until enough are waiting, or nobody takes any; whether there were some. What
 * is asked of the model meanwhile is asked in this thread's own context. */
static bool hand_out_ahead(worker *w) {
  parallel *p = w->p;
  search *s = p->s;
  uint64_t ahead = ahead_of(p), before = s->started, waiting, placed = 1;
  void *ctx = s->ctx;
  s->ctx = w->s->ctx;
  p->handing_out = true;
  for (waiting_lease(p, &waiting); waiting < ahead && placed > 0 && !p->over;
       waiting_lease(p, &waiting)) {
    if (p->running > 0 && s->started - s->simulations > (p->threads + 1) * ahead) break;
    if (s->num_leased + 2 * HANDFUL > MOST_LEASES) break; /* what is drawn must find a place */
    hand_out_some(p, &placed);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_lock(&p->lock);
  }
  p->handing_out = false;
  s->ctx = ctx;
  return s->started > before;
}

/* What there is to do; NULL: nothing, before another thread has done something. */
static lease *next_lease(worker *w) {
  parallel *p = w->p;
  uint64_t waiting;
  lease *l = waiting_lease(p, &waiting);
  if (!p->over && !p->handing_out && waiting < ahead_of(p) / 2 + 1) {
    if (hand_out_ahead(w)) pthread_cond_broadcast(&p->changed);
    l = waiting_lease(p, &waiting);
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
    bool fresh = node_visits(&s->tree, n) == 0 && !node_is_expanded(n);
    bool leaf = fresh || s->start_depth == s->bound;
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
  uint32_t depth = s->tree.deepest + 1, most = s->options.max_depth;
  if (depth > most) depth = most;
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
    lease *l = next_lease(w);
    if (l) run_lease(w, l);
    else if (p->running > 0 || p->handing_out) pthread_cond_wait(&p->changed, &p->lock);
    else break;
  }
  pthread_cond_broadcast(&p->changed);
  pthread_mutex_unlock(&p->lock);
}

/* ---- all of them ----------------------------------------------------------------------------- */

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

/* Begins the other threads, as many as there may be; signals are for those that were there. */
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
  return s->loop.run(s, reason); /* what threads had no room for */
}
