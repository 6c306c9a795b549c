/* Every request for memory that the core makes is refused once: the status says so, no state is
 * leaked, and the search can be used again. */
#include "sparing_core.h"

#include "graph_walk.h"

enum { SIMULATIONS = 60, LIMIT = 1 << 24 };

static void runs(search *s, handle_model *h) {
  stop_reason reason = STOP_NONE;
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(reason != STOP_CANCELLED && reason != STOP_TIME_LIMIT);
  check_graph(s);
}

static void begins(search *s, handle_model *h) {
  int status = begin_at_zero(s, h, LIMIT);
  CHECK(status == MCTS_OK || status == OUT_OF_BYTES);
  if (status == MCTS_OK) return;
  CHECK(s->tree.root == 0 && h->handles_alive <= 1);
  CHECK(begin_at_zero(s, h, LIMIT) == MCTS_OK);
}

/* By an action, or, with a negative one, to wherever the position is found. */
static void moves(search *s, handle_model *h, int32_t action, int64_t position) {
  void *state;
  uint32_t steps;
  handle_write(h, &state, position);
  int status = action < 0 ? search_advance_to(s, &state, 0, 3, &steps)
                          : search_advance(s, action, &state);
  s->tree.bytes_per_state = 0;
  CHECK(status == MCTS_OK || status == OUT_OF_BYTES || status == NOT_IN_TREE);
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  CHECK(h->handles_alive == states_held(s));
  if (status == MCTS_OK) {
    search_root root = {.seed = 3};
    search_resume(s, &root);
    add_noise(s);
  } else if (!s->tree.root) {
    begins(s, h);
  }
}

/* From beginning to end, with one request refused. */
static void lives(handle_model *h, search_options options) {
  search *s = search_new(&h->model, options, 0);
  if (s) {
    begins(s, h);
    runs(s, h);
    moves(s, h, 1, 2);
    runs(s, h);
    moves(s, h, -1, 4);
    runs(s, h);
    begins(s, h);
    runs(s, h);
  }
  search_free(s);
  CHECK(h->handles_alive == 0 && !h->inside);
}

static void survives_every_refusal(handle_model *h, search_options options) {
  refuse_at = 0;
  do {
    requests = 0;
    refuse_at += 1;
    lives(h, options);
  } while (requests >= refuse_at);
  CHECK(refuse_at > 15);
}

/* While the tree moves: there is room for `nodes` of it. */
static void survives_a_full_arena(handle_model *h, search_options options) {
  refuse_at = 0;
  for (uint64_t nodes = 0; nodes < 40; nodes++) {
    search *s = search_new(&h->model, options, 0);
    begins(s, h);
    runs(s, h);
    s->tree.bytes_per_state = LIMIT / (nodes + 1);
    moves(s, h, 1, 2);
    runs(s, h);
    search_free(s);
    CHECK(h->handles_alive == 0);
  }
}

/* Memory comes in chunks, at both ends: a long search asks for several. */
static void long_search_stops_at_any_chunk(void) {
  search_options options = BY_ROLLOUT;
  options.max_depth = 40;
  options.rollout_depth = 1;
  bool low = false, high = false;
  for (long chunk = 1; chunk <= 4; chunk++) {
    handle_model h;
    handle_model_begin(&h);
    search *s = search_new(&h.model, options, 0);
    stop_reason reason = STOP_NONE;
    refuse_at = 0;
    CHECK(begin_at_zero(s, &h, LIMIT) == MCTS_OK);
    requests = 0;
    refuse_at = chunk;
    CHECK(run_to(s, &h, 300000, &reason) == MCTS_OK);
    CHECK(reason == STOP_MAX_BYTES && requests == chunk);
    check_sound(s);
    const arena *a = &s->tree.blocks;
    low |= a->low_ready - a->low < 256;
    high |= a->high - a->high_ready < 256;
    search_free(s);
    CHECK(h.handles_alive == 0);
  }
  CHECK(low && high);
}

static int new_context(void *ctx, void **thread_ctx) {
  *thread_ctx = ctx;
  return MCTS_ERROR;
}

static void free_context(void *thread_ctx) { (void)thread_ctx; }

static void refused_context_is_no_search(void) {
  handle_model h;
  handle_model_begin(&h);
  h.model.context_new = new_context;
  h.model.context_free = free_context;
  CHECK(!search_new(&h.model, BY_ROLLOUT, 0));
}

int main(void) {
  logarithm_fill_tables();
  particles = 3;
  for (int recipe = 0; recipe < RECIPES; recipe++) {
    for (int which = 0; which < RING_MODELS; which++) {
      if (!recipe_takes(recipe, which)) continue;
      handle_model h;
      recipe_model(&h, recipe, which);
      survives_every_refusal(&h, graph_recipe(recipe));
      survives_a_full_arena(&h, graph_recipe(recipe));
    }
  }
  long_search_stops_at_any_chunk();
  refused_context_is_no_search();
  return 0;
}
