/* Proven values in a tree that several threads search: each is the true one, whichever of them has
 * found it. */
#include "connect_four.h"
#include "parallel.h"
#include "tic_tac_toe.h"
#include "whole_tree.h"

#ifdef __SANITIZE_THREAD__
enum { SEEDS = 8 };
#else
enum { SEEDS = 32 };
#endif

enum { SIMULATIONS = 60000, MOST_BYTES = 16 };

static search_options options_with(uint32_t threads, search_selection selection) {
  return (search_options){.selection = selection,
                          .exploration = 1.0,
                          .max_depth = 50,
                          .prove = true,
                          .threads = threads};
}

/* ---- random games ---------------------------------------------------------------------------- */

/* Of a game that is too large to be solved before there are threads; by other selections than UCB1
 * proofs may come late. */
static void values_are_true(unsigned kind, enum pay pay, uint32_t number, uint32_t threads) {
  shared_model m;
  shared_model_begin(&m, kind, 4, 8, pay);
  m.ends_early = number % 2 ? 17 : 60;
  search_selection selection = number % 5 == 0 ? SELECTION_THOMPSON : SELECTION_UCB1;
  search *s = search_new(&m.model, options_with(threads, selection), 0);
  place start = {number, 0, 0};
  begin_from(s, &m, start, number, 1 << 26, 0);
  for (uint64_t part = 2500; part < SIMULATIONS; part += 1700) {
    stop_reason reason = run_on(s, &m, part);
    check_whole(s, &m);
    if (reason == STOP_SOLVED) break;
    CHECK(reason == STOP_SIMULATIONS && s->simulations == part);
  }
  double value[2];
  const node *root = node_at(&s->tree, s->tree.root);
  bool solved = root->flags & NODE_SOLVED;
  CHECK(solved || selection != SELECTION_UCB1);
  prove_returns(s, root, value);
  if (solved) CHECK(value[0] == shared_true_value(&m, start));
  edges e = edges_at(&s->tree, root);
  for (uint32_t i = 0; i < e.count; i++) {
    place to = shared_next(&m, start, edge_action(&s->tree, &e, i), 0);
    double edge = shared_reward(&m, start, to, NULL) + shared_true_value(&m, to);
    if (prove_edge_is_exact(s, &e, i)) CHECK(e.value[i] == edge);
  }
  end_search(s, &m);
}

static void random_games_are_solved_right(void) {
  for (uint32_t number = 1; number <= SEEDS; number++) {
    unsigned kind = KIND_TWO | (number & 1 ? KIND_OWNS : 0);
    values_are_true(kind, number & 2 ? PAYS_THIRD : PAYS_COIN, number, 2 + number % 4);
  }
}

/* ---- games that are known --------------------------------------------------------------------- */

static int play_out(const mcts_model *m, const void *state, int64_t action, void *next,
                    double *rewards) {
  int32_t terminated = -1;
  mcts_bitgen none = {0};
  CHECK(m->sample(m->ctx, state, action, &none, next, rewards, &terminated, NULL) == MCTS_OK);
  return terminated;
}

/* What a position is worth to the first player. */
static double true_value(const mcts_model *m, const void *state) {
  int32_t actions[16], count = 0, player;
  CHECK(m->actions(m->ctx, state, &count, actions) == MCTS_OK);
  CHECK(m->player(m->ctx, state, &player) == MCTS_OK);
  double best = player ? INFINITY : -INFINITY;
  for (int32_t i = 0; i < count; i++) {
    unsigned char next[MOST_BYTES];
    double rewards[2], value;
    bool ended = play_out(m, state, actions[i], next, rewards);
    value = rewards[0] + (ended ? 0.0 : true_value(m, next));
    best = player ? fmin(best, value) : fmax(best, value);
  }
  return best;
}

/* After some moves, `order` says which. False: the game was over. */
static bool moved_on(const mcts_model *m, uint64_t order, int moves, void *state) {
  for (int k = 0; k < moves; k++) {
    int32_t actions[16], count = 0;
    unsigned char next[MOST_BYTES];
    double rewards[2];
    CHECK(m->actions(m->ctx, state, &count, actions) == MCTS_OK);
    if (play_out(m, state, actions[shared_mix(order * 64 + k) % count], next, rewards)) return false;
    memcpy(state, next, m->state_bytes);
  }
  return true;
}

/* Returns whether all of it is proven. */
static bool proofs_are_right(const mcts_model *m, const void *state, uint32_t threads) {
  search_options options = options_with(threads, SELECTION_UCB1);
  options.exploration = 4.0;
  search *s = search_new(m, options, 0);
  search_root root = {.state = state, .seed = threads, .max_bytes = 1 << 28};
  CHECK(s && search_begin(s, &root) == MCTS_OK);
  stop_reason reason = run_on(s, NULL, SIMULATIONS);
  check_whole(s, NULL);
  edges e = edges_at(&s->tree, node_at(&s->tree, s->tree.root));
  for (uint32_t i = 0; i < e.count; i++) {
    unsigned char next[MOST_BYTES];
    double rewards[2], sign = sign_of(&e);
    if (!prove_edge_is_exact(s, &e, i)) continue;
    bool ended = play_out(m, state, edge_action(&s->tree, &e, i), next, rewards);
    CHECK(sign * e.value[i] == rewards[0] + (ended ? 0.0 : true_value(m, next)));
  }
  if (reason == STOP_SOLVED) CHECK(e.value[prove_best(s, &e)] == sign_of(&e) * true_value(m, state));
  search_free(s);
  return reason == STOP_SOLVED;
}

/* From a position `moves` moves into the game, in many of which there is something to solve. */
static void games_are_solved_right(const mcts_model *one, const mcts_model *other, int moves) {
  unsigned char state[MOST_BYTES];
  int solved = 0;
  for (uint64_t order = 1; solved < SEEDS / 4; order++) {
    memset(state, 0, sizeof state);
    if (!moved_on(one, order, moves, state)) continue;
    solved += proofs_are_right(order % 2 ? one : other, state, 2 + order % 3);
    CHECK(order < 200);
  }
}

int main(void) {
  logarithm_fill_tables();
  random_games_are_solved_right();
  games_are_solved_right(&mcts_tic_tac_toe_model, &mcts_tic_tac_toe_decisive_model, 1);
  games_are_solved_right(&mcts_connect_four_model, &mcts_connect_four_decisive_model, 30);
  return 0;
}
