/* A graph at its limits: cancelled within any step, full at any byte, counts that have no room
 * left. What was learned stays sound: no half expectation, no edge that learned nothing. */
#include "graph_walk.h"

enum { SIMULATIONS = 40, NEVER_FULL = 1 << 20 };

static void holds_when_cancelled_anywhere(handle_model *h, search_options options) {
  for (int64_t at = 1; at <= 100; at++) {
    stop_reason reason = STOP_NONE;
    search *s = search_new(&h->model, options, 0);
    h->cancel_at = at;
    h->calls[SAMPLE] = 0;
    atomic_store(&h->cancelled, 0);
    CHECK(begin_at_zero(s, h, NEVER_FULL) == MCTS_OK);
    CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
    check_graph(s);
    atomic_store(&h->cancelled, 0);
    h->cancel_at = 0;
    CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
    CHECK(reason == STOP_SIMULATIONS || reason == STOP_SOLVED);
    check_graph(s);
    search_free(s);
    CHECK(h->handles_alive == 0);
  }
}

/* Interrupted between any two steps, not only before the next simulation. */
static void holds_when_interrupted_anywhere(handle_model *h, search_options options) {
  for (uint32_t burst = 1; burst <= 60; burst++) {
    stop_reason reason = STOP_NONE;
    search *s = search_new(&h->model, options, 0);
    CHECK(begin_at_zero(s, h, NEVER_FULL) == MCTS_OK);
    s->burst_left = burst;
    h->cancel_at = h->calls[SAMPLE] + burst;
    CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
    check_graph(s);
    atomic_store(&h->cancelled, 0);
    h->cancel_at = 0;
    search_free(s);
    CHECK(h->handles_alive == 0);
  }
}

static uint64_t plan_within(search *s, handle_model *h, uint64_t limit) {
  stop_reason reason = STOP_NONE;
  int status = begin_at_zero(s, h, limit);
  CHECK(status == MCTS_OK || (status == OUT_OF_BYTES && s->tree.root == 0));
  if (status == OUT_OF_BYTES) return 0;
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(tree_bytes(&s->tree) <= limit);
  check_graph(s);
  return tree_bytes(&s->tree);
}

static void holds_at_every_byte_limit(handle_model *h, search_options options) {
  search *s = search_new(&h->model, options, 0);
  uint64_t enough = plan_within(s, h, NEVER_FULL);
  for (uint64_t limit = 0; limit < enough; limit += limit < 6000 ? 8 : 56) plan_within(s, h, limit);
  CHECK(plan_within(s, h, enough) == enough);
  search_free(s);
  CHECK(h->handles_alive == 0);
}

/* As if everything had been visited almost as often as can be counted. */
static void fill_counts(search *s, uint32_t visits) {
  bool weighed = (s->tree.layout & BLOCK_SUMS) && !s->exact;
  walk w = walk_from(s, s->tree.root);
  for (size_t k = 0; k < w.met; k++) {
    node *n = node_at(&s->tree, w.nodes[k]);
    if (node_has_block(n)) block_at(&s->tree, n->block)->visits = visits;
    else n->leaf_visits = visits;
    if (!node_is_expanded(n)) continue;
    edges e = edges_at(&s->tree, n);
    for (uint32_t i = 0; i < block_room(e.head, s->tree.layout); i++) {
      if (!e.visits[i]) continue;
      double more = visits / (double)e.visits[i];
      e.visits[i] = visits;
      for (ref r = s->deterministic ? 0 : e.child[i]; r; r = outcome_at(&s->tree, r)->sibling) {
        outcome_at(&s->tree, r)->visits = visits;
        if (weighed) outcome_share_of(outcome_at(&s->tree, r))->weight *= more;
      }
      if (weighed) e.sum[i] *= more;
    }
  }
  walk_end(&w);
}

static void full_counts_stay_full(handle_model *h, search_options options) {
  stop_reason reason = STOP_NONE;
  search *s = search_new(&h->model, options, 0);
  CHECK(begin_at_zero(s, h, NEVER_FULL) == MCTS_OK);
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  fill_counts(s, UINT32_MAX - 3);
  CHECK(run_to(s, h, 10 * SIMULATIONS, &reason) == MCTS_OK);
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  CHECK(node_visits(&s->tree, root) >= UINT32_MAX - 3);
  for (uint32_t i = 0; i < e.count; i++) {
    bool chosen = !options_weigh_priors(options) && !(options.action_widening > 0.0);
    if (!chosen && e.visits[i] == 0) continue; /* by its prior, or let in too late */
    CHECK(e.visits[i] >= UINT32_MAX - 3);
    CHECK(e.value[i] >= -20.0);
    CHECK(e.value[i] <= -1.0 + 1e-6 || options.backup == BACKUP_SOFT);
  }
  search_free(s);
  CHECK(h->handles_alive == 0);
}

int main(void) {
  logarithm_fill_tables();
  for (int recipe = 0; recipe < GRAPH_RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      if (!recipe_takes(recipe, which)) continue;
      handle_model h;
      recipe_model(&h, recipe, which);
      search_options options = graph_recipe(recipe);
      holds_when_cancelled_anywhere(&h, options);
      holds_when_interrupted_anywhere(&h, options);
      holds_at_every_byte_limit(&h, options);
      full_counts_stay_full(&h, options);
    }
  }
  return 0;
}
