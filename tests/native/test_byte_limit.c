/* Every byte limit from nothing upwards: the search stops at it with a sound tree, or never
 * starts; it holds no more than it may; and no state is leaked. */
#include "graph_walk.h"

enum { SIMULATIONS = 30, NEVER_FULL = 1 << 20 };

/* Simulations that fitted. */
static uint64_t plan_within(search *s, handle_model *h, uint64_t limit) {
  int status = begin_at_zero(s, h, limit);
  if (status == OUT_OF_BYTES) return 0;
  CHECK(status == MCTS_OK);
  CHECK(tree_bytes(&s->tree) <= limit);
  stop_reason reason = STOP_NONE;
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(reason == (s->simulations == SIMULATIONS ? STOP_SIMULATIONS : STOP_MAX_BYTES));
  CHECK(tree_bytes(&s->tree) <= limit);
  check_sound(s);
  return s->simulations;
}

static search_options options; /* of all searches */

static void stops_at_every_limit(handle_model *h, size_t bytes_per_state, size_t step) {
  h->model.ctx = h;
  search *s = search_new(&h->model, options, bytes_per_state);
  CHECK(s);
  CHECK(plan_within(s, h, NEVER_FULL) == SIMULATIONS);
  uint64_t enough = tree_bytes(&s->tree), before = 0;
  for (uint64_t limit = 0; limit < enough; limit += step) {
    uint64_t simulations = plan_within(s, h, limit);
    CHECK(simulations >= before && simulations < SIMULATIONS);
    before = simulations;
  }
  CHECK(before > SIMULATIONS / 2 || options.sharing != SHARING_NONE); /* a graph is full early */
  CHECK(plan_within(s, h, enough) == SIMULATIONS);
  search_free(s);
  CHECK(h->handles_alive == 0);
}

static void every_recipe_stops_at_every_limit(void) {
  for (int recipe = PLAIN_RECIPES; recipe < RECIPES; recipe++) {
    handle_model h;
    recipe_model(&h, recipe, 0);
    options = graph_recipe(recipe);
    stops_at_every_limit(&h, 0, 8);
    stops_at_every_limit(&h, 100, 56);
  }
}

static void huge_states_leave_no_room(handle_model *h) {
  const size_t sizes[] = {NEVER_FULL, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX};
  for (int i = 0; i < 4; i++) {
    search *s = search_new(&h->model, BY_ROLLOUT, sizes[i]);
    CHECK(s);
    CHECK(plan_within(s, h, NEVER_FULL) == 0);
    search_free(s);
    CHECK(h->handles_alive == 0);
  }
}

int main(void) {
  logarithm_fill_tables();
  options = BY_ROLLOUT;
  handle_model h;
  handle_model_begin(&h);
  stops_at_every_limit(&h, 0, 1);
  stops_at_every_limit(&h, 100, 7);
  huge_states_leave_no_room(&h);
  h.model.flags |= MCTS_MODEL_DETERMINISTIC;
  stops_at_every_limit(&h, 0, 1);
  stops_at_every_limit(&h, 1000, 9);
  handle_model_begin_ring(&h, 13);
  h.model.actions = handle_odd_actions;
  particles = 3;
  options = BY_HISTORY;
  stops_at_every_limit(&h, 0, 1);
  options = OPEN_TRIALS;
  stops_at_every_limit(&h, 0, 1);
  every_recipe_stops_at_every_limit();
  return 0;
}
