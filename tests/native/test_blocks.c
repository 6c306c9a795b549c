/* Nodes and edge blocks in memory: what each holds lies apart from all else, whatever the tree
 * keeps, and stays what it is when a node gets edges, more edges, or loses them. */
#include "check.h"
#include "tree.h"

enum { MOST_EDGES = 70, MOST_PLAYERS = 3, LAYOUTS = 32, LIMIT = 1 << 16 };

/* How the numbers of actions are kept: nowhere, or in that many bytes. */
enum width { IN_ORDER, ONE_BYTE, TWO_BYTES, FOUR_BYTES, WIDTHS };

static const uint32_t BYTES[WIDTHS] = {1, 1, 2, 4};

/* The number of the i-th action: from the greatest that a width allows on down. */
static int32_t action_of(enum width width, uint32_t i) {
  switch (width) {
    case ONE_BYTE:
      return UINT8_MAX - (int32_t)i;
    case TWO_BYTES:
      return UINT16_MAX - 400 * (int32_t)i;
    case FOUR_BYTES:
      return INT32_MAX - 15000000 * (int32_t)i;
    default:
      return (int32_t)i;
  }
}

static tree t;
static int32_t actions[2 * MOST_EDGES];

/* ---- a tree for each case ----------------------------------------------------------------------- */

/* Whatever is read before it is written is 0xA5. */
static void soil(void) {
  size_t all = t.blocks.high - t.blocks.low;
  ref r = arena_alloc_low(&t.blocks, all);
  CHECK(r);
  memset(arena_at(&t.blocks, r), 0xA5, all);
  arena_reset(&t.blocks);
}

static void begin(unsigned layout, uint32_t players, enum width width, uint32_t count) {
  arena blocks = t.blocks;
  t = (tree){.layout = layout, .players = players, .action_bytes = BYTES[width], .blocks = blocks};
  t.all_actions = width == IN_ORDER ? count : 0;
  for (uint32_t i = 0; i < 2 * MOST_EDGES; i++) actions[i] = action_of(width, i);
  arena_reset(&t.blocks);
}

static ref leaf(void) {
  ref r = node_new(&t, NULL, NULL, NULL, 0, 3, false);
  CHECK(r && arena_is_high(&t.blocks, r) && !node_is_expanded(node_at(&t, r)));
  return r;
}

typedef void layout_test(unsigned layout, uint32_t players, enum width width, uint32_t count);

static void for_every_layout(layout_test *holds, uint32_t step) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  soil();
  for (unsigned layout = 0; layout < LAYOUTS; layout++)
    for (uint32_t players = 1; players <= MOST_PLAYERS; players++)
      for (int width = IN_ORDER; width < WIDTHS; width++)
        for (uint32_t count = 1; count <= MOST_EDGES; count += step) {
          begin(layout, players, (enum width)width, count);
          holds(layout, players, (enum width)width, count);
        }
  arena_close(&t.blocks);
}

/* ---- the arrays of a block ---------------------------------------------------------------------- */

typedef struct {
  const unsigned char *at;
  size_t bytes, unit;
} array;

/* Those that the layout says there are; how many. */
static int arrays_of(const edges *e, array *arrays) {
  size_t count = e->count;
  unsigned layout = t.layout;
  size_t sums = layout & BLOCK_SUMS ? count : 0, priors = layout & BLOCK_PRIORS ? count : 0;
  size_t action = block_has_actions(&t, e->count) ? t.action_bytes : 0;
  const array all[] = {
      {(unsigned char *)e->head, sizeof(block_head), 8},
      {(unsigned char *)e->value, count * 8, 8},
      {(unsigned char *)e->reward, layout & BLOCK_REWARDS ? count * t.players * 8 : 0, 8},
      {(unsigned char *)e->sum, sums * 8, 8},
      {(unsigned char *)e->prior, priors * 8, 8},
      {(unsigned char *)e->own, priors ? 8 : 0, 8},
      {(unsigned char *)e->spread, layout & BLOCK_SPREADS ? count * 8 : 0, 8},
      {(unsigned char *)e->visits, count * 4, 4},
      {(unsigned char *)e->child, count * 4, 4},
      {(unsigned char *)e->width, sums * 4, 4},
      {(unsigned char *)e->turn, sums * 4, 4},
      {(unsigned char *)e->flights, layout & BLOCK_FLIGHTS ? count * 4 : 0, 4},
      {e->action, action * count, action ? action : 1},
  };
  int found = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].bytes) arrays[found++] = all[i];
  return found;
}

/* They fill the block, but for what rounds it up, and none lies over another. */
static void check_arrays(ref block) {
  edges e = edges_in(&t, block, t.layout);
  array arrays[16];
  int found = arrays_of(&e, arrays);
  const unsigned char *first = arena_at(&t.blocks, block);
  size_t bytes = edges_size(&t, e.count), sum = 0;
  CHECK(bytes % 8 == 0);
  for (int i = 0; i < found; i++) {
    array a = arrays[i];
    CHECK((uintptr_t)a.at % a.unit == 0 && a.at >= first && a.at + a.bytes <= first + bytes);
    for (int k = 0; k < i; k++)
      CHECK(a.at + a.bytes <= arrays[k].at || arrays[k].at + arrays[k].bytes <= a.at);
    sum += a.bytes;
  }
  CHECK(sum <= bytes && bytes - sum < 8);
}

static void arrays_fill_their_block(unsigned layout, uint32_t players, enum width width,
                                    uint32_t count) {
  (void)layout, (void)players, (void)width;
  ref at = leaf(), other = leaf();
  size_t low = t.blocks.low;
  CHECK(node_expand(&t, at, 0, actions, count));
  ref block = node_at(&t, at)->block;
  CHECK(!arena_is_high(&t.blocks, block));
  CHECK((size_t)block * 8 >= low && t.blocks.low == (size_t)block * 8 + edges_size(&t, count));
  check_arrays(block);
  CHECK(node_expand(&t, other, 0, actions, 1));
  CHECK((size_t)node_at(&t, other)->block * 8 >= (size_t)block * 8 + edges_size(&t, count));
}

/* ---- numbers for all that an edge has ------------------------------------------------------------- */

static void number_edge(const edges *e, uint32_t i, uint32_t number) {
  e->value[i] = number + 0.125;
  e->visits[i] = number + 100;
  e->child[i] = number + 200;
  for (uint32_t p = 0; t.layout & BLOCK_REWARDS && p < t.players; p++)
    e->reward[i * t.players + p] = number + 1000.0 * p;
  if (t.layout & BLOCK_PRIORS) e->prior[i] = number + 0.25;
  if (t.layout & BLOCK_SPREADS) e->spread[i] = number + 0.5;
  if (t.layout & BLOCK_FLIGHTS) e->flights[i] = number + 300;
  if (!(t.layout & BLOCK_SUMS)) return;
  e->sum[i] = number + 0.75;
  e->width[i] = number + 400;
  e->turn[i] = number + 500;
}

static void check_edge(const edges *e, uint32_t i, uint32_t number) {
  CHECK(e->value[i] == number + 0.125);
  CHECK(e->visits[i] == number + 100 && e->child[i] == number + 200);
  for (uint32_t p = 0; t.layout & BLOCK_REWARDS && p < t.players; p++)
    CHECK(e->reward[i * t.players + p] == number + 1000.0 * p);
  CHECK(!(t.layout & BLOCK_PRIORS) || e->prior[i] == number + 0.25);
  CHECK(!(t.layout & BLOCK_SPREADS) || e->spread[i] == number + 0.5);
  CHECK(!(t.layout & BLOCK_FLIGHTS) || e->flights[i] == number + 300);
  if (!(t.layout & BLOCK_SUMS)) return;
  CHECK(e->sum[i] == number + 0.75);
  CHECK(e->width[i] == number + 400 && e->turn[i] == number + 500);
}

static void check_untried(const edges *e, uint32_t i) {
  CHECK(e->value[i] == 0.0 && e->visits[i] == 0 && e->child[i] == 0);
  CHECK(!(t.layout & BLOCK_PRIORS) || e->prior[i] == 0.0);
  CHECK(!(t.layout & BLOCK_SPREADS) || e->spread[i] == 0.0);
  CHECK(!(t.layout & BLOCK_FLIGHTS) || e->flights[i] == 0);
  if (t.layout & BLOCK_SUMS) CHECK(e->sum[i] == 0.0 && e->width[i] == 0 && e->turn[i] == 0);
}

static void check_head(ref at, uint32_t visits, uint32_t count, uint8_t player) {
  const node *n = node_at(&t, at);
  edges e = edges_at(&t, n);
  CHECK(node_is_expanded(n) && node_visits(&t, n) == visits && n->depth == 3);
  CHECK(e.head == block_at(&t, n->block) && e.head->node == at && e.head->visits == visits);
  CHECK(e.head->count == count && e.count == count && e.head->player == player);
  CHECK(e.head->solved == !!(n->flags & NODE_SOLVED));
  CHECK(e.head->paid == !!(n->flags & NODE_PAID));
}

/* A node with `count` edges, all numbered. */
static ref numbered(uint32_t count) {
  ref at = leaf();
  node_at(&t, at)->leaf_visits = 17;
  CHECK(node_expand(&t, at, 1, actions, count));
  edges e = edges_at(&t, node_at(&t, at));
  for (uint32_t i = 0; i < count; i++) number_edge(&e, i, i);
  if (t.layout & BLOCK_PRIORS) *e.own = -7.0;
  return at;
}

/* ---- a leaf gets edges, and loses them ---------------------------------------------------------- */

static void leaf_gets_untried_edges(unsigned layout, uint32_t players, enum width width,
                                    uint32_t count) {
  (void)players, (void)width;
  ref at = leaf();
  node *n = node_at(&t, at);
  n->leaf_visits = 17;
  CHECK(node_expand(&t, at, 2, actions, count));
  check_head(at, 17, count, 2);
  edges e = edges_at(&t, n);
  CHECK(!e.head->all_tried && (!(layout & BLOCK_PRIORS) || isnan(*e.own)));
  for (uint32_t i = 0; i < count; i++) {
    check_untried(&e, i);
    CHECK(edge_action(&t, &e, i) == actions[i]);
  }
}

/* Numbers go where they are read, and over nothing else. */
static void numbers_stay_apart(unsigned layout, uint32_t players, enum width width,
                               uint32_t count) {
  (void)players, (void)width;
  ref at = numbered(count);
  edges e = edges_at(&t, node_at(&t, at));
  for (uint32_t i = 0; i < count; i++) edge_set_action(&t, &e, i, actions[i]);
  for (uint32_t i = 0; i < count; i++) {
    check_edge(&e, i, i);
    CHECK(edge_action(&t, &e, i) == actions[i]);
  }
  CHECK(!(layout & BLOCK_PRIORS) || *e.own == -7.0);
  check_head(at, 17, count, 1);
}

static void collapsed_node_is_a_leaf_again(unsigned layout, uint32_t players, enum width width,
                                           uint32_t count) {
  (void)layout, (void)players, (void)width;
  ref at = numbered(count);
  node *n = node_at(&t, at);
  n->flags |= NODE_OPEN | NODE_ORDERED;
  node_count_visit(&t, n);
  node_collapse(&t, n);
  CHECK(!node_has_block(n) && n->leaf_visits == 18 && node_visits(&t, n) == 18);
  CHECK(n->flags == NODE_ORDERED && n->depth == 3);
  CHECK(node_expand(&t, at, 0, actions, count));
  check_head(at, 18, count, 0);
  edges e = edges_at(&t, n);
  for (uint32_t i = 0; i < count; i++) check_untried(&e, i);
}

/* ---- a node gets more edges ----------------------------------------------------------------------- */

static void widened_node_keeps_what_it_had(unsigned layout, uint32_t players, enum width width,
                                           uint32_t count) {
  (void)players;
  for (uint32_t more = 1; more <= MOST_EDGES; more += 23) {
    begin(layout, players, width, count);
    ref at = numbered(count);
    node *n = node_at(&t, at);
    node_solve(&t, n);
    block_at(&t, n->block)->all_tried = true;
    ref before = n->block;
    CHECK(node_widen(&t, at, actions + count, more));
    CHECK(n->block != before && block_at(&t, before)->node == at); /* which paths still know */
    check_head(at, 17, count + more, 1);
    check_arrays(n->block);
    edges e = edges_at(&t, n), old = edges_in(&t, before, layout);
    CHECK(!e.head->all_tried && e.head->solved);
    CHECK(!(layout & BLOCK_PRIORS) || *e.own == -7.0);
    for (uint32_t i = 0; i < count + more; i++) {
      if (i < count) check_edge(&e, i, i);
      else check_untried(&e, i);
      CHECK(edge_action(&t, &e, i) == actions[i]);
    }
    for (uint32_t i = 0; i < count; i++) check_edge(&old, i, i);
  }
}

/* Edges that no simulation has taken change places. */
static void swapped_edges_take_all_along(unsigned layout, uint32_t players, enum width width,
                                         uint32_t count) {
  if (width == IN_ORDER) return; /* there they may not */
  (void)players;
  ref at = leaf();
  CHECK(node_expand(&t, at, 1, actions, count));
  edges e = edges_at(&t, node_at(&t, at));
  for (uint32_t i = 0; i < count; i++) {
    number_edge(&e, i, i);
    e.visits[i] = 0;
    if (layout & BLOCK_FLIGHTS) e.flights[i] = 0;
  }
  for (uint32_t i = 0; i < count / 2; i++) edges_swap(&t, &e, i, count - 1 - i);
  edges_swap(&t, &e, 0, 0);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t from = count - 1 - i;
    CHECK(edge_action(&t, &e, i) == actions[from]);
    CHECK(e.visits[i] == 0 && (!(layout & BLOCK_FLIGHTS) || e.flights[i] == 0));
    e.visits[i] = from + 100; /* what stays where it was is as if it had come along */
    if (layout & BLOCK_FLIGHTS) e.flights[i] = from + 300;
    if (layout & BLOCK_SPREADS) e.spread[i] = from + 0.5;
    for (uint32_t p = 0; layout & BLOCK_REWARDS && p < t.players; p++)
      e.reward[i * t.players + p] = from + 1000.0 * p;
    check_edge(&e, i, from);
  }
  check_head(at, 0, count, 1);
}

/* ---- heads --------------------------------------------------------------------------------------- */

static void head_says_what_the_node_does(void) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  for (int solved = 0; solved <= 1; solved++) {
    for (int paid = 0; paid <= 1; paid++) {
      begin(0, 2, ONE_BYTE, 3);
      const double rewards[2] = {0.0, paid ? -2.0 : 0.0};
      ref at = node_new(&t, NULL, NULL, rewards, 2, 3, false);
      node *n = node_at(&t, at);
      CHECK(!(n->flags & NODE_PAID) == !paid && node_visits(&t, n) == 0);
      if (solved) node_solve(&t, n);
      CHECK(!(n->flags & NODE_SOLVED) == !solved);
      for (int i = 0; i < 5; i++) node_count_visit(&t, n);
      CHECK(node_expand(&t, at, 1, actions, 3));
      check_head(at, 5, 3, 1);
      for (int i = 0; i < 5; i++) node_count_visit(&t, n);
      check_head(at, 10, 3, 1);
      if (!solved) node_solve(&t, n);
      check_head(at, 10, 3, 1);
      CHECK(block_at(&t, n->block)->solved && block_at(&t, n->block)->paid == paid);
      CHECK(node_widen(&t, at, actions + 3, 2));
      check_head(at, 10, 5, 1);
      CHECK(block_at(&t, n->block)->solved && block_at(&t, n->block)->paid == paid);
      CHECK(!paid || (node_rewards(&t, n)[0] == 0.0 && node_rewards(&t, n)[1] == -2.0));
    }
  }
  arena_close(&t.blocks);
}

static void full_counts_stay_full(void) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  begin(0, 1, ONE_BYTE, 3);
  ref at = leaf();
  node *n = node_at(&t, at);
  n->leaf_visits = UINT32_MAX - 1;
  node_count_visit(&t, n);
  node_count_visit(&t, n);
  CHECK(n->leaf_visits == UINT32_MAX);
  CHECK(node_expand(&t, at, 0, actions, 3));
  check_head(at, UINT32_MAX, 3, 0);
  node_count_visit(&t, n);
  check_head(at, UINT32_MAX, 3, 0);
  CHECK(node_widen(&t, at, actions + 3, 1));
  check_head(at, UINT32_MAX, 4, 0);
  block_at(&t, n->block)->visits = UINT32_MAX - 1;
  node_count_visit(&t, n);
  node_count_visit(&t, n);
  check_head(at, UINT32_MAX, 4, 0);
  node_collapse(&t, n);
  CHECK(n->leaf_visits == UINT32_MAX);
  uint32_t count = UINT32_MAX - 1;
  CHECK(count_up(&count) && count == UINT32_MAX && !count_up(&count) && count == UINT32_MAX);
  arena_close(&t.blocks);
}

/* A slot may hold the node, or its block. */
static void child_is_found_from_either(void) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  begin(0, 1, ONE_BYTE, 3);
  for (int i = 0; i < 200; i++) {
    ref at = leaf();
    CHECK(child_node(&t, at) == at);
    CHECK(node_expand(&t, at, 0, actions, 3));
    ref block = node_at(&t, at)->block;
    CHECK(child_node(&t, at) == at && child_node(&t, block) == at);
    CHECK(arena_is_high(&t.blocks, at) && !arena_is_high(&t.blocks, block));
    CHECK(node_widen(&t, at, actions + 3, 2));
    CHECK(child_node(&t, node_at(&t, at)->block) == at && child_node(&t, block) == at);
  }
  arena_close(&t.blocks);
}

/* ---- nodes --------------------------------------------------------------------------------------- */

/* What a node has lies one behind the other, and fills it. */
static void check_parts(const node *n, const double *rewards, uint32_t players) {
  bool paid = n->flags & NODE_PAID;
  const unsigned char *next = (const unsigned char *)(n + 1);
  if (t.graph_size) CHECK((const unsigned char *)node_graph(n) == next);
  next += t.graph_size;
  if (t.state_size) CHECK((const unsigned char *)node_state(&t, n) == next);
  if (!t.key_size) CHECK(node_key(&t, n) == node_state(&t, n));
  next += t.state_size;
  if (t.key_size) CHECK((const unsigned char *)node_key(&t, n) == next);
  next += t.key_size;
  if (t.owns_states) CHECK((const unsigned char *)node_previous_owned(&t, n) == next);
  next += t.owns_states ? 8 : 0;
  if (paid) CHECK((const unsigned char *)node_rewards(&t, n) == next);
  next += paid ? players * sizeof(double) : 0;
  CHECK(next == (const unsigned char *)n + node_size(&t, paid));
  if (paid) CHECK(memcmp(node_rewards(&t, n), rewards, players * sizeof *rewards) == 0);
}

/* Nodes with states and keys and rewards of their own, one after the other. */
static void check_nodes(uint32_t players) {
  enum { NODES = 9 };
  ref refs[NODES];
  double rewards[NODES][MOST_PLAYERS] = {{0}};
  for (int i = 0; i < NODES; i++) {
    uint64_t state[3] = {10u + i, 20u + i, 30u + i}, key[2] = {40u + i, 50u + i};
    if (i > 0 && i < 4) rewards[i][(uint32_t)(i - 1) % players] = i;
    bool given = i < 8, paid = i > 0 && i < 4;
    size_t high = t.blocks.high;
    refs[i] = node_new(&t, state, key, given ? rewards[i] : NULL, players, (uint32_t)i, i % 2);
    CHECK(refs[i] && high - t.blocks.high == node_size(&t, paid));
    CHECK(node_at(&t, refs[i])->flags == ((i % 2 ? NODE_TERMINAL : 0) | (paid ? NODE_PAID : 0)));
  }
  CHECK(t.nodes == NODES && t.deepest == NODES - 1);
  for (int i = 0; i < NODES; i++) {
    const node *n = node_at(&t, refs[i]);
    uint64_t state[3] = {10u + i, 20u + i, 30u + i}, key[2] = {40u + i, 50u + i};
    check_parts(n, rewards[i], players);
    CHECK(n->depth == i && node_visits(&t, n) == 0);
    CHECK(memcmp(node_state(&t, n), state, t.state_size) == 0);
    CHECK(t.key_size == 0 || memcmp(node_key(&t, n), key, t.key_size) == 0);
    if (t.owns_states) CHECK(*node_previous_owned(&t, n) == (i ? refs[i - 1] : 0));
    if (t.graph_size) CHECK(node_graph(n)->older == (i ? refs[i - 1] : 0));
  }
  CHECK(!t.owns_states || t.last_owned == refs[NODES - 1]);
  CHECK(!t.graph_size || t.newest == refs[NODES - 1]);
}

static void nodes_hold_their_parts(void) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  soil();
  for (int parts = 0; parts < 36; parts++)
    for (uint32_t players = 1; players <= MOST_PLAYERS; players++) {
      begin(0, players, ONE_BYTE, 3);
      t.state_size = 8 * (size_t)(parts % 3 + (parts % 3 == 2)); /* 0, 8 or 24 */
      t.key_size = 8 * (size_t)(parts / 3 % 3);
      t.owns_states = parts / 9 % 2;
      t.graph_size = parts / 18 ? sizeof(graph_part) : 0;
      check_nodes(players);
    }
  arena_close(&t.blocks);
}

/* ---- the byte limit ------------------------------------------------------------------------------- */

/* Blocks at both ends, with states outside the arena, up to the last byte of a limit that was
 * lowered after the arena was opened. */
static void trees_fill_to_the_limit(uint64_t limit, size_t outside) {
  begin(0, 1, ONE_BYTE, 3);
  t.blocks.limit = limit;
  t.bytes_per_state = outside;
  uint64_t random = limit;
  for (int i = 0; i < 400; i++) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    size_t bytes = 8 * (1 + (random >> 40) % 20);
    bool is_high = random >> 63;
    uint64_t before = tree_bytes(&t);
    uint64_t needed = bytes + (is_high ? outside : arena_gap(&t.blocks, bytes));
    ref r = is_high ? tree_alloc_high(&t, bytes, outside) : tree_alloc_low(&t, bytes);
    CHECK((r != 0) == (before + needed <= limit));
    if (r && is_high) t.nodes += 1;
    if (r) memset(arena_at(&t.blocks, r), 0x5A, bytes);
    CHECK(tree_bytes(&t) == before + (r ? needed : 0));
  }
  CHECK(tree_bytes(&t) <= limit && tree_bytes(&t) + 8 + outside + ARENA_LINE > limit);
  t.blocks.limit = LIMIT;
}

static void trees_fill_to_every_limit(void) {
  CHECK(arena_open(&t.blocks, LIMIT) == 0);
  for (uint64_t limit = 256; limit < 8192; limit += 61)
    for (size_t outside = 0; outside < 100; outside += 33) trees_fill_to_the_limit(limit, outside);
  arena_close(&t.blocks);
}

/* What does not fit changes nothing. */
static void nothing_is_half_done_at_any_limit(unsigned layout, uint32_t players, enum width width,
                                              uint32_t count) {
  (void)players, (void)width;
  ref at = leaf();
  node *n = node_at(&t, at);
  n->leaf_visits = 17;
  uint64_t used = arena_used(&t.blocks), needed = edges_size(&t, count);
  needed += arena_gap(&t.blocks, needed);
  t.blocks.limit = used + needed - 1;
  CHECK(!node_expand(&t, at, 1, actions, count));
  CHECK(!node_is_expanded(n) && n->leaf_visits == 17 && arena_used(&t.blocks) == used);
  t.blocks.limit = used + needed;
  CHECK(node_expand(&t, at, 1, actions, count) && arena_used(&t.blocks) == used + needed);
  edges e = edges_at(&t, n);
  for (uint32_t i = 0; i < count; i++) number_edge(&e, i, i);
  ref block = n->block;
  used += needed;
  needed = edges_size(&t, count + 2);
  needed += arena_gap(&t.blocks, needed);
  t.blocks.limit = used + needed - 1;
  CHECK(!node_widen(&t, at, actions + count, 2));
  CHECK(n->block == block && arena_used(&t.blocks) == used);
  check_head(at, 17, count, 1);
  for (uint32_t i = 0; i < count; i++) check_edge(&e, i, i);
  t.blocks.limit = used + needed;
  CHECK(node_widen(&t, at, actions + count, 2) && edges_in(&t, n->block, layout).count == count + 2);
  CHECK(arena_used(&t.blocks) == used + needed);
  t.blocks.limit = LIMIT;
}

int main(void) {
  for_every_layout(arrays_fill_their_block, 1);
  for_every_layout(leaf_gets_untried_edges, 1);
  for_every_layout(numbers_stay_apart, 1);
  for_every_layout(collapsed_node_is_a_leaf_again, 3);
  for_every_layout(widened_node_keeps_what_it_had, 3);
  for_every_layout(swapped_edges_take_all_along, 3);
  for_every_layout(nothing_is_half_done_at_any_limit, 3);
  head_says_what_the_node_does();
  full_counts_stay_full();
  child_is_found_from_either();
  nodes_hold_their_parts();
  trees_fill_to_every_limit();
  return 0;
}
