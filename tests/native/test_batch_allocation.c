/* Every request for memory that a batch of searches makes is refused once: the searches end as they
 * may, no state is leaked, and what was there before can be used again. */
#include "sparing_core.h"

#include "graph_walk.h"

enum { SEARCHES = 3, SIMULATIONS = 40, LIMIT = 1 << 24 };

static bool begins(search *s, handle_model *h, uint64_t seed) {
  int status = begin_with_seed(s, h, seed, LIMIT);
  CHECK(status == MCTS_OK || status == OUT_OF_BYTES);
  CHECK((status == MCTS_OK) == (s->tree.root != 0));
  return status == MCTS_OK;
}

static void runs(search **searches, handle_model *h, uint32_t count) {
  batch *b = batch_new(searches, count);
  if (!b) b = batch_new(searches, count); /* refused once, and not again */
  CHECK(b);
  batch_end ends[SEARCHES] = {{0}};
  search_limits limits = {SIMULATIONS, INT64_MAX, INT64_MAX, &h->cancelled};
  batch_run(b, &limits, ends);
  int refusals = 0;
  for (uint32_t k = 0; k < count; k++) {
    CHECK(ends[k].status == MCTS_OK);
    refusals += ends[k].reason == STOP_MAX_BYTES;
    check_graph(searches[k]);
  }
  CHECK(refusals <= 1);
  batch_free(b);
}

/* From beginning to end, with one request refused. */
static void lives(handle_model *h, search_options options) {
  search *searches[SEARCHES];
  uint32_t count = 0;
  searches[0] = search_new(&h->model, options, 0);
  if (!searches[0]) searches[0] = search_new(&h->model, options, 0);
  CHECK(searches[0]);
  for (uint64_t seed = 1; seed <= SEARCHES; seed++) {
    search *s = count ? search_new_beside(searches[0]) : searches[0];
    if (!s) s = search_new_beside(searches[0]);
    CHECK(s);
    CHECK(begins(s, h, seed) || begins(s, h, seed));
    searches[count++] = s;
  }
  runs(searches, h, count);
  for (uint32_t k = 0; k < count; k++) CHECK(begins(searches[k], h, k) || begins(searches[k], h, k));
  runs(searches, h, count);
  while (count > 0) search_free(searches[--count]);
  CHECK(h->handles_alive == 0 && !h->inside);
}

int main(void) {
  logarithm_fill_tables();
  particles = 2;
  for (int recipe = 0, several = 0; recipe < RECIPES; recipe += several, several = !several) {
    handle_model h;
    recipe_model(&h, recipe, recipe % RING_MODELS);
    handle_model_answers_in_batches(&h);
    search_options options = graph_recipe(recipe);
    options.in_flight = several ? 3 : 1;
    refuse_at = 0;
    do {
      requests = 0;
      refuse_at += 1;
      lives(&h, options);
    } while (requests >= refuse_at);
    CHECK(refuse_at > 60);
  }
  return 0;
}
