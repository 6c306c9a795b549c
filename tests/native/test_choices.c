/* Small pieces of selection: whose turn it is, how wide to look, edges that change places, and by
 * how much the first edge leads. */
#include "planning_root.h"
#include "recommend.h"
#include "select_priors.h"
#include "stop.h"
#include "widen.h"

/* ---- sequential halving ------------------------------------------------------------------- */

/* Visits that the edge has whose turn it is at each of `planned` simulations, by the loop that
 * Danihelka et al. (2022) publish. */
static void list_due_visits(int considered, int planned, uint64_t *due) {
  int halvings = 0, left = considered, count = 0;
  uint64_t visits[64] = {0};
  while ((1 << halvings) < considered) halvings += 1;
  while (count < planned) {
    int each = considered > 1 ? planned / (halvings * left) : planned;
    for (int k = 0; k < (each > 1 ? each : 1); k++)
      for (int i = 0; i < left; i++) {
        if (count < planned) due[count++] = visits[i];
        visits[i] += 1;
      }
    if (considered > 1) left = left / 2 > 2 ? left / 2 : 2;
  }
}

static void due_visits_are_those_of_the_published_loop(void) {
  enum { CONSIDERED = 40, PLANNED_MOST = 400 };
  uint64_t due[PLANNED_MOST];
  for (int considered = 1; considered <= CONSIDERED; considered++)
    for (int planned = 1; planned <= PLANNED_MOST; planned += considered < 20 ? 1 : 7) {
      list_due_visits(considered, planned, due);
      for (int done = 0; done < planned; done++)
        CHECK(select_due_visits((uint64_t)considered, (uint64_t)planned, (uint64_t)done) == due[done]);
    }
}

/* At once, and in turn between the last two. */
static void due_visits_go_on_beyond_the_plan(void) {
  uint64_t before = select_due_visits(16, 100, UINT64_C(1) << 60);
  CHECK(select_due_visits(16, 100, (UINT64_C(1) << 60) + 1) == before);
  CHECK(select_due_visits(16, 100, (UINT64_C(1) << 60) + 2) == before + 1);
  CHECK(select_due_visits(1, 100, 12345) == 12345 && select_due_visits(0, 100, 3) == 3);
}

/* ---- widening --------------------------------------------------------------------------------- */

static void width_grows_with_visits_from_one(void) {
  const double factors[] = {1e-9, 0.3, 1.0, 2.5, 1e12}, exponents[] = {1e-6, 0.25, 0.5, 1.0};
  for (int f = 0; f < 5; f++)
    for (int x = 0; x < 4; x++) {
      search s = {.options = {.widening_exponent = exponents[x]}};
      uint32_t before = widen_to(&s, factors[f], 0);
      CHECK(before >= 1 && before == widen_to(&s, factors[f], 1));
      for (uint64_t visits = 1; visits < UINT32_MAX; visits += 1 + visits / 64) {
        uint32_t width = widen_to(&s, factors[f], (uint32_t)visits);
        double expected = ceil(factors[f] * pow((double)visits, exponents[x]));
        CHECK(width >= before);
        CHECK(fabs(width - fmin(fmax(expected, 1.0), UINT32_MAX)) <= 1.0);
        before = width;
      }
    }
  search s = {.options = {.widening_exponent = 0.5}};
  CHECK(widen_to(&s, 1.0, 2) == 2 && widen_to(&s, 1.0, 5) == 3 && widen_to(&s, 2.0, 10) == 7);
}

/* ---- edges that change places -------------------------------------------------------------------- */

/* Every number of an edge, told apart by the action. */
static void number_edge(const tree *t, const edges *e, uint32_t i, int32_t action) {
  edge_set_action(t, e, i, action);
  e->value[i] = action + 0.25;
  e->child[i] = (ref)action + 100;
  if (t->layout & BLOCK_PRIORS) e->prior[i] = action + 0.5;
  if (!(t->layout & BLOCK_SUMS)) return;
  e->sum[i] = action + 0.75;
  e->width[i] = (uint32_t)action + 200;
  e->turn[i] = (ref)action + 300;
}

static void check_numbers(const tree *t, const edges *e, uint32_t i) {
  int32_t action = edge_action(t, e, i);
  CHECK(e->value[i] == action + 0.25 && e->child[i] == (ref)action + 100);
  CHECK(!(t->layout & BLOCK_PRIORS) || e->prior[i] == action + 0.5);
  CHECK(e->visits[i] == 0 && (!(t->layout & BLOCK_FLIGHTS) || e->flights[i] == 0));
  if (!(t->layout & BLOCK_SUMS)) return;
  CHECK(e->sum[i] == action + 0.75);
  CHECK(e->width[i] == (uint32_t)action + 200 && e->turn[i] == (ref)action + 300);
}

static void swapped_edges_keep_all_that_is_theirs(void) {
  enum { COUNT = 5 };
  int32_t actions[COUNT] = {0, 1, 2, 3, 4};
  for (unsigned layout = 0; layout < 32; layout++) {
    tree t = {.layout = layout, .players = 2, .action_bytes = 1 + layout % 2};
    CHECK(arena_open(&t.blocks, 1 << 16) == 0);
    ref r = node_new(&t, NULL, NULL, NULL, 0, 0, false);
    CHECK(r && node_expand(&t, r, 0, actions, COUNT));
    edges e = edges_at(&t, node_at(&t, r));
    if (layout & BLOCK_PRIORS) *e.own = -7.0;
    for (uint32_t i = 0; i < COUNT; i++) number_edge(&t, &e, i, (int32_t)i);
    const int32_t expected[COUNT] = {4, 1, 0, 3, 2};
    edges_swap(&t, &e, 0, 4);
    edges_swap(&t, &e, 2, 4);
    edges_swap(&t, &e, 3, 3);
    for (uint32_t i = 0; i < COUNT; i++) {
      CHECK(edge_action(&t, &e, i) == expected[i]);
      check_numbers(&t, &e, i);
    }
    CHECK(!(layout & BLOCK_PRIORS) || *e.own == -7.0);
    arena_close(&t.blocks);
  }
}

/* ---- the lead --------------------------------------------------------------------------------- */

static uint64_t lead_of(search *s, uint32_t first, uint32_t second, uint32_t third) {
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  e.visits[0] = first;
  e.visits[1] = second;
  e.visits[2] = third;
  return stop_lead(s);
}

static void lead_is_over_the_second(void) {
  handle_model h;
  handle_model_begin_ring(&h, 13);
  search *s = search_new(&h.model, BY_ROLLOUT, 0);
  CHECK(begin_at_zero(s, &h, 1 << 20) == MCTS_OK);
  CHECK(lead_of(s, 0, 0, 0) == 0 && lead_of(s, 5, 0, 0) == 5 && lead_of(s, 0, 0, 5) == 5);
  CHECK(lead_of(s, 7, 4, 2) == 3 && lead_of(s, 2, 7, 4) == 3 && lead_of(s, 4, 2, 7) == 3);
  CHECK(lead_of(s, 4, 7, 7) == 0 && lead_of(s, 7, 4, 7) == 0);
  CHECK(lead_of(s, UINT32_MAX, 1, 0) == UINT32_MAX - UINT64_C(1));
  search_free(s);
}

/* Position 0 has one action there. */
static void single_action_leads_for_good_where_no_other_state_may_be_the_root(void) {
  for (particles = 1; particles <= 3; particles += 2) {
    handle_model h;
    handle_model_begin_ring(&h, 13);
    h.model.actions = handle_odd_actions;
    search_options options = particles > 1 ? OPEN_LOOP : BY_ROLLOUT;
    options.early_stop = true;
    search *s = search_new(&h.model, options, 0);
    stop_reason reason;
    CHECK(begin_at_zero(s, &h, 1 << 20) == MCTS_OK && stop_lead(s) == 0);
    s->planned = 100;
    CHECK(run_to(s, &h, 100, &reason) == MCTS_OK && reason == STOP_DECIDED);
    if (particles == 1) CHECK(s->simulations == 1 && stop_lead(s) == UINT64_MAX);
    else CHECK(s->simulations > 50 && stop_lead(s) > 100 - s->simulations);
    search_free(s);
    CHECK(h.handles_alive == 0);
  }
  particles = 1;
}

/* What was decided would have stayed so. */
static void decided_search_recommends_what_the_whole_one_does(void) {
  const search_options recipes[] = {BY_ROLLOUT, TUNED, THOMPSON, PUCT_BY_VALUE, WIDE_ACTIONS};
  for (int k = 0; k < 5; k++)
    for (uint64_t seed = 0; seed < 40; seed++) {
      uint32_t best[2] = {0};
      for (int early = 0; early <= 1; early++) {
        handle_model h;
        handle_model_begin_ring(&h, 13);
        handle_model_evaluates(&h, MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS);
        search_options options = recipes[k];
        options.early_stop = early;
        search *s = search_new(&h.model, options, 0);
        stop_reason reason;
        CHECK(begin_with_seed(s, &h, seed, 1 << 20) == MCTS_OK);
        s->planned = 120;
        CHECK(run_to(s, &h, 120, &reason) == MCTS_OK);
        CHECK(reason == STOP_SIMULATIONS || (early && reason == STOP_DECIDED));
        best[early] = recommend(s, node_at(&s->tree, s->tree.root));
        CHECK(reason == STOP_SIMULATIONS || stop_lead(s) > 120 - s->simulations);
        search_free(s);
      }
      CHECK(best[0] == best[1]);
    }
}

int main(void) {
  logarithm_fill_tables();
  due_visits_are_those_of_the_published_loop();
  due_visits_go_on_beyond_the_plan();
  width_grows_with_visits_from_one();
  swapped_edges_keep_all_that_is_theirs();
  lead_is_over_the_second();
  single_action_leads_for_good_where_no_other_state_may_be_the_root();
  decided_search_recommends_what_the_whole_one_does();
  return 0;
}
