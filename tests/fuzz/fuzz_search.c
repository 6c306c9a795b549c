/* Fuzzes the core: bytes become a model, a recipe, and the lives of a few searches of that model,
 * run one by one or together, in which calls and rows fail, answers are left unset, memory is
 * refused and plans are cancelled. Whatever comes, the trees hold together and every state is
 * released.
 *
 *   with libFuzzer: cc -fsanitize=fuzzer,address,undefined -DLIBFUZZER fuzz_search.c
 *   without:        ./fuzz_search SECONDS [SEED]    draws the bytes at random */
#include "sparing_core.h"

#include "graph_walk.h"
#include "recommend.h"

enum { MOST_SEARCHES = 3 };

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

static void any_widening(tape *t, search_options *o) {
  const double exponents[] = {0.25, 0.5, 1.0};
  o->widening_exponent = exponents[next(t, 3)];
  if (next(t, 4) == 0) o->action_widening = 0.5 * (1 + next(t, 6));
  if (next(t, 4) == 0) o->outcome_widening = 0.5 * (1 + next(t, 6));
}

static void any_selection(tape *t, search_options *o) {
  const double temperatures[] = {0.01, 0.05, 0.5};
  o->selection = next(t, 3) ? (search_selection)next(t, SELECTION_MENTS + 1) : SELECTION_UCB1;
  o->soft_temperature = temperatures[next(t, 3)];
  o->considered = 1 + next(t, 4);
  o->gumbel_visits = next(t, 51);
  o->gumbel_value_scale = 0.1 * next(t, 4);
  if (o->selection == SELECTION_MENTS) o->backup = BACKUP_SOFT;
}

static void any_evaluation(tape *t, search_options *o) {
  o->evaluation = (search_evaluation)next(t, EVALUATION_CONSTANT + 1);
  o->value_weight = 0.25 * next(t, 5);
  o->leaf_value = -(double)next(t, 20);
  o->rollout = (search_rollout)next(t, 3);
  o->rollout_depth = next(t, 4);
}

/* What a recipe can do without, one after the other. */
static void give_up(search_options *o, int part) {
  CHECK(part < 6);
  if (part == 0) o->evaluation = EVALUATION_ROLLOUT;
  if (part == 1) o->action_widening = o->outcome_widening = 0.0;
  if (part == 2) o->scale_by_bounds = false;
  if (part == 3) o->selection = SELECTION_UCB1;
  if (part == 4) o->outcome_key = OUTCOME_STATE;
  if (part == 5) o->rollout = ROLLOUT_RANDOM;
}

static search_options any_options(tape *t, const handle_model *h) {
  search_options o = {.exploration = next(t, 3), .max_depth = 1 + next(t, 12)};
  o.backup = (search_backup)next(t, BACKUP_SOFT + 1);
  o.sharing = (search_sharing)next(t, 3);
  o.outcome_key = next(t, 2) ? (search_outcome_key)next(t, 3) : OUTCOME_STATE;
  o.in_flight = next(t, 2) ? 1 + next(t, 6) : 1;
  any_selection(t, &o);
  any_evaluation(t, &o);
  any_widening(t, &o);
  o.scale_by_bounds = next(t, 4) == 0;
  o.recommendation = (search_recommendation)next(t, RECOMMEND_LOWER_BOUND + 1);
  o.discount = next(t, 4) ? 0.0 : 0.25 * (1 + next(t, 4));
  o.prove = next(t, 2);
  o.early_stop = next(t, 4) == 0;
  if (o.outcome_key != OUTCOME_STATE) o.sharing = SHARING_NONE;
  for (int part = 0; search_refuses_options(&h->model, o); part++) give_up(&o, part);
  return o;
}

static void any_model(tape *t, handle_model *h) {
  ring_model(h, (int)next(t, RING_MODELS));
  h->ring = 1 + next(t, 40);
  if (next(t, 2)) h->model.actions = next(t, 2) ? handle_gap_actions : handle_odd_actions;
  if (h->model.actions && next(t, 4) == 0) h->model.num_actions = 0;
  if (next(t, 2)) h->model.validate = handle_validate;
  if (next(t, 2)) h->model.rollout_action = handle_rollout_action;
  if (next(t, 4) == 0) h->model.rollout = handle_rollout;
  if (next(t, 2)) handle_model_evaluates(h, MCTS_MODEL_VALUES);
  if (next(t, 2)) handle_model_evaluates(h, MCTS_MODEL_PRIORS);
  if (next(t, 3) == 0) h->model.min_return = -30.0, h->model.max_return = 1.0;
  if (next(t, 2)) handle_model_answers_in_batches(h);
}

/* What goes wrong in the next act. */
static void any_mishap(tape *t, handle_model *h) {
  memset(h->fail_at, 0, sizeof h->fail_at);
  atomic_store(&h->cancelled, 0);
  h->cancel_at = h->fail_row_at = 0;
  h->fails_on = false;
  h->omit = OMIT_NOTHING;
  h->flaw = FLAW_NONE;
  requests = refuse_at = 0;
  uint32_t later = 1 + next(t, 64);
  uint32_t question = next(t, QUESTIONS);
  switch (next(t, 11)) {
    case 0:
      h->fail_at[question] = h->calls[question] + later;
      h->fails_on = next(t, 2) && question != ENTER;
      break;
    case 9: h->flaw = (enum flaw)next(t, ZERO_PRIORS + 1); break;
    case 8: h->fail_row_at = h->rows + later; break;
    case 1: h->cancel_at = h->calls[SAMPLE] + later; break;
    case 2: refuse_at = later; break;
    case 3: h->omit = (enum omission)next(t, OMIT_ALL + 1); break;
    default: break;
  }
}

static void any_noise(tape *t, search *s) {
  double noise[3];
  for (int i = 0; i < 3; i++) noise[i] = (double)next(t, 256) / 64.0;
  if (next(t, 2)) search_add_noise(s, noise, 0.25 * next(t, 5));
}

static bool begins(tape *t, search *s, handle_model *h) {
  int32_t allowed[] = {0, 2};
  void *states[MOST_PARTICLES];
  uint32_t count = s->carried ? 1 + next(t, MOST_PARTICLES) : 1;
  for (uint32_t i = 0; i < count; i++) handle_write(h, &states[i], next(t, (uint32_t)h->ring));
  search_root root = {.state = states, .num_states = count, .seed = next(t, 256),
                      .horizon = next(t, 10), .planned = next(t, 60),
                      .max_bytes = next(t, 4) ? 1 << 18 : 64 * (1 + next(t, 256))};
  if (next(t, 8) == 0) root.allowed = allowed, root.num_allowed = 2;
  int status = search_begin(s, &root);
  CHECK(!h->inside && (status == MCTS_OK) == (s->tree.root != 0));
  h->inside = 1;
  for (uint32_t i = 0; i < count; i++) handle_release(h, &states[i]);
  h->inside = 0;
  if (status == MCTS_OK) any_noise(t, s);
  return status == MCTS_OK;
}

/* Along the edge and to the outcome that the tape says, to a state that may not be there, or to
 * wherever it is found. */
static void moves(tape *t, search *s, handle_model *h) {
  node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  uint32_t edge = next(t, e.count), outcomes = next(t, 4);
  int64_t position = next(t, 50);
  ref r = e.child[edge];
  while (r && outcomes-- > 0 && !s->deterministic && !s->carried) {
    position = handle_at(node_state(&s->tree, node_at(&s->tree, outcome_at(&s->tree, r)->node)))
                   ->position;
    r = outcome_at(&s->tree, r)->sibling;
  }
  int32_t action = edge_action(&s->tree, &e, edge);
  void *state;
  handle_write(h, &state, position);
  uint32_t least = next(t, 3), most = next(t, 6), steps;
  int status = next(t, 2) ? search_advance(s, action, &state)
                          : search_advance_to(s, &state, least, most, &steps);
  CHECK(!h->inside);
  h->inside = 1;
  handle_release(h, &state);
  h->inside = 0;
  if (status != MCTS_OK) return;
  search_resume(s, &(search_root){.seed = 2, .horizon = next(t, 10), .planned = next(t, 60)});
  any_noise(t, s);
}

/* All that have a root, together; once or in slices. */
static void run_together(tape *t, search **searches, uint32_t count, handle_model *h) {
  search *members[MOST_SEARCHES];
  batch_end ends[MOST_SEARCHES] = {{0}};
  uint32_t running = 0;
  uint64_t most = 0;
  for (uint32_t k = 0; k < count; k++) {
    search *s = searches[k];
    if (!s->tree.root) continue;
    s->fault.function = NULL;
    if (s->simulations > most) most = s->simulations;
    members[running++] = s;
  }
  batch *b = batch_new(members, running);
  if (!b) return;
  search_limits limits = {most + next(t, 100), INT64_MAX, INT64_MAX, &h->cancelled};
  for (uint32_t slices = next(t, 4); slices > 0; slices--) {
    limits.slice_deadline = search_now();
    batch_run(b, &limits, ends);
    CHECK(!h->inside);
  }
  bool leaves_off = next(t, 4) == 0; /* with simulations in flight */
  limits.slice_deadline = leaves_off ? search_now() : INT64_MAX;
  batch_run(b, &limits, ends);
  CHECK(!h->inside);
  for (uint32_t k = 0; k < running; k++) {
    CHECK(ends[k].status == MCTS_OK || ends[k].status == FAILED);
    CHECK((ends[k].status == FAILED) == (members[k]->fault.function != NULL));
    CHECK(ends[k].status == FAILED || ends[k].reason != STOP_NONE);
    CHECK(leaves_off || ends[k].reason != STOP_SLICE);
    CHECK(ends[k].reason == STOP_SLICE || members[k]->started == members[k]->simulations);
  }
  batch_free(b);
}

static void runs(tape *t, search *s, handle_model *h) {
  stop_reason reason = STOP_NONE;
  uint64_t simulations = s->simulations + next(t, 100);
  s->fault.function = NULL;
  int status = run_to(s, h, simulations, &reason);
  CHECK(status == MCTS_OK || status == FAILED);
  CHECK((status == FAILED) == (s->fault.function != NULL));
}

/* What is told of the root. */
static void check_told(const search *s) {
  const node *root = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, root);
  bool known = false;
  for (uint32_t i = 0; i < e.count; i++) {
    edge_statistics told = statistics_of(s, &e, i);
    known |= statistics_is_known(s, &e, i);
    CHECK(!isinf(told.value) && !isinf(told.standard_error));
    CHECK(isnan(told.prior) ? !(root->flags & NODE_OPEN) || !(s->tree.layout & BLOCK_PRIORS)
                            : told.prior >= 0.0 && told.prior <= 1.0);
    CHECK(!told.proven || (told.lower == told.value && told.upper == told.value));
  }
  uint32_t best = recommend(s, root);
  CHECK(best <= e.count && (!known || best < e.count));
}

/* The values of a model that says what it likes are no matter here: see test_graph_limits.c. */
static void holds(search *s) {
  tree *t = &s->tree;
  check_sound(s);
  walk w = walk_from(s, t->root);
  CHECK(w.met <= t->nodes && tree_bytes(t) <= t->blocks.limit);
  for (size_t k = 0; k < w.met; k++) {
    node *n = node_at(t, w.nodes[k]);
    if (!node_is_expanded(n)) continue;
    edges e = edges_seen(t, &s->view, n);
    for (uint32_t i = 0; i < e.count; i++) {
      CHECK(isfinite(e.value[i]));
      check_links(s, &e, i);
    }
  }
  walk_end(&w);
  check_told(s);
}

/* The first of several searches, and others beside it, as far as there is memory. */
static uint32_t any_searches(tape *t, handle_model *h, search **searches) {
  search_options options = any_options(t, h);
  uint32_t wanted = 1 + next(t, MOST_SEARCHES), count = 0;
  any_mishap(t, h);
  while (count < wanted) {
    search *s = count ? search_new_beside(searches[0]) : search_new(&h->model, options, next(t, 100));
    if (!s) break;
    searches[count++] = s;
  }
  return count;
}

static void life(const uint8_t *bytes, size_t size) {
  tape t = {bytes, size};
  handle_model h;
  search *searches[MOST_SEARCHES];
  any_model(&t, &h);
  uint32_t count = any_searches(&t, &h, searches);
  while (count > 0 && t.left > 0) {
    any_mishap(&t, &h);
    search *s = searches[next(&t, count)];
    uint32_t act = s->tree.root ? next(&t, 6) : 0;
    if (act == 0) begins(&t, s, &h);
    else if (act == 1) moves(&t, s, &h);
    else if (act > 3 || s->options.in_flight > 1) run_together(&t, searches, count, &h);
    else runs(&t, s, &h);
    for (uint32_t k = 0; k < count; k++)
      if (searches[k]->tree.root) holds(searches[k]);
    if (s->tree.root && next(&t, 4) == 0) {
      search_settle(s);
      holds(s);
    }
  }
  h.fails_on = false;
  h.fail_at[ENTER] = 0;
  while (count > 0) search_free(searches[--count]);
  CHECK(h.handles_alive == 0 && !h.inside);
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  logarithm_fill_tables();
  life(bytes, size);
  return 0;
}
#else
int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 10.0;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, lives = 0;
  int64_t end = search_now() + (int64_t)(seconds * 1e9);
  uint8_t bytes[300];
  logarithm_fill_tables();
  for (; search_now() < end; lives++, seed++) {
    uint64_t counter = seed;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)mcts_splitmix64(&counter);
    /* Written ahead: it is the last line where a sanitizer ends the program. */
    if (getenv("FUZZ_VERBOSE")) fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    life(bytes, 40 + counter % 260);
  }
  printf("%llu lives, seeds up to %llu: nothing found\n", (unsigned long long)lives,
         (unsigned long long)seed);
  return 0;
}
#endif
