/* Looking at a whole tree or graph: what is in it, as numbers that can be compared, and whether
 * it holds together. */
#ifndef GRAPH_WALK_H
#define GRAPH_WALK_H

#include "bellman.h"
#include "key.h"
#include "leaf.h"
#include "planning_root.h"

typedef struct {
  double *numbers;
  size_t count, capacity;
  ref *nodes; /* in the order in which they are met */
  uint32_t *place; /* of each ref from `first` on among them, from 1; 0: not met */
  ref first;       /* of the arena's high end */
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
  CHECK(r >= w->first);
  uint32_t *place = &w->place[r - w->first];
  if (!*place) {
    w->nodes[w->met++] = r;
    *place = (uint32_t)w->met;
  }
  return *place;
}

/* What a deterministic model's edge leads to: a node, or the edge block that its node has now. */
static node *walk_child(const search *s, ref child, ref *at) {
  const tree *t = &s->tree;
  *at = child_node(t, child);
  CHECK(arena_is_high(&t->blocks, *at));
  node *n = node_at(t, *at);
  CHECK(*at == child || (node_is_expanded(n) && n->block == child));
  return n;
}

/* The head of an edge block says the same as the node that has it. */
static void check_head(const search *s, ref at) {
  const tree *t = &s->tree;
  const node *n = node_at(t, at);
  CHECK(node_is_expanded(n) && n->block && !arena_is_high(&t->blocks, n->block));
  edges e = edges_seen(t, &s->view, n);
  CHECK(e.head->node == at && e.count > 0 && e.count == e.head->count);
  CHECK(e.head->visits == node_visits(t, n) && e.head->player < t->players);
  CHECK(e.head->solved == !!(n->flags & NODE_SOLVED));
  CHECK(e.head->paid == !!(n->flags & NODE_PAID));
  CHECK(!(n->flags & NODE_TERMINAL) && !(e.head->single && at == t->root));
  for (uint32_t i = 0; e.head->all_tried && i < e.count; i++) CHECK(e.visits[i] > 0);
}

static void walk_outcomes(walk *w, const search *s, const edges *e, uint32_t i) {
  const tree *t = &s->tree;
  ref at;
  if (s->deterministic) {
    if (!e->child[i]) return;
    walk_child(s, e->child[i], &at);
    walk_note(w, walk_meet(w, at));
    return;
  }
  for (ref r = e->child[i]; r; r = outcome_at(t, r)->sibling) {
    outcome *o = outcome_at(t, r);
    walk_note(w, o->visits);
    walk_note(w, walk_meet(w, o->node));
    if (!(t->layout & BLOCK_SUMS)) continue;
    walk_note(w, outcome_share_of(o)->weight);
    walk_note(w, outcome_share_of(o)->reward);
    walk_note(w, outcome_share_of(o)->used);
  }
}

/* An opened leaf knows nothing of its edges but their priors. */
static void walk_leaf(walk *w, const search *s, const node *n) {
  const tree *t = &s->tree;
  CHECK(t->layout & BLOCK_PRIORS && arena_is_high(&t->blocks, n->block));
  CHECK(!(n->flags & NODE_TERMINAL) && n->player < t->players);
  edges e = leaf_at(t, n);
  walk_note(w, n->player);
  for (uint32_t i = 0; i < e.count; i++) {
    walk_note(w, edge_action(t, &e, i));
    walk_note(w, e.prior[i]);
  }
  walk_note(w, *e.own);
}

static void walk_edges(walk *w, const search *s, const node *n) {
  const tree *t = &s->tree;
  edges e = edges_seen(t, &s->view, n);
  walk_note(w, e.head->player);
  for (uint32_t i = 0; i < e.count; i++) {
    walk_note(w, edge_action(t, &e, i));
    walk_note(w, e.visits[i]);
    CHECK(!(t->layout & BLOCK_FLIGHTS) || s->started > s->simulations || e.flights[i] == 0);
    walk_note(w, e.value[i]);
    bool pays = (t->layout & BLOCK_REWARDS) && e.child[i];
    for (uint32_t p = 0; pays && p < t->players; p++) walk_note(w, e.reward[i * t->players + p]);
    if (t->layout & BLOCK_SUMS) walk_note(w, e.sum[i]);
    if (t->layout & BLOCK_PRIORS) walk_note(w, e.prior[i]);
    if (t->layout & BLOCK_SPREADS) walk_note(w, e.spread[i]);
    walk_outcomes(w, s, &e, i);
  }
  if (t->layout & BLOCK_PRIORS) walk_note(w, *e.own);
}

/* The rewards of the step to a node, where it has them and not the edge. */
static void walk_rewards(walk *w, const search *s, const node *n) {
  const tree *t = &s->tree;
  bool paid = n->flags & NODE_PAID;
  CHECK(!paid || (s->deterministic && !(t->layout & BLOCK_REWARDS)));
  for (uint32_t p = 0; paid && p < t->players; p++) walk_note(w, node_rewards(t, n)[p]);
}

/* One that has met `from` alone. */
static walk walk_begin(const search *s, ref from) {
  const arena *a = &s->tree.blocks;
  walk w = {.nodes = calloc(s->tree.nodes + 1, sizeof(ref)),
            .place = calloc((a->size - a->border) / 8, sizeof(uint32_t)),
            .first = (ref)(a->border / 8)};
  CHECK(w.nodes && w.place);
  walk_meet(&w, from);
  return w;
}

/* All that `from` leads to; depths count from it. Its own visits are left out: a root has none
 * but its edges'. */
static walk walk_from(const search *s, ref from) {
  const tree *t = &s->tree;
  walk w = walk_begin(s, from);
  uint16_t top = node_at(t, from)->depth;
  for (size_t k = 0; k < w.met; k++) {
    node *n = node_at(t, w.nodes[k]);
    if (t->state_size) walk_note(&w, (double)handle_at(node_state(t, n))->position);
    walk_note(&w, n->flags);
    walk_note(&w, node_is_expanded(n) ? edges_at(t, n).count : 0);
    if (s->options.sharing != SHARING_STATE) walk_note(&w, n->depth - top);
    if (k > 0) walk_note(&w, node_visits(t, n));
    if (t->graph_size) walk_note(&w, node_graph(n)->value);
    walk_rewards(&w, s, n);
    if (node_is_opened_leaf(n)) walk_leaf(&w, s, n);
    if (!node_is_expanded(n)) continue;
    check_head(s, w.nodes[k]);
    walk_edges(&w, s, n);
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

/* A step costs at least 1 here: an edge whose value is above -1 has learned nothing, or half. A
 * soft value is above the best. */
static void check_value(search *s, const edges *e, uint32_t i) {
  if (!bellman_known(s, e, i)) return;
  CHECK(isfinite(e->value[i]));
  CHECK(e->value[i] <= -1.0 + 1e-9 || s->options.backup == BACKUP_SOFT);
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

/* An open node has the model's priors, at the right edges, and its value where that is asked. */
static void check_open(const search *s, node *n) {
  if (!(s->tree.layout & BLOCK_PRIORS) || !(n->flags & NODE_OPEN)) return;
  const handle_model *h = s->ctx;
  int64_t position = handle_at(node_state(&s->tree, n))->position;
  edges e = node_is_expanded(n) ? edges_at(&s->tree, n) : leaf_at(&s->tree, n);
  double sum = 0.0, equal = 1.0 / e.count;
  for (uint32_t i = 0; i < e.count; i++)
    sum += handle_prior(h, position, edge_action(&s->tree, &e, i));
  for (uint32_t i = 0; i < e.count && s->asks_priors; i++) {
    double prior = handle_prior(h, position, edge_action(&s->tree, &e, i));
    CHECK(e.prior[i] == (sum > 0.0 ? prior / sum : equal));
  }
  for (uint32_t i = 0; i < e.count && !s->asks_priors; i++) CHECK(e.prior[i] == equal);
  if (s->asks_values) CHECK(*e.own == handle_value(h, position));
}

/* The edges of a leaf that is open are worth nothing yet: it has learned what it was valued. */
static void check_open_leaf(const search *s, node *n) {
  bool by_value = s->options.evaluation == EVALUATION_VALUE;
  bool weighs = s->tree.layout & BLOCK_PRIORS;
  if (!s->bellman || !weighs || !by_value || !node_has_block(n)) return;
  if (node_visits(&s->tree, n) != 1 || n->flags & (NODE_SOLVED | NODE_TERMINAL)) return;
  if (!bellman_is_chosen_from(s, n)) CHECK(node_graph(n)->value == *node_own(&s->tree, n));
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
    check_open(s, n);
    check_open_leaf(s, n);
    if (!node_is_expanded(n)) continue;
    edges e = edges_seen(t, &s->view, n);
    for (uint32_t i = 0; i < e.count; i++) {
      check_links(s, &e, i);
      if (s->bellman) check_value(s, &e, i);
    }
  }
  walk_end(&w);
}

/* ---- the recipes and models that the programs go through --------------------------------- */

enum {
  PLAIN_RECIPES = 5,
  GRAPH_RECIPES = PLAIN_RECIPES + 17,
  RECIPES = GRAPH_RECIPES + 5,
  RING_MODELS = 4,
  RING = 13
};

/* From GRAPH_RECIPES on, simulations carry their states. */
static search_options graph_recipe(int which) {
  const search_options all[RECIPES] = {
      BY_ROLLOUT,    BY_DEPTH,        BY_STATE,         SHARED_MEANS, PLAYED_OUT,
      PUCT_BY_VALUE, PUCT_BY_ROLLOUT, PUCT_BY_STATE,    PUCT_BELLMAN, GUMBEL,
      TUNED,         THOMPSON,        MENTS,            MENTS_BY_STATE, BY_MAX,
      WIDE_ACTIONS,  WIDE_OUTCOMES,   WIDE_PUCT,        MIXED,        PUCT_MIXED,
      TRUNCATED,     CONSTANT,        BY_HISTORY,       OPEN_LOOP,    OPEN_TRIALS,
      TUNED_BY_HISTORY, OPEN_MENTS};
  return all[which];
}

/* By samples only, deterministic, with few outcomes told, and with many. */
static void ring_model(handle_model *h, int which) {
  handle_model_begin_ring(h, RING);
  if (which == 1) h->model.flags |= MCTS_MODEL_DETERMINISTIC;
  if (which == 2) handle_model_tells(h, 2);
  if (which == 3) handle_model_tells(h, BELLMAN_READ_ALL + 4);
}

/* The recipes that came first go through all models; the others through two each, one of which has
 * one simulation in flight where in_flight_of says so. */
static bool recipe_takes(int recipe, int which) {
  if (recipe < PLAIN_RECIPES) return true;
  return which == recipe % RING_MODELS || which == (recipe + 1) % RING_MODELS;
}

static uint32_t in_flight_of(int recipe, int which, uint32_t several) {
  return (recipe + which) % 2 ? several : 1;
}

/* A ring's model with what the recipe asks for: values, and priors, which stand by the actions'
 * numbers or by their places. */
static void recipe_model(handle_model *h, int recipe, int which) {
  search_options o = graph_recipe(recipe);
  bool asks = o.evaluation == EVALUATION_VALUE || o.evaluation == EVALUATION_MIXED;
  ring_model(h, which);
  if (recipe >= GRAPH_RECIPES) h->model.actions = handle_odd_actions;
  if (asks || o.rollout_depth > 0) handle_model_evaluates(h, MCTS_MODEL_VALUES);
  if (!options_weigh_priors(o)) return;
  handle_model_evaluates(h, MCTS_MODEL_PRIORS);
  h->model.actions = handle_gap_actions;
  if (which % 2) h->model.num_actions = 0;
}

#endif
