/* Re-rooting: the child keeps every number of what hangs below it, nothing else is kept, and
 * the search goes on from there. */
#include "graph_walk.h"
#include "reroot.h"

enum { SIMULATIONS = 120, LIMIT = 1 << 20 };

static search *grown(handle_model *h, search_options options, uint64_t simulations) {
  search *s = search_new(&h->model, options, 0);
  stop_reason reason = STOP_NONE;
  CHECK(s && begin_at_zero(s, h, LIMIT) == MCTS_OK);
  CHECK(run_to(s, h, simulations, &reason) == MCTS_OK);
  CHECK(h->handles_alive == (int64_t)s->tree.nodes);
  return s;
}

static int advance_to(search *s, handle_model *h, int32_t action, int64_t position) {
  void *state;
  handle_write(h, &state, position);
  int status = search_advance(s, action, &state);
  CHECK(!h->inside);
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  return status;
}

/* The k-th way to leave the root: its action and child. False: there are no more. */
static bool way_out(const search *s, int k, int32_t *action, ref *child) {
  const tree *t = &s->tree;
  const node *root = node_at(t, t->root);
  edges e = edges_at(t, root);
  for (uint32_t i = 0; i < e.count; i++) {
    for (ref r = e.child[i]; r;) {
      *action = edge_action(t, &e, i);
      *child = s->deterministic ? child_node(t, r) : outcome_at(t, r)->node;
      if (k-- == 0) return true;
      r = s->deterministic ? 0 : outcome_at(t, r)->sibling;
    }
  }
  return false;
}

static int64_t position_of(const search *s, ref r) {
  return handle_at(node_state(&s->tree, node_at(&s->tree, r)))->position;
}

static void is_as_it_was(search *s, handle_model *h, int32_t action, int64_t position) {
  walk before = walk_from(s, s->tree.root);
  CHECK(advance_to(s, h, action, position) == NOT_IN_TREE);
  walk after = walk_from(s, s->tree.root);
  check_same(&before, &after);
  walk_end(&before);
  walk_end(&after);
}

static void goes_on(search *s, handle_model *h) {
  search_root root = {.seed = 9, .max_bytes = LIMIT};
  stop_reason reason = STOP_NONE;
  search_resume(s, &root);
  add_noise(s);
  check_graph(s);
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(reason == STOP_SIMULATIONS || reason == STOP_SOLVED);
  check_graph(s);
}

/* The first way out that leads to something to go on from. */
static void way_on(const search *s, int32_t *action, ref *child) {
  uint64_t visits = 0;
  for (int k = 0; visits == 0; k++) {
    CHECK(way_out(s, k, action, child));
    const node *n = node_at(&s->tree, *child);
    if (!node_is_expanded(n)) continue;
    edges e = edges_seen(&s->tree, &s->view, n);
    for (uint32_t i = 0; i < e.count; i++) visits += e.visits[i];
  }
}

/* By the k-th way out. False: there are no more. */
static bool keeps_what_is_below(handle_model *h, search_options options, int k) {
  search *s = grown(h, options, SIMULATIONS);
  int32_t action;
  ref child;
  bool there = way_out(s, k, &action, &child);
  if (there) {
    walk before = walk_from(s, child);
    uint64_t bytes = tree_bytes(&s->tree), nodes = s->tree.nodes;
    int status = advance_to(s, h, action, position_of(s, child));
    CHECK(status == MCTS_OK || status == NOT_IN_TREE);
    if (status == MCTS_OK) {
      walk after = walk_from(s, s->tree.root);
      check_same(&before, &after);
      CHECK(s->tree.nodes == after.met && h->handles_alive == (int64_t)after.met);
      CHECK(nodes == after.met ? tree_bytes(&s->tree) <= bytes : tree_bytes(&s->tree) < bytes);
      walk_end(&after);
      goes_on(s, h);
    }
    walk_end(&before);
  }
  search_free(s);
  CHECK(h->handles_alive == 0);
  return there;
}

/* Step after step, until nothing is left to go on from. */
static void ends_when_the_tree_is_gone(handle_model *h, search_options options) {
  search *s = grown(h, options, SIMULATIONS);
  for (bool moved = true; moved;) {
    moved = false;
    int32_t action;
    ref child;
    uint64_t bytes = tree_bytes(&s->tree);
    for (int k = 0; !moved && way_out(s, k, &action, &child); k++)
      moved = advance_to(s, h, action, position_of(s, child)) == MCTS_OK;
    if (!moved) break;
    CHECK(tree_bytes(&s->tree) <= bytes && h->handles_alive == (int64_t)s->tree.nodes);
    search_resume(s, &(search_root){.seed = 1});
    check_graph(s);
    if (options.sharing == SHARING_STATE) break; /* a ring: this need not come to an end */
  }
  search_free(s);
  CHECK(h->handles_alive == 0);
}

static void refuses_what_is_not_there(handle_model *h, search_options options) {
  search *s = grown(h, options, SIMULATIONS);
  is_as_it_was(s, h, 0, RING + 5); /* no such state */
  is_as_it_was(s, h, 7, 0);        /* no such action */
  is_as_it_was(s, h, -1, 0);
  search_free(s);
  s = search_new(&h->model, options, 0);
  CHECK(advance_to(s, h, 0, 0) == NOT_IN_TREE); /* nothing planned yet */
  search_free(s);
  s = grown(h, options, 0);
  int32_t action;
  ref child;
  if (way_out(s, 0, &action, &child)) /* told, and never tried */
    CHECK(advance_to(s, h, action, position_of(s, child)) == NOT_IN_TREE);
  search_free(s);
  CHECK(h->handles_alive == 0);
}

/* The model fails while its states are compared: nothing is lost. */
static void survives_faults(handle_model *h, search_options options, enum question question) {
  for (int64_t call = 1; call <= 40; call++) {
    search *s = grown(h, options, SIMULATIONS);
    int32_t action;
    ref child;
    way_on(s, &action, &child);
    walk before = walk_from(s, s->tree.root);
    h->fail_at[question] = h->calls[question] + call;
    int status = advance_to(s, h, action, position_of(s, child));
    h->fail_at[question] = 0;
    if (status == FAILED) {
      walk after = walk_from(s, s->tree.root);
      check_same(&before, &after);
      walk_end(&after);
    }
    CHECK(status == FAILED || call > 1);
    walk_end(&before);
    search_free(s);
    CHECK(h->handles_alive == 0);
  }
}

int main(void) {
  logarithm_fill_tables();
  for (int recipe = 0; recipe < GRAPH_RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      if (!recipe_takes(recipe, which)) continue;
      handle_model h;
      recipe_model(&h, recipe, which);
      search_options options = graph_recipe(recipe);
      int ways = 0;
      while (keeps_what_is_below(&h, options, ways)) ways++;
      CHECK(ways >= (h.model.actions ? 2 : 3));
      ends_when_the_tree_is_gone(&h, options);
      refuses_what_is_not_there(&h, options);
      survives_faults(&h, options, KEY);
      survives_faults(&h, options, ENTER);
    }
  }
  return 0;
}
