/* Several threads on one tree: with any model and selection that they go with, the tree that they
 * leave is one that a single thread might have left. */
#include "whole_tree.h"

#ifdef __SANITIZE_THREAD__
enum { SIMULATIONS = 3000, SEEDS = 1, STEP = 3 }; /* ten times as slow */
#else
enum { SIMULATIONS = 9000, SEEDS = 2, STEP = 1 };
#endif

static const search_options UCB1 = {.exploration = 1.0, .max_depth = 20};

/* What does not look at values and priors, and what does. */
static search_options option_of(int which) {
  const search_options all[] = {
      {.exploration = 1.0},
      {.exploration = 1.0, .selection = SELECTION_UCB1_TUNED},
      {.exploration = 1.0, .selection = SELECTION_THOMPSON},
      {.exploration = 1.0, .action_widening = 1.0, .widening_exponent = 0.4},
      {.exploration = 1.0, .selection = SELECTION_PUCT},
      {.exploration = 1.0, .selection = SELECTION_PUCT, .evaluation = EVALUATION_VALUE},
      {.exploration = 1.0, .evaluation = EVALUATION_VALUE, .rollout_depth = 2},
      {.exploration = 1.0, .selection = SELECTION_PUCT, .action_widening = 1.0,
       .widening_exponent = 0.5},
  };
  search_options options = all[which];
  options.max_depth = 20;
  return options;
}

enum { OPTIONS = 8, PLAIN_OPTIONS = 4, KINDS = 8 };

/* ---- every setting --------------------------------------------------------------------------- */

static void leaves_a_sound_tree(unsigned kind, int which, enum pay pay, uint32_t threads,
                                uint64_t seed) {
  shared_model m;
  bool evaluates = which >= PLAIN_OPTIONS;
  shared_model_begin(&m, kind | (evaluates ? KIND_EVALUATES : 0), 4, 7 + kind % 3, pay);
  search_options options = option_of(which);
  options.threads = threads;
  search *s = search_of(&m, options, seed);
  if (options.selection == SELECTION_PUCT && seed % 2)
    search_add_noise(s, (double[]){0.1, 0.2, 0.3, 0.4}, 0.25);
  CHECK(run_on(s, &m, SIMULATIONS) == STOP_SIMULATIONS);
  CHECK(s->simulations == SIMULATIONS && s->model_steps == (uint64_t)atomic_load(&m.samples));
  CHECK(s->parallel);
  check_whole(s, &m);
  end_search(s, &m);
}

static void every_setting_leaves_a_sound_tree(void) {
  const enum pay pays[] = {PAYS_COIN, PAYS_DIFFERENCE, PAYS_NOISE};
  const uint32_t threads[] = {2, 3, 8};
  int number = 0;
  for (unsigned kind = 0; kind < KINDS; kind++)
    for (int which = (int)kind % STEP; which < OPTIONS; which += STEP)
      for (uint64_t seed = 0; seed < SEEDS; seed++, number++)
        leaves_a_sound_tree(kind, which, pays[(number + number / 8) % 3], threads[number % 3],
                            seed);
}

/* ---- trees of uncommon shape --------------------------------------------------------------------- */

static void has_shape(unsigned kind, uint32_t actions, uint32_t length, uint32_t ends_early,
                      search_options options, uint64_t simulations) {
  shared_model m;
  shared_model_begin(&m, KIND_TWO | kind, actions, length, PAYS_COIN);
  m.ends_early = ends_early;
  options.threads = 3;
  search *s = search_of(&m, options, 1);
  CHECK(run_on(s, &m, simulations) == STOP_SIMULATIONS && s->simulations == simulations);
  check_whole(s, &m);
  CHECK(s->tree.deepest >= (length < 3 ? length : 3) && s->tree.deepest <= options.max_depth);
  end_search(s, &m);
}

static void shapes_of_all_kinds_are_sound(void) {
  search_options deep = {.exploration = 1.0, .max_depth = 700};
  search_options shallow = {.exploration = 1.0, .max_depth = 3};
  has_shape(0, 40, 9, 0, UCB1, SIMULATIONS);  /* wide */
  has_shape(0, 1, 600, 0, deep, 3000);        /* one chain, deeper than is handed out step by step */
  has_shape(0, 2, 600, 0, deep, 3000);
  has_shape(KIND_EVALUATES, 3, 9, 0, shallow, SIMULATIONS); /* leaves at the bound, visited again and again */
  has_shape(0, 2, 2, 0, UCB1, SIMULATIONS);    /* no more than four ends */
  has_shape(0, 1, 1, 0, UCB1, SIMULATIONS);
  has_shape(0, 5, 9, 2, UCB1, SIMULATIONS);    /* half of all places are ends */
}

/* ---- like one thread -------------------------------------------------------------------------------- */

static uint64_t digest_of(shared_model *m, uint32_t threads, uint64_t simulations) {
  search_options options = UCB1;
  options.threads = threads;
  search *s = search_of(m, options, 3);
  CHECK(run_on(s, m, simulations) == STOP_SIMULATIONS && s->simulations == simulations);
  uint64_t digest = check_whole(s, m);
  end_search(s, m);
  return digest;
}

static void small_trees_are_those_of_one_thread(void) {
  for (unsigned kind = 0; kind < KINDS; kind++) {
    shared_model m;
    shared_model_begin(&m, kind, 4, 8, PAYS_COIN);
    for (uint64_t simulations = 1; simulations <= 2048; simulations *= 2)
      CHECK(digest_of(&m, 4, simulations) == digest_of(&m, 1, simulations));
  }
}

/* What is much better is found by all. */
static void a_win_has_most_of_the_visits(void) {
  shared_model m;
  shared_model_begin(&m, KIND_TWO, 5, 8, PAYS_COIN);
  m.has_luck = true;
  search_options options = {.exploration = 0.2, .max_depth = 20, .threads = 4};
  search *s = search_of(&m, options, 1);
  run_on(s, &m, SIMULATIONS);
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  CHECK(e.value[0] == 1.0 && e.visits[0] > SIMULATIONS / 2);
  end_search(s, &m);
}

/* ---- many at once --------------------------------------------------------------------------------- */

enum { CALLERS = 4 };

typedef struct {
  pthread_t thread;
  shared_model *m;
  uint64_t seed;
} caller;

static void *search_alone(void *of) {
  const caller *c = of;
  search_options options = UCB1;
  options.threads = 3;
  search *s = search_of(c->m, options, c->seed);
  CHECK(run_on(s, c->m, SIMULATIONS) == STOP_SIMULATIONS);
  check_whole(s, c->m);
  search_free(s);
  return NULL;
}

static void searches_of_one_model_run_at_once(void) {
  shared_model m;
  shared_model_begin(&m, KIND_OWNS | KIND_CHANCE, 3, 8, PAYS_COIN);
  caller callers[CALLERS];
  for (uint64_t i = 0; i < CALLERS; i++) {
    callers[i] = (caller){.m = &m, .seed = i};
    CHECK(pthread_create(&callers[i].thread, NULL, search_alone, &callers[i]) == 0);
  }
  for (int i = 0; i < CALLERS; i++) pthread_join(callers[i].thread, NULL);
  CHECK(atomic_load(&m.alive) == 0);
}

int main(void) {
  logarithm_fill_tables();
  small_trees_are_those_of_one_thread();
  every_setting_leaves_a_sound_tree();
  shapes_of_all_kinds_are_sound();
  a_win_has_most_of_the_visits();
  searches_of_one_model_run_at_once();
  return 0;
}
