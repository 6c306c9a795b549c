/* Single blocks: what one holds of a node with one edge tried, how it gives way to one with room
 * for all edges, who takes it over then; and that a search with them makes the tree that it makes
 * without. */
#include "graph_walk.h"
#include "leaf.h"
#include "recommend.h"

enum { MOST_EDGES = 40, LIMIT = 1 << 18, MOVER = 1, VISITS = 17 };

/* In how many bytes the numbers of actions are kept; 0: nowhere. */
static const uint32_t WIDTHS[] = {0, 1, 2, 4};

static tree t;
static int32_t actions[MOST_EDGES];

/* ---- one block ------------------------------------------------------------------------------- */

static void begin(unsigned layout, uint32_t width, uint32_t count) {
  arena blocks = t.blocks;
  t = (tree){.layout = layout, .players = 2, .blocks = blocks};
  t.action_bytes = width ? width : 1;
  t.all_actions = width ? 0 : count;
  for (int32_t i = 0; i < MOST_EDGES; i++) actions[i] = width ? 3 * i + 1 : i;
  arena_reset(&t.blocks);
}

/* A node that was a leaf with priors 0.5, 1.5, ... and has a single block now. */
static ref narrow(uint32_t count, ref *spare) {
  ref none = 0, at = node_new(&t, NULL, NULL, NULL, 0, 3, false);
  CHECK(at);
  node *n = node_at(&t, at);
  n->leaf_visits = VISITS;
  ref block = leaf_new(&t, n, actions, count, &none);
  CHECK(block);
  edges leaf = leaf_in(&t, block);
  for (uint32_t i = 0; i < count; i++) leaf.prior[i] = i + 0.5;
  *leaf.own = -7.0;
  node_take_leaf(n, block, MOVER);
  CHECK(leaf_expand(&t, at, spare));
  edges e = edges_at(&t, n);
  CHECK(e.head->single && block_room(e.head, t.layout) == 1 && e.count == count);
  CHECK(*e.value == 0.0 && *e.visits == 0 && *e.child == 0);
  for (uint32_t i = 0; i < count && t.layout & BLOCK_LOGITS; i++) e.logit[i] = -(double)i;
  return at;
}

static void try_edge(ref at, uint32_t edge) {
  edges e = edges_at(&t, node_at(&t, at));
  e.head->last = (uint16_t)edge;
  uint32_t place = edge_place(&e, edge, t.layout);
  e.value[place] = 2.5;
  e.visits[place] = 9;
  e.child[place] = 1234;
}

/* What is known of its edges where `tried` is the one that was tried. */
static void check_node(ref at, const edges *e, uint32_t tried) {
  const node *n = node_at(&t, at);
  CHECK(e->head == block_at(&t, n->block) && e->head->node == at && e->head->player == MOVER);
  CHECK(node_visits(&t, n) == VISITS && *node_own(&t, n) == -7.0 && e->own == node_own(&t, n));
  for (uint32_t i = 0; i < e->count; i++) {
    CHECK(e->prior[i] == i + 0.5 && edge_action(&t, e, i) == actions[i]);
    CHECK(!(t.layout & BLOCK_LOGITS) || e->logit[i] == -(double)i);
    CHECK(e->value[i] == (i == tried ? 2.5 : 0.0) && e->visits[i] == (i == tried ? 9 : 0));
    CHECK(e->child[i] == (i == tried ? 1234 : 0));
  }
}

static double view_values[MOST_EDGES];
static uint32_t view_visits[MOST_EDGES], view_last;
static ref view_children[MOST_EDGES];
static const single_view view = {view_values, view_visits, view_children, &view_last};

static void block_holds_one_edge(uint32_t width, uint32_t count) {
  for (uint32_t tried = 0; tried < count; tried++) {
    size_t low = t.blocks.low, bytes = single_size(&t, count);
    ref spare = 0, at = narrow(count, &spare), block = node_at(&t, at)->block;
    CHECK(!arena_is_high(&t.blocks, block) && (size_t)block * 8 >= low);
    CHECK((size_t)block * 8 + bytes == t.blocks.low);
    CHECK(block_size(&t, block_at(&t, block)) == bytes);
    size_t logits = t.layout & BLOCK_LOGITS ? count : 0;
    CHECK(bytes == 40 + 8 * (count + logits) + arena_round((size_t)count * width));
    ref other = narrow(count, &spare);
    try_edge(at, tried);
    try_edge(other, count - 1 - tried);
    edges e = edges_seen(&t, &view, node_at(&t, at));
    check_node(at, &e, tried);
    e = edges_seen(&t, &view, node_at(&t, other));
    check_node(other, &e, count - 1 - tried);
  }
}

static void grown_block_keeps_what_there_was(uint32_t width, uint32_t count) {
  (void)width;
  for (uint32_t tried = 0; tried < count; tried++) {
    ref spare = 0, at = narrow(count, &spare);
    try_edge(at, tried);
    ref block = single_grow(&t, at);
    CHECK(block && node_at(&t, at)->block == block && !block_at(&t, block)->single);
    edges e = edges_at(&t, node_at(&t, at));
    CHECK(block_room(e.head, t.layout) == count);
    check_node(at, &e, tried);
    edges seen = edges_seen(&t, &view, node_at(&t, at));
    CHECK(seen.value == e.value && seen.visits == e.visits && seen.child == e.child);
  }
}

/* The last that was spent first, and of nodes with as many edges only. */
static void spent_blocks_serve_other_nodes(uint32_t width, uint32_t count) {
  (void)width;
  ref spare = 0, spent[3];
  for (int i = 0; i < 3; i++) spent[i] = node_at(&t, narrow(count, &spare))->block;
  for (int i = 0; i < 3; i++) single_spend(&t, spent[i], &spare);
  CHECK(spare == spent[2]);
  ref wider = narrow(count + 1, &spare);
  CHECK(spare == spent[2] && node_at(&t, wider)->block != spent[2]);
  for (int i = 3; i-- > 0;) {
    size_t low = t.blocks.low;
    CHECK(node_at(&t, narrow(count, &spare))->block == spent[i] && t.blocks.low == low);
  }
  CHECK(spare == 0);
}

static void what_does_not_fit_changes_nothing(uint32_t width, uint32_t count) {
  (void)width;
  ref spare = 0, at = narrow(count, &spare), block = node_at(&t, at)->block;
  try_edge(at, count - 1);
  uint64_t used = arena_used(&t.blocks), needed = edges_size(&t, count);
  t.blocks.limit = used + arena_gap(&t.blocks, needed) + needed - 1;
  CHECK(!single_grow(&t, at) && arena_used(&t.blocks) == used && node_at(&t, at)->block == block);
  edges e = edges_seen(&t, &view, node_at(&t, at));
  check_node(at, &e, count - 1);
  t.blocks.limit += 1;
  CHECK(single_grow(&t, at));
  t.blocks.limit = LIMIT;
}

typedef void single_test(uint32_t width, uint32_t count);

static void for_every_layout(single_test *holds) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  for (unsigned logits = 0; logits <= BLOCK_LOGITS; logits += BLOCK_LOGITS)
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++)
      for (uint32_t count = 2; count < MOST_EDGES - 1; count += 3) {
        begin(BLOCK_PRIORS | BLOCK_SINGLES | logits, WIDTHS[i], count);
        holds(WIDTHS[i], count);
      }
  arena_close(&t.blocks);
}

/* ---- whole trees ----------------------------------------------------------------------------- */

static search *planned(handle_model *h, search_options options, bool singles,
                       uint64_t simulations) {
  stop_reason reason;
  search *s = search_new(&h->model, options, 0);
  CHECK(s && s->tree.layout & BLOCK_SINGLES);
  if (!singles) s->tree.layout &= ~(unsigned)BLOCK_SINGLES;
  CHECK(begin_at_zero(s, h, 1 << 22) == MCTS_OK && run_to(s, h, simulations, &reason) == MCTS_OK);
  return s;
}

static void check_both(search *one, search *other) {
  walk first = walk_from(one, one->tree.root), second = walk_from(other, other->tree.root);
  check_same(&first, &second);
  walk_end(&first);
  walk_end(&second);
}

/* Recommended all along the line. */
static uint32_t best_at(const search *s, ref *at) {
  const node *n = node_at(&s->tree, *at);
  uint32_t best = recommend(s, n);
  edges e = edges_seen(&s->tree, &s->view, n);
  ref child = best < e.count ? e.child[best] : 0;
  *at = child ? child_node(&s->tree, child) : 0;
  return best;
}

static void trees_are_the_same_without(search_options options) {
  for (uint64_t simulations = 1; simulations < 400; simulations += 1 + simulations / 3) {
    handle_model h;
    ring_model(&h, 1);
    handle_model_evaluates(&h, MCTS_MODEL_VALUES);
    handle_model_evaluates(&h, MCTS_MODEL_PRIORS);
    h.model.actions = handle_gap_actions;
    search *one = planned(&h, options, true, simulations);
    search *other = planned(&h, options, false, simulations);
    check_both(one, other);
    ref at = one->tree.root, there = other->tree.root;
    while (at && node_is_expanded(node_at(&one->tree, at))) {
      CHECK(best_at(one, &at) == best_at(other, &there));
      CHECK(!at == !there);
    }
    search_free(one);
    search_free(other);
    CHECK(h.handles_alive == 0);
  }
}

int main(void) {
  logarithm_fill_tables();
  for_every_layout(block_holds_one_edge);
  for_every_layout(grown_block_keeps_what_there_was);
  for_every_layout(spent_blocks_serve_other_nodes);
  for_every_layout(what_does_not_fit_changes_nothing);
  trees_are_the_same_without(PUCT_BY_VALUE);
  trees_are_the_same_without(PUCT_BY_ROLLOUT);
  trees_are_the_same_without(PUCT_MIXED);
  trees_are_the_same_without(GUMBEL);
  return 0;
}
