/* Fuzzes the core: bytes become a model, a recipe, and a life of a search in which calls fail,
 * answers are left unset, memory is refused and plans are cancelled. Whatever comes, the tree
 * holds together and every state is released.
 *
 *   with libFuzzer: cc -fsanitize=fuzzer,address,undefined -DLIBFUZZER fuzz_search.c
 *   without:        ./fuzz_search SECONDS [SEED]    draws the bytes at random */
#include "sparing_core.h"

#include "graph_walk.h"

typedef struct {
  const uint8_t *bytes;
  size_t left;
} tape;

/* The next byte, below `n`; zeros after the end. */
static uint32_t next(tape *t, uint32_t n) {
  if (!t->left) return 0;
  t->left -= 1;
  return *t->bytes++ % n;
}

static search_options any_options(tape *t, const handle_model *h) {
  search_options o = {.exploration = next(t, 3), .max_depth = 1 + next(t, 12)};
  o.evaluation = (search_evaluation)next(t, 3);
  o.backup = (search_backup)next(t, 2);
  o.sharing = (search_sharing)next(t, 3);
  if (search_refuses_options(&h->model, o)) o.evaluation = EVALUATION_ROLLOUT;
  return o;
}

static void any_model(tape *t, handle_model *h) {
  ring_model(h, (int)next(t, RING_MODELS));
  h->ring = 1 + next(t, 40);
  if (next(t, 2)) h->model.actions = handle_actions;
  if (next(t, 2)) h->model.validate = handle_validate;
  if (next(t, 2)) h->model.rollout_action = handle_rollout_action;
  if (next(t, 4) == 0) h->model.rollout = handle_rollout;
  if (next(t, 4) == 0) {
    h->model.evaluate = handle_evaluate;
    h->model.flags |= MCTS_MODEL_VALUES;
  }
}

/* What goes wrong in the next act. */
static void any_mishap(tape *t, handle_model *h) {
  memset(h->fail_at, 0, sizeof h->fail_at);
  atomic_store(&h->cancelled, 0);
  h->cancel_at = 0;
  h->omit = OMIT_NOTHING;
  requests = refuse_at = 0;
  uint32_t later = 1 + next(t, 64);
  uint32_t question = next(t, QUESTIONS);
  switch (next(t, 8)) {
    case 0: h->fail_at[question] = h->calls[question] + later; break;
    case 1: h->cancel_at = h->calls[SAMPLE] + later; break;
    case 2: refuse_at = later; break;
    case 3: h->omit = (enum omission)next(t, OMIT_ALL + 1); break;
    default: break;
  }
}

static bool begins(tape *t, search *s, handle_model *h) {
  int32_t allowed[] = {0, 2};
  void *state;
  handle_write(h, &state, next(t, (uint32_t)h->ring));
  search_root root = {.state = &state, .seed = next(t, 256), .horizon = next(t, 10),
                      .max_bytes = next(t, 4) ? 1 << 18 : 64 * (1 + next(t, 256))};
  if (next(t, 8) == 0) root.allowed = allowed, root.num_allowed = 2;
  int status = search_begin(s, &root);
  CHECK(!h->inside && (status == MCTS_OK) == (s->tree.root != 0));
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  return status == MCTS_OK;
}

/* Along the edge and to the outcome that the tape says, or to a state that may not be there. */
static void moves(tape *t, search *s, handle_model *h) {
  node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  uint32_t edge = next(t, root->count), outcomes = next(t, 4);
  int64_t position = next(t, 50);
  ref r = e.child[edge];
  while (r && outcomes-- > 0 && !s->deterministic) {
    position = handle_at(node_state(&s->tree, node_at(&s->tree, outcome_at(&s->tree, r)->node)))
                   ->position;
    r = outcome_at(&s->tree, r)->sibling;
  }
  int32_t action = e.action[edge];
  void *state;
  handle_write(h, &state, position);
  int status = search_advance(s, action, &state);
  CHECK(!h->inside);
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  if (status == MCTS_OK) search_resume(s, &(search_root){.seed = 2, .horizon = next(t, 10)});
}

static void runs(tape *t, search *s, handle_model *h) {
  stop_reason reason = STOP_NONE;
  uint64_t simulations = s->simulations + next(t, 100);
  s->fault.function = NULL;
  int status = run_to(s, h, simulations, &reason);
  CHECK(status == MCTS_OK || status == FAILED);
  CHECK((status == FAILED) == (s->fault.function != NULL));
}

/* The values of a model that says what it likes are no matter here: see test_graph_limits.c. */
static void holds(search *s) {
  tree *t = &s->tree;
  check_sound(s);
  walk w = walk_from(s, t->root);
  CHECK(w.met <= t->nodes && tree_bytes(t) <= t->blocks.limit);
  for (size_t k = 0; k < w.met; k++) {
    node *n = node_at(t, w.nodes[k]);
    if (!n->edges) continue;
    edges e = edges_at(t, n);
    for (uint32_t i = 0; i < n->count; i++) {
      CHECK(isfinite(e.value[i]));
      check_links(s, &e, i);
    }
  }
  walk_end(&w);
}

static void life(const uint8_t *bytes, size_t size) {
  tape t = {bytes, size};
  handle_model h;
  any_model(&t, &h);
  search_options options = any_options(&t, &h);
  any_mishap(&t, &h);
  search *s = search_new(&h.model, options, next(&t, 100));
  while (s && t.left > 0) {
    any_mishap(&t, &h);
    uint32_t act = s->tree.root ? next(&t, 6) : 0;
    if (act == 0) begins(&t, s, &h);
    if (act == 1) moves(&t, s, &h);
    if (act > 1) runs(&t, s, &h);
    if (s->tree.root) holds(s);
  }
  h.fail_at[ENTER] = 0;
  search_free(s);
  CHECK(h.handles_alive == 0 && !h.inside);
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  logarithm_fill_table();
  life(bytes, size);
  return 0;
}
#else
int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 10.0;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, lives = 0;
  int64_t end = search_now() + (int64_t)(seconds * 1e9);
  uint8_t bytes[200];
  logarithm_fill_table();
  for (; search_now() < end; lives++, seed++) {
    uint64_t counter = seed;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)mcts_splitmix64(&counter);
    /* Written ahead: it is the last line where a sanitizer ends the program. */
    if (getenv("FUZZ_VERBOSE")) fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    life(bytes, 20 + counter % 180);
  }
  printf("%llu lives, seeds up to %llu: nothing found\n", (unsigned long long)lives,
         (unsigned long long)seed);
  return 0;
}
#endif
