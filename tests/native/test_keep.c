/* What reading changes is put back, byte for byte, and kept only where there is room for it. */
#include "graph_walk.h"
#include "keep.h"

enum { SIMULATIONS = 40, NEVER_FULL = 1 << 20 };

static void read_out(search *s) {
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  search_settle(s);
  for (uint32_t i = 0; i < e.count && s->bellman; i++) bellman_read(s, &e, i, true);
}

static void reading_leaves_no_trace(handle_model *h, search_options options) {
  const arena *a;
  stop_reason reason = STOP_NONE;
  search *s = search_new(&h->model, options, 0);
  CHECK(begin_at_zero(s, h, NEVER_FULL) == MCTS_OK);
  for (uint64_t n = 1; n <= SIMULATIONS; n++) {
    CHECK(run_to(s, h, n, &reason) == MCTS_OK);
    a = &s->tree.blocks;
    size_t low = a->low, top = a->size - a->high;
    uint64_t settled_depth = s->settled_depth;
    unsigned char *before = malloc(low + top);
    CHECK(before);
    memcpy(before, a->base, low);
    memcpy(before + low, a->base + a->high, top);
    kept k;
    CHECK(search_keep(s, &k) && !k.bytes == !s->bellman);
    read_out(s);
    search_put_back(s, &k);
    CHECK(!memcmp(before, a->base, low) && !memcmp(before + low, a->base + a->high, top));
    CHECK(s->settled_depth == settled_depth && !k.bytes);
    free(before);
  }
  search_free(s);
  CHECK(h->handles_alive == 0);
}

static void a_tree_of_more_than_half_its_bytes_is_not_kept(handle_model *h,
                                                           search_options options) {
  stop_reason reason = STOP_NONE;
  search *s = search_new(&h->model, options, 0);
  CHECK(begin_at_zero(s, h, NEVER_FULL) == MCTS_OK);
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  kept k;
  s->tree.blocks.limit = 2 * tree_bytes(&s->tree) - 1;
  CHECK(search_keep(s, &k) == !s->bellman && !k.bytes);
  search_free(s);
}

int main(void) {
  logarithm_fill_tables();
  for (int recipe = 0; recipe < GRAPH_RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      if (!recipe_takes(recipe, which)) continue;
      handle_model h;
      recipe_model(&h, recipe, which);
      reading_leaves_no_trace(&h, graph_recipe(recipe));
      a_tree_of_more_than_half_its_bytes_is_not_kept(&h, graph_recipe(recipe));
    }
  }
  return 0;
}
