/* The loop that is compiled for any CPU and the one for AVX2: the same memory, bit for bit. */
#include "batch_group.h"
#include "fan_model.h"
#include "loops.h"

enum { LONG = 150, MANY = 40, ROOM = 1 << 22 };

/* ---- a walk of few actions, in every recipe -------------------------------------------------- */

typedef search_loop loops(unsigned recipe);

static walk tree_by(const handle_model *pattern, search_options options, loops *loop) {
  static handle_model h;
  h = *pattern;
  h.model.ctx = &h;
  search *s = search_new(&h.model, options, 0);
  CHECK(s && begin_at_zero(s, &h, ROOM) == MCTS_OK);
  s->loop = loop(s->recipe);
  batch *b = batch_new(&s, 1);
  batch_end end = {0};
  stop_reason reason;
  search_limits limits = {LONG, INT64_MAX, INT64_MAX, NULL};
  CHECK(b);
  if (options.in_flight > 1) batch_run(b, &limits, &end);
  else CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  CHECK(end.status == MCTS_OK);
  if (h.ring) check_graph(s);
  walk w = walk_from(s, s->tree.root);
  batch_free(b);
  search_free(s);
  return w;
}

static void walks_are_the_same(const handle_model *pattern, search_options options) {
  walk one = tree_by(pattern, options, loop_portable), other = tree_by(pattern, options, loop_avx2);
  check_same(&one, &other);
  walk_end(&one);
  walk_end(&other);
}

/* ---- many actions, and numbers of all kinds -------------------------------------------------- */

static search *begin_fan(fan_model *m, search_options options, loops *loop) {
  search *s = search_new(&m->model, options, 0);
  uint64_t state[2] = {1, 2};
  double noise[MANY];
  search_root root = {.state = state, .num_states = s->carried ? 2 : 1, .seed = 5,
                      .max_bytes = ROOM, .planned = LONG};
  CHECK(s && search_begin(s, &root) == MCTS_OK);
  s->loop = loop(s->recipe);
  for (uint64_t i = 0; i < MANY; i++) noise[i] = fan_number(STYLE_UNIFORM, i + 77);
  if (options_weigh_priors(options) && m->style % 2 == 0) search_add_noise(s, noise, 0.25);
  return s;
}

static void run_fan(search *s, uint64_t simulations) {
  batch *b = batch_new(&s, 1);
  batch_end end = {0};
  stop_reason reason;
  search_limits limits = {simulations, INT64_MAX, INT64_MAX, NULL};
  CHECK(b);
  if (s->options.in_flight > 1) batch_run(b, &limits, &end);
  else CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  CHECK(end.status == MCTS_OK);
  batch_free(b);
}

/* Counts near the largest, that saturate or are about to. */
static void spoil_counts(search *s) {
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  for (uint32_t i = 0; i < e.count; i++)
    e.visits[i] = i % 3 == 0 ? UINT32_MAX - i / 3 : i % 3 == 1 ? (1u << 31) + i : 1 + i;
  e.head->visits = UINT32_MAX - 9;
}

static void fans_are_the_same(fan_model *m, search_options options) {
  if (search_refuses_options(&m->model, options)) return;
  search *one = begin_fan(m, options, loop_portable), *other = begin_fan(m, options, loop_avx2);
  uint64_t first = 2 * m->model.num_actions + 30;
  run_fan(one, first);
  run_fan(other, first);
  check_same_memory(one, other);
  if (options.in_flight == 1) { /* in flight counts would go beyond the largest */
    spoil_counts(one);
    spoil_counts(other);
    run_fan(one, first + 30);
    run_fan(other, first + 30);
    check_same_memory(one, other);
  }
  search_free(other);
  search_free(one);
}

static void every_fan_is_the_same(void) {
  static fan_model m;
  for (uint32_t actions = 1; actions <= MANY; actions++)
    for (int recipe = 0; recipe < RECIPES; recipe++) {
      enum style style = (enum style)((actions + (uint32_t)recipe) % STYLES);
      uint32_t players = 1 + (actions + (uint32_t)recipe / 2) % 2;
      search_options options = graph_recipe(recipe);
      if (options.outcome_key != OUTCOME_STATE) players = 1; /* no history says who is to move */
      options.in_flight = (actions + (uint32_t)recipe) % 4 == 0 ? 3 : 1;
      fan_model_begin(&m, actions, 1, style, actions % 2);
      fans_are_the_same(&m, options);
      fan_model_begin(&m, actions, players, (style + 1) % STYLES, true);
      options.in_flight = 1;
      fans_are_the_same(&m, options);
    }
}

/* UCB1, PUCT and Gumbel are what is written anew: all actions, styles and players. */
static void common_fans_are_the_same(void) {
  static fan_model m;
  search_options common[] = {BY_ROLLOUT, BY_VALUE, PUCT_BY_VALUE, GUMBEL, BY_STATE};
  for (uint32_t actions = 1; actions <= MANY; actions++)
    for (int style = 0; style < STYLES; style++)
      for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        common[i].in_flight = 1;
        common[i].prove = common[i].selection == SELECTION_UCB1 && style % 2;
        fan_model_begin(&m, actions, i < 4 ? 1 + actions % 2 : 1, (enum style)style, true);
        if (common[i].prove) m.model.min_return = -3.0, m.model.max_return = 3.0;
        fans_are_the_same(&m, common[i]);
      }
}

int main(void) {
  logarithm_fill_tables();
  for_every_group(walks_are_the_same);
  every_fan_is_the_same();
  common_fans_are_the_same();
  return 0;
}
