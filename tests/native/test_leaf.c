/* Opened leaves: what one keeps of its edges until one is chosen, what it hands on to its edge
 * block then, and who gets the block that it had. */
#include "leaf.h"

#include "check.h"

enum { MOST_EDGES = 70, LIMIT = 1 << 16, MOVER = 2, VISITS = 17 };

/* In how many bytes the numbers of actions are kept; 0: nowhere. */
static const uint32_t WIDTHS[] = {0, 1, 2, 4};

static tree t;
static int32_t actions[MOST_EDGES];

static void begin(unsigned layout, uint32_t width, uint32_t count) {
  arena blocks = t.blocks;
  t = (tree){.layout = layout | BLOCK_PRIORS, .players = 3, .blocks = blocks};
  t.action_bytes = width ? width : 1;
  t.all_actions = width ? 0 : count;
  for (int32_t i = 0; i < MOST_EDGES; i++) actions[i] = width ? 3 * i + 1 : i;
  arena_reset(&t.blocks);
}

static ref new_node(void) {
  ref r = node_new(&t, NULL, NULL, NULL, 0, 3, false);
  CHECK(r);
  node_at(&t, r)->leaf_visits = VISITS;
  return r;
}

/* A leaf with priors 0.5, 1.5, ..., and the block of another one where that fits. */
static ref opened(uint32_t count, ref *spare) {
  ref at = new_node();
  node *n = node_at(&t, at);
  ref block = leaf_new(&t, n, actions, count, spare);
  CHECK(block && arena_is_high(&t.blocks, block) && !node_has_block(n));
  edges e = leaf_in(&t, block);
  CHECK(e.count == count && isnan(*e.own));
  for (uint32_t i = 0; i < count; i++) e.prior[i] = i + 0.5;
  *e.own = -7.0;
  node_take_leaf(n, block, MOVER);
  return at;
}

static void check_leaf(ref at, uint32_t count, uint32_t visits) {
  const node *n = node_at(&t, at);
  CHECK(node_is_opened_leaf(n) && node_has_block(n) && !node_is_expanded(n));
  CHECK(node_visits(&t, n) == visits && node_player(&t, n) == MOVER && *node_own(&t, n) == -7.0);
  edges e = leaf_at(&t, n);
  CHECK(e.count == count && e.own == node_own(&t, n));
  for (uint32_t i = 0; i < count; i++)
    CHECK(e.prior[i] == i + 0.5 && edge_action(&t, &e, i) == actions[i]);
}

static void leaf_holds_no_more_than_it_needs(uint32_t width, uint32_t count) {
  size_t high = t.blocks.high, node_bytes = node_size(&t, false);
  ref spare = 0, at = opened(count, &spare);
  size_t bytes = 16 + 8 * (size_t)count + arena_round((size_t)count * width);
  CHECK(high - t.blocks.high == node_bytes + bytes && leaf_size(&t, count) == bytes);
  ref other = opened(count, &spare);
  check_leaf(at, count, VISITS);
  check_leaf(other, count, VISITS);
  node_count_visit(&t, node_at(&t, at));
  check_leaf(at, count, VISITS + 1);
  check_leaf(other, count, VISITS);
}

static void edges_take_over_what_the_leaf_had(uint32_t width, uint32_t count) {
  (void)width;
  ref spare = 0, at = opened(count, &spare);
  node *n = node_at(&t, at);
  node_count_visit(&t, n);
  CHECK(leaf_expand(&t, at, &(ref){0}));
  CHECK(node_is_expanded(n) && !node_is_opened_leaf(n) && n->flags & NODE_OPEN);
  CHECK(node_visits(&t, n) == VISITS + 1 && node_player(&t, n) == MOVER);
  edges e = edges_at(&t, n);
  CHECK(e.head == block_at(&t, n->block) && e.head->node == at && e.count == count);
  CHECK(*e.own == -7.0 && node_own(&t, n) == e.own && !e.head->all_tried);
  for (uint32_t i = 0; i < count; i++) {
    CHECK(e.prior[i] == i + 0.5 && edge_action(&t, &e, i) == actions[i]);
    CHECK(e.value[i] == 0.0 && e.visits[i] == 0 && e.child[i] == 0);
    CHECK(!(t.layout & BLOCK_FLIGHTS) || e.flights[i] == 0);
  }
}

/* Of a leaf with as many edges only. */
static void spent_block_serves_the_next_leaf(uint32_t width, uint32_t count) {
  (void)width;
  ref none = 0, at = opened(count, &none), spent = node_at(&t, at)->block, spare = spent;
  CHECK(leaf_expand(&t, at, &(ref){0}));
  ref other = opened(count + 1, &spare);
  CHECK(spare == spent && node_at(&t, other)->block != spent);
  size_t high = t.blocks.high;
  ref next = opened(count, &spare);
  CHECK(spare == 0 && node_at(&t, next)->block == spent);
  CHECK(high - t.blocks.high == node_size(&t, false));
  check_leaf(next, count, VISITS);
  check_leaf(other, count + 1, VISITS);
  CHECK(node_at(&t, opened(count, &spare))->block != spent);
}

static void what_does_not_fit_changes_nothing(uint32_t width, uint32_t count) {
  (void)width;
  ref spare = 0, fresh = new_node();
  t.blocks.limit = arena_used(&t.blocks) + leaf_size(&t, count) - 1;
  CHECK(!leaf_new(&t, node_at(&t, fresh), actions, count, &spare));
  CHECK(!node_has_block(node_at(&t, fresh)) && node_visits(&t, node_at(&t, fresh)) == VISITS);
  t.blocks.limit = LIMIT;
  ref at = opened(count, &spare);
  uint64_t used = arena_used(&t.blocks), needed = edges_size(&t, count);
  t.blocks.limit = used + arena_gap(&t.blocks, needed) + needed - 1;
  CHECK(!leaf_expand(&t, at, &(ref){0}) && arena_used(&t.blocks) == used);
  check_leaf(at, count, VISITS);
  t.blocks.limit += 1;
  CHECK(leaf_expand(&t, at, &(ref){0}));
  t.blocks.limit = LIMIT;
}

typedef void leaf_test(uint32_t width, uint32_t count);

static void for_every_layout(leaf_test *holds) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  for (unsigned layout = 0; layout < BLOCK_SINGLES; layout++)
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++)
      for (uint32_t count = 1; count < MOST_EDGES; count += 4) {
        begin(layout, WIDTHS[i], count);
        holds(WIDTHS[i], count);
      }
  arena_close(&t.blocks);
}

int main(void) {
  for_every_layout(leaf_holds_no_more_than_it_needs);
  for_every_layout(edges_take_over_what_the_leaf_had);
  for_every_layout(spent_block_serves_the_next_leaf);
  for_every_layout(what_does_not_fit_changes_nothing);
  return 0;
}
