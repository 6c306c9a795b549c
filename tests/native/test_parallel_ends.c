/* Several threads on one tree that end before their time, or go on after it: whatever stops them, the
 * tree is sound, no state is lost, and more simulations may follow. */
#include "connect_four.h"
#include "parallel.h"
#include "reroot.h"
#include "tic_tac_toe.h"
#include "whole_tree.h"

#ifdef __SANITIZE_THREAD__
enum { SIMULATIONS = 3000, TIMES = 4, KINDS_STEP = 5 };
#else
enum { SIMULATIONS = 10000, TIMES = 8, KINDS_STEP = 1 };
#endif

enum { THREADS = 3 };

static const search_options TOGETHER = {.exploration = 1.0, .max_depth = 20, .threads = THREADS};
static const search_options TOGETHER_PUCT = {.selection = SELECTION_PUCT,
                                             .exploration = 1.0,
                                             .max_depth = 20,
                                             .evaluation = EVALUATION_VALUE,
                                             .threads = THREADS};

/* ---- going on --------------------------------------------------------------------------------- */

static void a_search_goes_on(unsigned kind) {
  shared_model m;
  shared_model_begin(&m, kind, 4, 8, PAYS_COIN);
  search *s = search_of(&m, TOGETHER, 2);
  const uint64_t until[] = {100, 3000, 3001, 3001, 3100, 8000};
  for (int i = 0; i < 6; i++) {
    CHECK(run_on(s, &m, until[i]) == STOP_SIMULATIONS && s->simulations == until[i]);
    check_whole(s, &m);
  }
  end_search(s, &m);
}

/* A slice is a pause, however short it is. */
static void slices_come_to_the_end(void) {
  shared_model m;
  shared_model_begin(&m, KIND_OWNS | KIND_TWO, 4, 8, PAYS_COIN);
  search *s = search_of(&m, TOGETHER, 2);
  stop_reason reason = STOP_NONE;
  CHECK(run_on(s, &m, 2100) == STOP_SIMULATIONS);
  search_limits now = {SIMULATIONS, INT64_MAX, search_now(), &m.cancelled};
  CHECK(search_run(s, &now, &reason) == MCTS_OK);
  CHECK(reason == STOP_SLICE && s->simulations == 2100);
  while (reason == STOP_SLICE) {
    search_limits soon = {SIMULATIONS, INT64_MAX, search_now() + 300000, &m.cancelled};
    CHECK(search_run(s, &soon, &reason) == MCTS_OK);
    check_whole(s, &m);
  }
  CHECK(reason == STOP_SIMULATIONS && s->simulations == SIMULATIONS);
  end_search(s, &m);
}

static void one_search_plans_again_and_again(void) {
  shared_model m;
  shared_model_begin(&m, KIND_OWNS | KIND_CHANCE, 4, 8, PAYS_COIN);
  search *s = search_of(&m, TOGETHER, 1);
  for (uint64_t seed = 0; seed < TIMES; seed++) {
    begin_from(s, &m, START, seed, seed % 2 ? 1 << 26 : 1 << 25, 0);
    CHECK(run_on(s, &m, 4000) == STOP_SIMULATIONS && s->simulations == 4000);
    check_whole(s, &m);
  }
  CHECK(search_clear(s) == MCTS_OK && atomic_load(&m.alive) == 0);
  search_free(s);
}

/* ---- the time is up ------------------------------------------------------------------------------ */

static void the_deadline_ends_it(void) {
  shared_model m;
  shared_model_begin(&m, KIND_OWNS, 4, 8, PAYS_COIN);
  search *s = search_of(&m, TOGETHER, 2);
  stop_reason reason = STOP_NONE;
  CHECK(run_on(s, &m, 2100) == STOP_SIMULATIONS);
  search_limits passed = {SIMULATIONS, search_now(), INT64_MAX, NULL};
  CHECK(search_run(s, &passed, &reason) == MCTS_OK);
  CHECK(reason == STOP_TIME_LIMIT && s->simulations == 2100);
  check_whole(s, &m);
  for (int i = 1; i <= TIMES; i++) {
    search_limits soon = {UINT32_MAX, search_now() + i * 1000000, INT64_MAX, NULL};
    CHECK(search_run(s, &soon, &reason) == MCTS_OK);
    CHECK(reason == STOP_TIME_LIMIT);
    check_whole(s, &m);
  }
  end_search(s, &m);
}

static void cancelling_within_a_sample_ends_it(unsigned kind, long long at) {
  shared_model m;
  shared_model_begin(&m, kind, 4, 8, PAYS_COIN);
  search *s = search_of(&m, TOGETHER, 2);
  run_on(s, &m, 2100);
  m.cancel_at = at + atomic_load(&m.samples);
  CHECK(run_on(s, &m, UINT32_MAX) == STOP_CANCELLED);
  /* Each thread ends its simulation, and one may be handing out. */
  CHECK(atomic_load(&m.samples) - m.cancel_at < 2000);
  check_whole(s, &m);
  uint64_t simulations = s->simulations;
  CHECK(run_on(s, &m, UINT32_MAX) == STOP_CANCELLED && s->simulations == simulations);
  atomic_store(&m.cancelled, 0);
  CHECK(run_on(s, &m, simulations + 1000) == STOP_SIMULATIONS);
  CHECK(s->simulations == simulations + 1000);
  check_whole(s, &m);
  end_search(s, &m);
}

/* ---- bytes ----------------------------------------------------------------------------------------- */

static void the_byte_limit_ends_it(unsigned kind, uint64_t max_bytes, size_t bytes_per_state) {
  shared_model m;
  shared_model_begin(&m, kind, 4, 30, PAYS_COIN);
  m.ends_early = 0;
  search_options options = {.exploration = 1.0, .max_depth = 40, .threads = THREADS};
  search *s = search_new(&m.model, options, bytes_per_state);
  begin_from(s, &m, START, 1, max_bytes, 0);
  CHECK(run_on(s, &m, UINT32_MAX) == STOP_MAX_BYTES && s->simulations > 0);
  check_whole(s, &m);
  CHECK(tree_bytes(&s->tree) <= max_bytes);
  CHECK(tree_bytes(&s->tree) > max_bytes / 10 * 9);
  CHECK(run_on(s, &m, UINT32_MAX) == STOP_MAX_BYTES); /* it is none the worse for that */
  check_whole(s, &m);
  begin_from(s, &m, START, 1, 1 << 29, 0);
  CHECK(run_on(s, &m, 3000) == STOP_SIMULATIONS);
  check_whole(s, &m);
  end_search(s, &m);
}

/* ---- the model fails ---------------------------------------------------------------------------- */

static void a_fault_leaves_the_tree_sound(unsigned kind, search_options options, long long at,
                                          bool on) {
  shared_model m;
  bool weighs = options.selection == SELECTION_PUCT;
  shared_model_begin(&m, kind | (weighs ? KIND_EVALUATES : 0), 4, 8, PAYS_COIN);
  search *s = search_of(&m, options, 2);
  stop_reason reason = STOP_NONE;
  search_limits limits = {SIMULATIONS, INT64_MAX, INT64_MAX, &m.cancelled};
  run_on(s, &m, 2100);
  m.fail_at = at + atomic_load(&m.samples);
  m.fails_on = on;
  CHECK(search_run(s, &limits, &reason) == FAILED);
  CHECK(strcmp(s->fault.function, "sample") == 0 && s->fault.status == MCTS_ERROR);
  CHECK(strcmp(s->fault.text, "told to fail") == 0);
  check_whole(s, &m);
  CHECK(s->simulations < SIMULATIONS);
  m.fail_at = 0;
  CHECK(run_on(s, &m, SIMULATIONS) == STOP_SIMULATIONS && s->simulations == SIMULATIONS);
  check_whole(s, &m);
  end_search(s, &m);
}

/* ---- there is nothing left to decide -------------------------------------------------------------- */

static void a_decided_search_ends(void) {
  shared_model m;
  shared_model_begin(&m, KIND_TWO | KIND_OWNS, 4, 8, PAYS_COIN);
  m.has_luck = true;
  search_options options = {
      .exploration = 0.1, .max_depth = 20, .threads = THREADS, .early_stop = true};
  search *s = search_new(&m.model, options, 0);
  begin_from(s, &m, START, 1, 1 << 26, SIMULATIONS);
  CHECK(run_on(s, &m, SIMULATIONS) == STOP_DECIDED && s->simulations < SIMULATIONS);
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  for (uint32_t i = 1; i < e.count; i++)
    CHECK(e.visits[i] + SIMULATIONS - s->simulations < e.visits[0]);
  check_whole(s, &m);
  end_search(s, &m);
}

/* ---- the tree moves on ------------------------------------------------------------------------------ */

/* The edge with most visits, and the state that it leads to most. */
static int32_t best_step(const search *s, void *to) {
  const tree *t = &s->tree;
  edges e = edges_at(t, node_at(t, t->root));
  uint32_t best = 0;
  for (uint32_t i = 1; i < e.count; i++)
    if (e.visits[i] > e.visits[best]) best = i;
  ref child = 0;
  uint32_t visits = 0;
  if (s->deterministic) child = child_node(t, e.child[best]);
  for (ref r = s->deterministic ? 0 : e.child[best]; r; r = outcome_at(t, r)->sibling)
    if (outcome_at(t, r)->visits > visits) {
      visits = outcome_at(t, r)->visits;
      child = outcome_at(t, r)->node;
    }
  memcpy(to, node_state(t, node_at(t, child)), s->model->state_bytes);
  return edge_action(t, &e, best);
}

static void played_on(search *s, shared_model *m, int moves) {
  unsigned char next[16];
  for (int i = 0; i < moves; i++) {
    stop_reason reason = run_on(s, m, SIMULATIONS);
    CHECK(reason == STOP_SIMULATIONS || reason == STOP_SOLVED);
    check_whole(s, m);
    int32_t action = best_step(s, next);
    int status = search_advance(s, action, next);
    if (status == NOT_IN_TREE) return;
    CHECK(status == MCTS_OK);
    search_resume(s, &(search_root){.seed = (uint64_t)i});
    check_whole(s, m);
    if (m && m->model.release) CHECK(atomic_load(&m->alive) == (long long)s->tree.nodes);
  }
}

static void the_tree_moves_on(unsigned kind) {
  shared_model m;
  shared_model_begin(&m, kind, 3, 12, PAYS_COIN);
  m.ends_early = 0;
  search *s = search_of(&m, TOGETHER, 2);
  played_on(s, &m, 5);
  end_search(s, &m);
}

static void games_are_played_to_the_end(const mcts_model *model, bool prove) {
  search_options options = {.exploration = 1.0, .max_depth = 50, .threads = THREADS, .prove = prove};
  static const unsigned char empty[32];
  search_root root = {.state = empty, .seed = 1, .max_bytes = 1 << 26};
  search *s = search_new(model, options, 0);
  CHECK(s && search_begin(s, &root) == MCTS_OK);
  played_on(s, NULL, 9);
  search_free(s);
}

int main(void) {
  logarithm_fill_tables();
  for (unsigned kind = 0; kind < 8; kind += KINDS_STEP) {
    a_search_goes_on(kind);
    the_tree_moves_on(kind);
    for (long long at = 1, i = 0; i < TIMES / 4; at = at * 7 + 1, i++) {
      cancelling_within_a_sample_ends_it(kind, at);
      a_fault_leaves_the_tree_sound(kind, TOGETHER, at, i % 2);
      a_fault_leaves_the_tree_sound(kind, TOGETHER_PUCT, at / 2 + 1, i % 2);
    }
  }
  slices_come_to_the_end();
  one_search_plans_again_and_again();
  the_deadline_ends_it();
  a_decided_search_ends();
  for (int prove = 0; prove <= 1; prove++) {
    games_are_played_to_the_end(&mcts_tic_tac_toe_model, prove);
    games_are_played_to_the_end(&mcts_connect_four_model, prove);
  }
  for (unsigned kind = 0; kind < 8; kind += 3) the_byte_limit_ends_it(kind, 1 << 20, 0);
  the_byte_limit_ends_it(0, 1 << 23, 1000);
  the_byte_limit_ends_it(0, 1 << 26, 20000);
  return 0;
}
