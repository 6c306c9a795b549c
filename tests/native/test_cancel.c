/* Cancelled, or out of time, at any moment: what was learned until then stays sound, and no
 * state is leaked. */
#include "graph_walk.h"
#include "stop.h"

enum { SIMULATIONS = 60 };

static handle_model whole_model(void) {
  handle_model h;
  handle_model_begin(&h);
  return h;
}

/* Cancelled within sample number `at`; how many more samples the model was asked for. */
static int64_t samples_after_cancelling(handle_model *h, search_options options, int64_t at) {
  stop_reason reason = STOP_NONE;
  search *s = search_new(&h->model, options, 0);
  h->cancel_at = at;
  h->calls[SAMPLE] = 0;
  atomic_store(&h->cancelled, 0);
  CHECK(begin_at_zero(s, h, 1 << 20) == MCTS_OK);
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(reason == STOP_CANCELLED && s->simulations < SIMULATIONS);
  check_sound(s);
  int64_t samples = h->calls[SAMPLE];
  uint64_t simulations = s->simulations;
  CHECK(run_to(s, h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(reason == STOP_CANCELLED && s->simulations == simulations);
  search_free(s);
  CHECK(h->handles_alive == 0);
  return samples - at;
}

static void cancelling_within_any_sample_stops_soon(void) {
  handle_model h = whole_model();
  h.model.ctx = &h;
  for (int64_t at = 1; at <= 200; at++)
    CHECK(samples_after_cancelling(&h, BY_ROLLOUT, at) < BY_ROLLOUT.max_depth);
}

static void every_recipe_stops_soon(void) {
  for (int recipe = 0; recipe < RECIPES; recipe++) {
    handle_model h;
    recipe_model(&h, recipe, 0);
    search_options options = graph_recipe(recipe);
    for (int64_t at = 1; at <= 30; at++)
      CHECK(samples_after_cancelling(&h, options, at) < options.max_depth);
  }
}

/* A single simulation may be long: a model that holds a lock is interrupted within it. */
static void long_rollout_is_interrupted(void) {
  handle_model h = whole_model();
  h.model.ctx = &h;
  search_options deep = {.exploration = 1.0, .max_depth = 60000};
  search *s = search_new(&h.model, deep, 0);
  stop_reason reason = STOP_NONE;
  CHECK(begin_at_zero(s, &h, 1 << 20) == MCTS_OK);
  search_limits limits = {SIMULATIONS, search_now(), INT64_MAX, NULL};
  CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  CHECK(reason == STOP_TIME_LIMIT && s->simulations == 0);
  search_free(s);
  CHECK(h.handles_alive == 0);
}

static void passed_deadline_stops_before_the_first_simulation(void) {
  handle_model h = whole_model();
  h.model.ctx = &h;
  search *s = search_new(&h.model, BY_ROLLOUT, 0);
  stop_reason reason = STOP_NONE;
  CHECK(begin_at_zero(s, &h, 1 << 20) == MCTS_OK);
  search_limits limits = {SIMULATIONS, search_now(), INT64_MAX, NULL};
  CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  CHECK(reason == STOP_TIME_LIMIT && h.calls[SAMPLE] == 0);
  search_free(s);
  CHECK(h.handles_alive == 0);
}

/* A slice is a pause: the search goes on as if nothing had been. */
static void slices_do_not_change_the_tree(void) {
  handle_model h = whole_model();
  h.model.ctx = &h;
  search *whole = search_new(&h.model, BY_ROLLOUT, 0);
  search *sliced = search_new(&h.model, BY_ROLLOUT, 0);
  stop_reason reason = STOP_NONE;
  CHECK(begin_at_zero(whole, &h, 1 << 20) == MCTS_OK);
  CHECK(run_to(whole, &h, SIMULATIONS, &reason) == MCTS_OK);
  CHECK(begin_at_zero(sliced, &h, 1 << 20) == MCTS_OK);
  for (uint64_t total = 1; total <= SIMULATIONS; total++) {
    search_limits now = {SIMULATIONS, INT64_MAX, search_now(), NULL};
    CHECK(search_run(sliced, &now, &reason) == MCTS_OK);
    CHECK(reason == STOP_SLICE);
    CHECK(run_to(sliced, &h, total, &reason) == MCTS_OK);
    CHECK(reason == STOP_SIMULATIONS && sliced->simulations == total);
  }
  edges one = edges_at(&whole->tree, node_at(&whole->tree, whole->tree.root));
  edges other = edges_at(&sliced->tree, node_at(&sliced->tree, sliced->tree.root));
  CHECK(memcmp(one.value, other.value, 3 * sizeof *one.value) == 0);
  CHECK(memcmp(one.visits, other.visits, 3 * sizeof *one.visits) == 0);
  CHECK(tree_bytes(&whole->tree) == tree_bytes(&sliced->tree));
  search_free(whole);
  search_free(sliced);
  CHECK(h.handles_alive == 0);
}

int main(void) {
  logarithm_fill_tables();
  cancelling_within_any_sample_stops_soon();
  every_recipe_stops_soon();
  long_rollout_is_interrupted();
  passed_deadline_stops_before_the_first_simulation();
  slices_do_not_change_the_tree();
  return 0;
}
