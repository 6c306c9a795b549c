/* States that are plain bytes, of any size and of doubles; models that number their actions
 * state by state, and that have a context for each thread. */
#include <math.h>

#include "check.h"
#include "logarithm.h"
#include "search.h"

static const search_options OPTIONS = {.exploration = 1.0, .max_depth = 6};

static search *begun(const mcts_model *m, const void *state) {
  search *s = search_new(m, OPTIONS, 0);
  CHECK(s);
  search_root root = {.state = state, .seed = 3, .max_bytes = 1 << 22};
  CHECK(search_begin(s, &root) == MCTS_OK);
  return s;
}

static void run_to(search *s, uint64_t simulations) {
  stop_reason reason = STOP_NONE;
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, NULL};
  CHECK(search_run(s, &limits, &reason) == MCTS_OK && reason == STOP_SIMULATIONS);
}

static mcts_model model_of(uint32_t state_bytes, uint32_t num_actions) {
  return (mcts_model){.abi_version = MCTS_MODEL_ABI_VERSION,
                      .struct_size = sizeof(mcts_model),
                      .discount = 1.0,
                      .state_bytes = state_bytes,
                      .num_actions = num_actions,
                      .max_actions = num_actions,
                      .num_players = 1};
}

/* ---- sizes -------------------------------------------------------------------------- */

/* Adds the action to the first byte, and tells the last one whether that is odd. */
static int sample_bytes(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                        void *next_state, double *rewards, int32_t *terminated,
                        void *observation) {
  uint32_t size = *(uint32_t *)ctx;
  const unsigned char *from = state;
  unsigned char *to = next_state;
  (void)rng, (void)observation;
  to[0] = (unsigned char)(from[0] + action + 1);
  to[size - 1] = size > 1 ? to[0] & 1 : to[0];
  rewards[0] = to[0];
  *terminated = 0;
  return MCTS_OK;
}

/* In a model without chance each edge has one outcome, if padding is never compared. */
static void state_may_have_any_size(uint32_t size) {
  mcts_model m = model_of(size, 2);
  m.ctx = &size;
  m.sample = sample_bytes;
  unsigned char *state = calloc(1, size);
  CHECK(state);
  search *s = begun(&m, state);
  run_to(s, 300);
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  for (int i = 0; i < 2; i++) {
    outcome *o = outcome_at(&s->tree, e.child[i]);
    CHECK(o->visits == e.visits[i] && !o->next[0] && !o->next[1]);
    CHECK(((unsigned char *)node_state(&s->tree, node_at(&s->tree, o->node)))[0] == i + 1);
  }
  CHECK(s->tree.deepest == OPTIONS.max_depth);
  search_free(s);
  free(state);
}

/* ---- doubles ------------------------------------------------------------------------ */

static int sample_zero(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                       void *next_state, double *rewards, int32_t *terminated,
                       void *observation) {
  (void)ctx, (void)state, (void)action, (void)observation;
  ((double *)next_state)[1] = mcts_random_below(rng, 2) ? -0.0 : 0.0;
  rewards[0] = 1.0;
  *terminated = 1;
  return MCTS_OK;
}

static uint64_t nodes_after_a_zero(uint64_t flags) {
  mcts_model m = model_of(2 * sizeof(double), 1);
  m.sample = sample_zero;
  m.flags = flags;
  double state[2] = {0};
  search *s = begun(&m, state);
  run_to(s, 50);
  uint64_t nodes = s->tree.nodes;
  search_free(s);
  return nodes;
}

static void zeros_of_either_sign_are_one_state_where_states_are_doubles(void) {
  CHECK(nodes_after_a_zero(MCTS_MODEL_FLOAT64_STATE) == 2);
  CHECK(nodes_after_a_zero(0) == 3);
}

/* ---- actions numbered state by state -------------------------------------------------- */

static int number_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) {
  (void)ctx, (void)state;
  *count = 2;
  actions[0] = 5;
  actions[1] = 1000000;
  return MCTS_OK;
}

static void actions_may_have_any_numbers(void) {
  uint32_t size = 8;
  mcts_model m = model_of(size, 0);
  m.ctx = &size;
  m.max_actions = 2;
  m.actions = number_actions;
  m.sample = sample_bytes;
  uint64_t state = 0;
  search *s = begun(&m, &state);
  run_to(s, 100);
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  CHECK(edge_action(&s->tree, &e, 0) == 5 && edge_action(&s->tree, &e, 1) == 1000000);
  search_free(s);
}

/* ---- contexts ------------------------------------------------------------------------- */

typedef struct {
  int made, freed, fails;
} contexts;

typedef struct {
  contexts *of;
} context;

static int context_new(void *ctx, void **thread_ctx) {
  contexts *all = ctx;
  if (all->fails) return MCTS_ERROR;
  context *own = malloc(sizeof *own);
  CHECK(own);
  own->of = all;
  all->made += 1;
  *thread_ctx = own;
  return MCTS_OK;
}

static void context_free(void *thread_ctx) {
  context *own = thread_ctx;
  own->of->freed += 1;
  free(own);
}

static int sample_in_context(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                             void *next_state, double *rewards, int32_t *terminated,
                             void *observation) {
  (void)action, (void)rng, (void)observation;
  CHECK(((context *)ctx)->of->made > 0);
  *(int64_t *)next_state = *(const int64_t *)state + 1;
  rewards[0] = 1.0;
  *terminated = 0;
  return MCTS_OK;
}

static void each_search_has_a_context_of_its_own(void) {
  contexts all = {0};
  mcts_model m = model_of(8, 2);
  m.ctx = &all;
  m.context_new = context_new;
  m.context_free = context_free;
  m.sample = sample_in_context;
  int64_t state = 0;
  search *one = begun(&m, &state), *other = begun(&m, &state);
  CHECK(all.made == 2 && one->ctx != other->ctx);
  run_to(one, 50);
  run_to(other, 50);
  search_free(one);
  search_free(other);
  CHECK(all.freed == 2);
  all.fails = 1;
  CHECK(search_new(&m, OPTIONS, 0) == NULL);
  CHECK(all.freed == 2);
}

int main(void) {
  logarithm_fill_tables();
  for (uint32_t size = 1; size <= 33; size++) state_may_have_any_size(size);
  state_may_have_any_size(4099);
  zeros_of_either_sign_are_one_state_where_states_are_doubles();
  actions_may_have_any_numbers();
  each_search_has_a_context_of_its_own();
  search_free(NULL);
  return 0;
}
