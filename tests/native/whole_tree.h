/* Looking at a whole tree of a shared model: do its counts add up, and is every mean one that the
 * returns allow? */
#ifndef WHOLE_TREE_H
#define WHOLE_TREE_H

#include "logarithm.h"
#include "prove.h"
#include "search.h"
#include "shared_model.h"

/* What was found on the way through a tree. */
typedef struct {
  const search *s;
  const shared_model *m; /* NULL: another model, whose returns are not known */
  ref *pending;          /* nodes to go to */
  size_t count, capacity;
  uint64_t nodes;
  uint64_t steps;   /* of all simulations, down the tree */
  uint32_t deepest; /* node, below the root */
  uint64_t digest;  /* of all numbers, in the order of the edges */
} tour;

static void tour_push(tour *w, ref at) {
  if (w->count == w->capacity) {
    w->capacity = w->capacity ? 2 * w->capacity : 1024;
    w->pending = realloc(w->pending, w->capacity * sizeof *w->pending);
    CHECK(w->pending);
  }
  w->pending[w->count++] = at;
}

static void tour_note(tour *w, const void *bytes, size_t size) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < size; i++) w->digest = (w->digest ^ b[i]) * UINT64_C(1099511628211);
}

static bool nearly(double a, double b, double size) {
  return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b) + size);
}

/* 1 where the player to move gets what the first one does; -1 where he pays it. */
static double sign_of(const edges *e) { return e->head->player ? -1.0 : 1.0; }

/* The returns by all edges of a node, to the first player: their sum. */
static double sum_of(const edges *e) {
  double sum = 0.0;
  for (uint32_t i = 0; i < e->count; i++) sum += sign_of(e) * e->value[i] * e->visits[i];
  return sum;
}

/* How many of a child's visits brought returns that are not known from here, and the sum of the
 * others. */
static double returns_below(const tour *w, ref child, double *sum) {
  const tree *t = &w->s->tree;
  const node *n = node_at(t, child);
  uint32_t visits = node_visits(t, n);
  if (n->flags & NODE_TERMINAL) {
    *sum += visits * shared_prize(w->m, shared_place(w->m, node_state(t, n)));
    return 0.0;
  }
  if (!node_is_expanded(n)) return visits;
  edges e = edges_at(t, n);
  if (e.head->single) e.count = 1;
  *sum += sum_of(&e);
  for (uint32_t i = 0; i < e.count; i++) visits -= e.visits[i];
  return visits;
}

/* All outcomes of an edge add up to it. Returns how many returns are not known below it. */
static double go_along(tour *w, const edges *e, uint32_t i, double *sum) {
  const tree *t = &w->s->tree;
  double unknown = 0.0;
  bool coins = w->m && w->m->pay == PAYS_COIN;
  if (w->s->deterministic) {
    ref child = e->child[i] ? child_node(t, e->child[i]) : 0;
    CHECK(child || e->visits[i] == 0);
    if (!child) return 0.0;
    CHECK(node_visits(t, node_at(t, child)) == e->visits[i]);
    tour_push(w, child);
    return coins ? returns_below(w, child, sum) : 0.0;
  }
  uint64_t visits = 0;
  for (ref r = e->child[i]; r; r = outcome_at(t, r)->sibling) {
    const outcome *o = outcome_at(t, r);
    CHECK(node_visits(t, node_at(t, o->node)) == o->visits);
    visits += o->visits;
    tour_push(w, o->node);
    if (coins) unknown += returns_below(w, o->node, sum);
  }
  CHECK(visits == e->visits[i]);
  return unknown;
}

/* What an edge is worth is what its returns allow. */
static void check_mean(const tour *w, const edges *e, uint32_t i, double below, double unknown) {
  const shared_model *m = w->m;
  double value = e->value[i], visits = e->visits[i];
  bool proves = w->s->recipe & RECIPE_PROVEN;
  CHECK(isfinite(value));
  if (m->pay == PAYS_DIFFERENCE) {
    const node *n = node_at(&w->s->tree, e->head->node);
    double worth = shared_worth(m, shared_place(m, node_state(&w->s->tree, n)));
    CHECK(nearly(sign_of(e) * value, -worth, 1.0));
    return;
  }
  double most = m->pay == PAYS_NOISE ? m->length : 1.0, sum = sign_of(e) * value * visits;
  CHECK(fabs(value) <= most + 1e-9);
  if (m->pay == PAYS_THIRD || proves) return;
  CHECK(fabs(sum - rint(sum)) <= 1e-6);
  if (m->pay != PAYS_COIN) return;
  CHECK(fabs(sum - below) <= unknown + 1e-6);
  bool spreads = w->s->tree.layout & BLOCK_SPREADS;
  if (spreads) CHECK(fabs(e->spread[i] - (visits - sum * sum / visits)) <= 1e-6 * visits);
}

/* A proven node is worth what it would be if all was known. */
static void check_proof(const tour *w, const node *n) {
  double returns[2], value;
  if (!w->m || !(n->flags & NODE_SOLVED)) return;
  prove_returns(w->s, n, returns);
  value = shared_true_value(w->m, shared_place(w->m, node_state(&w->s->tree, n)));
  CHECK(returns[0] == value);
}

static void check_node(tour *w, ref at) {
  const tree *t = &w->s->tree;
  const node *n = node_at(t, at);
  w->nodes += 1;
  if (n->depth > w->deepest) w->deepest = n->depth;
  tour_note(w, &(uint32_t){node_visits(t, n)}, sizeof(uint32_t));
  check_proof(w, n);
  if (!node_is_expanded(n)) return;
  edges e = edges_seen(t, &w->s->view, n);
  CHECK(e.head->node == at && e.head->solved == !!(n->flags & NODE_SOLVED));
  CHECK(!(n->flags & NODE_TERMINAL));
  uint64_t visits = 0;
  for (uint32_t i = 0; i < e.count; i++) {
    double below = 0.0, unknown = go_along(w, &e, i, &below);
    visits += e.visits[i];
    tour_note(w, &e.visits[i], sizeof e.visits[i]);
    if (e.visits[i] == 0) continue;
    tour_note(w, &e.value[i], sizeof e.value[i]);
    if (w->m) check_mean(w, &e, i, below, unknown);
  }
  for (uint32_t i = 0; e.head->all_tried && i < e.count; i++) CHECK(e.visits[i] > 0);
  w->steps += visits;
  uint32_t own = at != t->root && e.head->visits > 0; /* it was a leaf once */
  CHECK(e.head->visits == visits + own || (e.head->solved && e.head->visits > visits));
}

/* Of the root of a tree that was not there before this search. */
static void check_root(const tour *w) {
  const search *s = w->s;
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  double sum = sum_of(&e) / (double)s->simulations;
  if (!w->m || s->simulations == 0 || s->recipe & RECIPE_PROVEN) return;
  CHECK(nearly(s->root_mean[0], sum, 1.0));
  if (s->model->num_players > 1) CHECK(nearly(s->root_mean[1], -sum, 1.0));
  for (uint32_t i = 0; w->m->pay == PAYS_COIN && i < e.count; i++) {
    double visits = e.visits[i], spread = visits * (1.0 - e.value[i] * e.value[i]);
    if (visits > 0) CHECK(fabs(s->root_spread[i] - spread) <= 1e-6 * visits);
  }
}

/* All of it, between two runs. A digest of what it holds. */
static uint64_t check_whole(const search *s, const shared_model *m) {
  const tree *t = &s->tree;
  tour w = {.s = s, .m = m, .digest = UINT64_C(14695981039346656037)};
  edges root = edges_at(t, node_at(t, t->root));
  uint64_t visits = 0, before = 0;
  tour_push(&w, t->root);
  while (w.count > 0) check_node(&w, w.pending[--w.count]);
  free(w.pending);
  for (uint32_t i = 0; i < root.count; i++) {
    visits += root.visits[i];
    before += s->root_before[i];
  }
  CHECK(visits == s->simulations + before && root.head->visits == visits);
  CHECK(w.nodes == t->nodes && w.deepest == t->deepest);
  CHECK(s->num_leased == 0 && s->started == s->simulations);
  CHECK(tree_bytes(t) <= t->blocks.limit);
  if (before > 0) return w.digest;
  CHECK(w.steps == s->tree_depth);
  check_root(&w);
  return w.digest;
}

/* ---- searches ------------------------------------------------------------------------------- */

static const place START = {5, 0, 0};

/* Begins at START, or where the caller says. */
static void begin_from(search *s, shared_model *m, place at, uint64_t seed, uint64_t max_bytes,
                       uint64_t planned) {
  void *state;
  CHECK(s);
  shared_write(m, &state, at);
  search_root root = {.state = &state, .seed = seed, .max_bytes = max_bytes, .planned = planned};
  CHECK(search_begin(s, &root) == MCTS_OK);
  if (m->model.release) shared_release(m, &state);
}

static search *search_of(shared_model *m, search_options options, uint64_t seed) {
  CHECK(!search_refuses(&m->model) && !search_refuses_options(&m->model, options));
  search *s = search_new(&m->model, options, 0);
  begin_from(s, m, START, seed, 1 << 26, 0);
  return s;
}

static stop_reason run_on(search *s, shared_model *m, uint64_t simulations) {
  stop_reason reason = STOP_NONE;
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, m ? &m->cancelled : NULL};
  CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  return reason;
}

static void end_search(search *s, shared_model *m) {
  if (m->model.release) CHECK(atomic_load(&m->alive) == (long long)s->tree.nodes);
  search_free(s);
  CHECK(atomic_load(&m->alive) == 0);
}

#endif
