/* Looking at a whole tree or graph: what is in it, as numbers that can be compared, and whether
 * it holds together. */
#ifndef GRAPH_WALK_H
#define GRAPH_WALK_H

#include "bellman.h"
#include "key.h"
#include "planning_root.h"

typedef struct {
  double *numbers;
  size_t count, capacity;
  ref *nodes; /* in the order in which they are met */
  uint32_t *place; /* of each ref among them, from 1; 0: not met */
  size_t met;
} walk;

static void walk_note(walk *w, double number) {
  if (w->count == w->capacity) {
    w->capacity = w->capacity ? 2 * w->capacity : 1024;
    w->numbers = realloc(w->numbers, w->capacity * sizeof *w->numbers);
    CHECK(w->numbers);
  }
  w->numbers[w->count++] = number;
}

static uint32_t walk_meet(walk *w, ref r) {
  if (!w->place[r]) {
    w->nodes[w->met++] = r;
    w->place[r] = (uint32_t)w->met;
  }
  return w->place[r];
}

static void walk_outcomes(walk *w, const search *s, const edges *e, uint32_t i) {
  const tree *t = &s->tree;
  if (s->deterministic) {
    if (e->child[i]) walk_note(w, walk_meet(w, e->child[i]));
    return;
  }
  for (ref r = e->child[i]; r; r = outcome_at(t, r)->sibling) {
    outcome *o = outcome_at(t, r);
    walk_note(w, o->visits);
    walk_note(w, walk_meet(w, o->node));
    if (!t->sums) continue;
    walk_note(w, outcome_share_of(o)->weight);
    walk_note(w, outcome_share_of(o)->reward);
    walk_note(w, outcome_share_of(o)->used);
  }
}

static void walk_edges(walk *w, const search *s, const node *n) {
  const tree *t = &s->tree;
  edges e = edges_at(t, n);
  for (uint32_t i = 0; i < n->count; i++) {
    walk_note(w, e.action[i]);
    walk_note(w, e.visits[i]);
    CHECK(!t->flights || s->started > s->simulations || e.flights[i] == 0);
    walk_note(w, e.value[i]);
    for (uint32_t p = 0; p < t->rewards && e.child[i]; p++)
      walk_note(w, e.reward[i * t->rewards + p]);
    if (t->sums) walk_note(w, e.sum[i]);
    walk_outcomes(w, s, &e, i);
  }
}

/* All that `from` leads to; depths count from it. Its own visits are left out: a root has none
 * but its edges'. */
static walk walk_from(const search *s, ref from) {
  const tree *t = &s->tree;
  walk w = {.nodes = calloc(t->nodes + 1, sizeof(ref)),
            .place = calloc(t->blocks.used / 8 + 1, sizeof(uint32_t))};
  CHECK(w.nodes && w.place);
  walk_meet(&w, from);
  uint16_t top = node_at(t, from)->depth;
  for (size_t k = 0; k < w.met; k++) {
    node *n = node_at(t, w.nodes[k]);
    if (t->state_size) walk_note(&w, (double)handle_at(node_state(t, n))->position);
    walk_note(&w, n->flags);
    walk_note(&w, n->edges ? n->count : 0);
    if (s->options.sharing != SHARING_STATE) walk_note(&w, n->depth - top);
    if (k > 0) walk_note(&w, n->visits);
    if (t->graph_size) walk_note(&w, node_graph(n)->value);
    if (n->edges) walk_edges(&w, s, n);
  }
  return w;
}

static void walk_end(walk *w) {
  free(w->numbers);
  free(w->nodes);
  free(w->place);
}

static void check_same(const walk *one, const walk *other) {
  CHECK(one->met == other->met && one->count == other->count);
  CHECK(memcmp(one->numbers, other->numbers, one->count * sizeof(double)) == 0);
}

/* ---- does it hold together? -------------------------------------------------------------- */

/* Every state is found again where it hangs. */
static void check_links(const search *s, const edges *e, uint32_t i) {
  const tree *t = &s->tree;
  for (ref r = s->deterministic ? 0 : e->child[i]; r; r = outcome_at(t, r)->sibling) {
    outcome *o = outcome_at(t, r);
    node *n = node_at(t, o->node);
    ref *link = key_find(t, &e->child[i], node_key(t, n), o->hash, n->flags & NODE_TERMINAL);
    CHECK(*link == r);
  }
}

/* A step costs at least 1 here: an edge whose value is above -1 has learned nothing, or half. */
static void check_value(search *s, const edges *e, uint32_t i) {
  if (!bellman_known(s, e, i)) return;
  CHECK(isfinite(e->value[i]) && e->value[i] <= -1.0 + 1e-9);
  double sum = 0.0, weights = 0.0;
  for (ref r = s->deterministic ? 0 : e->child[i]; r;) {
    outcome *o = outcome_at(&s->tree, r);
    outcome_share *share = outcome_share_of(o);
    double value = node_graph(node_at(&s->tree, o->node))->value;
    sum += share->weight * (share->reward + s->model->discount * value);
    weights += share->weight;
    r = o->sibling;
  }
  bellman_read(s, e, i, true);
  if (!s->deterministic) CHECK(fabs(e->value[i] - sum / weights) < 1e-9);
}

/* The whole graph of a ring's states, by Bellman backups or not. */
static void check_graph(search *s) {
  tree *t = &s->tree;
  check_sound(s);
  walk w = walk_from(s, t->root);
  CHECK(w.met <= t->nodes);
  for (size_t k = 0; k < w.met; k++) {
    node *n = node_at(t, w.nodes[k]);
    if (s->options.sharing != SHARING_NONE)
      CHECK(key_find_node(t, &s->index, node_key(t, n), node_graph(n)->hash,
                          n->flags & NODE_TERMINAL, n->depth) == w.nodes[k]);
    if (!n->edges) continue;
    edges e = edges_at(t, n);
    for (uint32_t i = 0; i < n->count; i++) {
      check_links(s, &e, i);
      if (s->options.backup == BACKUP_BELLMAN) check_value(s, &e, i);
    }
  }
  walk_end(&w);
}

/* ---- the recipes and models that the programs go through --------------------------------- */

enum { GRAPH_RECIPES = 5, RECIPES = 8, RING_MODELS = 4, RING = 13 };

/* From GRAPH_RECIPES on, simulations carry their states. */
static search_options graph_recipe(int which) {
  const search_options all[RECIPES] = {BY_ROLLOUT, BY_DEPTH,   BY_STATE,  SHARED_MEANS,
                                       PLAYED_OUT, BY_HISTORY, OPEN_LOOP, OPEN_TRIALS};
  return all[which];
}

/* By samples only, deterministic, with few outcomes told, and with many. */
static void ring_model(handle_model *h, int which) {
  handle_model_begin_ring(h, RING);
  if (which == 1) h->model.flags |= MCTS_MODEL_DETERMINISTIC;
  if (which == 2) handle_model_tells(h, 2);
  if (which == 3) handle_model_tells(h, BELLMAN_READ_ALL + 4);
}

#endif
