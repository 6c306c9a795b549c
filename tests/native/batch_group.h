/* Several searches of one model, run together, and what holds of them. */
#ifndef BATCH_GROUP_H
#define BATCH_GROUP_H

#include "batch.h"
#include "graph_walk.h"

enum { SEARCHES = 3, SIMULATIONS = 12, LIMIT = 1 << 20 };

/* Searches of one model, run together. */
typedef struct {
  handle_model h;
  search *searches[SEARCHES];
  batch *b;
  batch_end ends[SEARCHES];
} group;

static void group_begin(group *g, const handle_model *pattern, search_options options) {
  g->h = *pattern;
  g->h.model.ctx = &g->h;
  for (int k = 0; k < SEARCHES; k++) {
    g->searches[k] = k ? search_new_beside(g->searches[0]) : search_new(&g->h.model, options, 0);
    CHECK(g->searches[k]);
  }
  g->b = batch_new(g->searches, SEARCHES);
  CHECK(g->b);
  memset(g->ends, 0, sizeof g->ends);
}

/* Roots for all, with a seed each; an undisturbed model. */
static void group_root(group *g, uint64_t max_bytes) {
  memset(g->ends, 0, sizeof g->ends);
  for (int k = 0; k < SEARCHES; k++)
    CHECK(begin_with_seed(g->searches[k], &g->h, 7 + (uint64_t)k, max_bytes) == MCTS_OK);
}

static void group_run(group *g, uint64_t simulations, int64_t slice_deadline) {
  search_limits limits = {simulations, INT64_MAX, slice_deadline, &g->h.cancelled};
  batch_run(g->b, &limits, g->ends);
  CHECK(!g->h.inside);
}

static void group_end(group *g) {
  batch_free(g->b);
  for (int k = SEARCHES; k-- > 0;) search_free(g->searches[k]);
  CHECK(g->h.handles_alive == 0 && !g->h.inside);
}

/* Every search is whole again: nothing is in flight, no state is held but the tree's. */
static void check_at_rest(group *g) {
  int64_t held = 0;
  for (int k = 0; k < SEARCHES; k++) {
    search *s = g->searches[k];
    held += states_held(s);
    CHECK(s->started == s->simulations || g->ends[k].reason == STOP_SLICE);
    if (s->tree.root && g->h.ring) check_graph(s);
    else if (s->tree.root) check_sound(s);
  }
  bool waits = false;
  for (int k = 0; k < SEARCHES; k++) waits |= g->searches[k]->left_over;
  if (!waits) CHECK(g->h.handles_alive == held);
}

static bool is_solved(const search *s) {
  return node_at(&s->tree, s->tree.root)->flags & NODE_SOLVED;
}

static void check_whole(const group *g, int k) {
  CHECK(g->ends[k].status == MCTS_OK);
  CHECK(g->ends[k].reason == (is_solved(g->searches[k]) ? STOP_SOLVED : STOP_SIMULATIONS));
}

/* The tree that seed number k gives: with one in flight, that of search_run; else of a batch. */
static walk tree_alone(const handle_model *pattern, search_options options, int k) {
  static group g;
  group_begin(&g, pattern, options);
  search *s = g.searches[k];
  CHECK(begin_with_seed(s, &g.h, 7 + (uint64_t)k, LIMIT) == MCTS_OK);
  if (options.in_flight > 1) {
    batch_end end = {0};
    batch *b = batch_new(&s, 1);
    search_limits limits = {SIMULATIONS, INT64_MAX, INT64_MAX, &g.h.cancelled};
    batch_run(b, &limits, &end);
    batch_free(b);
  } else {
    stop_reason reason;
    CHECK(run_to(s, &g.h, SIMULATIONS, &reason) == MCTS_OK);
  }
  if (g.h.ring) check_graph(s); /* which reads values anew, as it does of the others */
  walk w = walk_from(s, s->tree.root);
  group_end(&g);
  return w;
}

static void check_tree(const group *g, const walk *expected, int k) {
  check_whole(g, k);
  walk w = walk_from(g->searches[k], g->searches[k]->tree.root);
  check_same(&w, expected);
  walk_end(&w);
}

/* ---- the recipes and models that the programs go through --------------------------------- */

typedef void group_test(const handle_model *pattern, search_options options);

static void for_every_group(group_test *holds) {
  handle_model h;
  particles = 3;
  for (int recipe = 0; recipe < RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      bool carried = recipe >= GRAPH_RECIPES;
      if (carried ? which > 0 : !recipe_takes(recipe, which)) continue;
      search_options options = graph_recipe(recipe);
      options.in_flight = in_flight_of(recipe, which, 4);
      recipe_model(&h, recipe, which);
      if (which != 3) handle_model_answers_in_batches(&h);
      holds(&h, options);
      options.in_flight = 5 - options.in_flight;
      if (carried || recipe == 0) holds(&h, options);
    }
  }
  handle_model_begin_whole(&h);
  handle_model_answers_in_batches(&h);
  for (uint32_t in_flight = 1; in_flight <= 3; in_flight += 2) {
    search_options by_value = BY_VALUE, by_rollout = BY_ROLLOUT;
    by_value.in_flight = by_rollout.in_flight = in_flight;
    holds(&h, by_value);
    holds(&h, by_rollout);
  }
  h.model.rollout = handle_rollout;
  holds(&h, BY_ROLLOUT);
}

#endif
