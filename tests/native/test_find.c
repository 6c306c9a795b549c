/* Finding a state below the root: whatever a walk along every path finds, the search finds, nothing
 * else, and the tree moves there with every number of what hangs below it. */
#include "find.h"
#include "graph_walk.h"
#include "reroot.h"

enum { SIMULATIONS = 120, LIMIT = 1 << 20, DEEP = 6 };

static search *grown(handle_model *h, search_options options) {
  search *s = search_new(&h->model, options, 0);
  stop_reason reason = STOP_NONE;
  CHECK(s && begin_at_zero(s, h, LIMIT) == MCTS_OK);
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  return s;
}

/* ---- along every path ---------------------------------------------------------------------- */

typedef struct {
  int64_t position;
  uint32_t least, most, depth;
  uint64_t tries; /* of the best node so far; 0: there is none */
} wish;

static uint64_t tries_below(const search *s, const node *n) {
  if (!node_is_expanded(n)) return 0;
  edges e = edges_seen(&s->tree, &s->view, n);
  uint64_t tries = 0;
  for (uint32_t i = 0; i < e.count; i++) tries += e.visits[i];
  return tries;
}

static void follow(const search *s, ref at, uint32_t depth, wish *w);

static void follow_edges(const search *s, const node *n, uint32_t depth, wish *w) {
  const tree *t = &s->tree;
  uint32_t count = edges_seen(t, &s->view, n).count;
  for (uint32_t i = 0; i < count; i++) {
    ref child = edges_seen(t, &s->view, n).child[i];
    if (child && s->deterministic) follow(s, child_node(t, child), depth + 1, w);
    for (ref r = s->deterministic ? 0 : child; r; r = outcome_at(t, r)->sibling)
      follow(s, outcome_at(t, r)->node, depth + 1, w);
  }
}

static void follow(const search *s, ref at, uint32_t depth, wish *w) {
  const node *n = node_at(&s->tree, at);
  if (depth > w->most) return;
  uint64_t tries = tries_below(s, n);
  bool is_it = handle_at(node_state(&s->tree, n))->position == w->position;
  bool nearer = w->tries == 0 || depth < w->depth || (depth == w->depth && tries > w->tries);
  if (is_it && tries > 0 && depth >= w->least && nearer) {
    w->tries = tries;
    w->depth = depth;
  }
  if (node_is_expanded(n)) follow_edges(s, n, depth, w);
}

/* In a graph, whose paths are too many: at every node. In one of states depths do not count. */
static void look_everywhere(const search *s, wish *w) {
  walk all = walk_from(s, s->tree.root);
  for (size_t k = 0; k < all.met; k++) {
    const node *n = node_at(&s->tree, all.nodes[k]);
    bool within = s->options.sharing == SHARING_STATE ||
                  (n->depth >= w->least && n->depth <= w->most);
    if (!within || handle_at(node_state(&s->tree, n))->position != w->position) continue;
    uint64_t tries = tries_below(s, n);
    if (tries == 0 || (w->tries && n->depth >= w->depth)) continue;
    w->tries = tries;
    w->depth = n->depth;
  }
  walk_end(&all);
}

static wish wished(const search *s, int64_t position, uint32_t least, uint32_t most) {
  wish w = {.position = position, .least = least, .most = most};
  if (s->options.sharing == SHARING_NONE) follow(s, s->tree.root, 0, &w);
  else look_everywhere(s, &w);
  return w;
}

/* ---- what the search does ------------------------------------------------------------------- */

static int finds(search *s, handle_model *h, int64_t position, uint32_t least, uint32_t most,
                 found_node *found) {
  void *state;
  handle_write(h, &state, position);
  h->inside = 1;
  int status = find_state(s, &state, least, most, found);
  handle_release(h, &state);
  h->inside = 0;
  return status;
}

static int moves_to(search *s, handle_model *h, int64_t position, uint32_t least, uint32_t most,
                    uint32_t *steps) {
  void *state;
  handle_write(h, &state, position);
  int status = search_advance_to(s, &state, least, most, steps);
  CHECK(!h->inside);
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  return status;
}

static void goes_on(search *s, handle_model *h) {
  search_root root = {.seed = 9, .max_bytes = LIMIT};
  stop_reason reason = STOP_NONE;
  search_resume(s, &root);
  add_noise(s);
  check_graph(s);
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  check_graph(s);
}

static void is_as_it_was(search *s, handle_model *h, int64_t position, uint32_t least,
                         uint32_t most, int expected) {
  uint32_t steps;
  walk before = walk_from(s, s->tree.root);
  CHECK(moves_to(s, h, position, least, most, &steps) == expected);
  walk after = walk_from(s, s->tree.root);
  check_same(&before, &after);
  walk_end(&before);
  walk_end(&after);
}

/* Every position, there or not, however far down. */
static void finds_what_is_there(handle_model *h, search_options options, int *there, int *not) {
  search *s = grown(h, options);
  for (int64_t position = 0; position <= RING; position++)
    for (uint32_t k = 0; k < 5; k++) {
      uint32_t least = k / 2, most = k == 4 ? DEEP : k;
      wish w = wished(s, position, least, most);
      found_node found;
      CHECK(finds(s, h, position, least, most, &found) == MCTS_OK);
      CHECK(!found.node == !w.tries);
      *there += w.tries > 0;
      *not += w.tries == 0;
      if (!found.node) continue;
      const node *n = node_at(&s->tree, found.node);
      CHECK(handle_at(node_state(&s->tree, n))->position == position);
      CHECK(found.depth == w.depth && n->depth == w.depth && tries_below(s, n) == w.tries);
    }
  search_free(s);
  CHECK(h->handles_alive == 0);
}

static void moves_where_it_is(handle_model *h, search_options options, int64_t position) {
  search *s = grown(h, options);
  found_node found;
  CHECK(finds(s, h, position, 0, DEEP, &found) == MCTS_OK);
  if (found.node) {
    walk before = walk_from(s, found.node);
    uint32_t steps;
    CHECK(moves_to(s, h, position, 0, DEEP, &steps) == MCTS_OK && steps == found.depth);
    walk after = walk_from(s, s->tree.root);
    check_same(&before, &after);
    CHECK(s->tree.nodes == after.met && h->handles_alive == (int64_t)after.met);
    walk_end(&before);
    walk_end(&after);
    goes_on(s, h);
  } else {
    is_as_it_was(s, h, position, 0, DEEP, NOT_IN_TREE);
  }
  search_free(s);
  CHECK(h->handles_alive == 0);
}

/* Found again and again from where it was found before. */
static void moves_on(handle_model *h, search_options options) {
  search *s = grown(h, options);
  int64_t position = 0;
  for (int step = 0; step < 8; step++) {
    uint32_t steps;
    wish w = wished(s, position, 0, DEEP);
    int status = moves_to(s, h, position, 0, DEEP, &steps);
    CHECK(status == (w.tries ? MCTS_OK : NOT_IN_TREE));
    if (status == MCTS_OK) goes_on(s, h);
    position = (position + 2) % RING;
  }
  search_free(s);
  CHECK(h->handles_alive == 0);
}

/* The model fails while its states are compared, or holds the state for none. */
static void survives_faults(handle_model *h, search_options options, enum question question) {
  for (int64_t call = 1; call <= 6; call++) {
    search *s = grown(h, options);
    h->fail_at[question] = h->calls[question] + call;
    walk before = walk_from(s, s->tree.root);
    uint32_t steps;
    int status = moves_to(s, h, RING + 5, 0, DEEP, &steps);
    h->fail_at[question] = 0;
    CHECK(status == NOT_IN_TREE || (status == FAILED && question != VALIDATE));
    CHECK(status == FAILED || call > 1 || question == VALIDATE);
    walk after = walk_from(s, s->tree.root);
    check_same(&before, &after);
    walk_end(&before);
    walk_end(&after);
    search_free(s);
    CHECK(h->handles_alive == 0);
  }
}

static void refuses_what_is_invalid(handle_model *h, search_options options) {
  search *s = grown(h, options);
  h->fail_at[VALIDATE] = h->calls[VALIDATE] + 1;
  is_as_it_was(s, h, 0, 0, DEEP, NOT_IN_TREE);
  h->fail_at[VALIDATE] = 0;
  uint32_t steps;
  CHECK(moves_to(s, h, 0, 0, 0, &steps) == MCTS_OK && steps == 0);
  search_free(s);
  s = search_new(&h->model, options, 0);
  CHECK(moves_to(s, h, 0, 0, DEEP, &steps) == NOT_IN_TREE); /* nothing planned yet */
  search_free(s);
}

int main(void) {
  logarithm_fill_tables();
  int found = 0, missed = 0;
  for (int recipe = 0; recipe < GRAPH_RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      if (!recipe_takes(recipe, which)) continue;
      handle_model h;
      recipe_model(&h, recipe, which);
      search_options options = graph_recipe(recipe);
      finds_what_is_there(&h, options, &found, &missed);
      for (int64_t position = 0; position <= RING; position += 3)
        moves_where_it_is(&h, options, position);
      moves_on(&h, options);
      survives_faults(&h, options, KEY);
      survives_faults(&h, options, ENTER);
      h.model.validate = handle_validate;
      survives_faults(&h, options, VALIDATE);
      refuses_what_is_invalid(&h, options);
    }
  }
  CHECK(found > 500 && missed > 500);
  return 0;
}
