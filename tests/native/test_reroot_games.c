/* Games and rides through models without chance, re-rooted move by move: before and after each,
 * every edge leads to the node of the state that the model says, with the rewards of the step, and
 * every edge block belongs to the node that has it. */
#include "batch.h"
#include "connect_four.h"
#include "graph_walk.h"
#include "mountain_car.h"
#include "prove.h"
#include "reroot.h"
#include "tic_tac_toe.h"

enum { MOVES = 14, SIMULATIONS = 300, MOST_BYTES = 16, LIMIT = 1 << 22 };

/* What the model says of a step. */
typedef struct {
  unsigned char state[MOST_BYTES];
  double rewards[2];
  int32_t terminated;
} step;

static step step_of(const search *s, const void *state, int32_t action) {
  const mcts_model *m = s->model;
  uint64_t counter = 0;
  mcts_bitgen rng = stream_bitgen(&counter);
  step to = {.terminated = -1};
  CHECK(m->state_bytes <= MOST_BYTES && m->num_players <= 2);
  CHECK(m->sample(s->ctx, state, action, &rng, to.state, to.rewards, &to.terminated, NULL) ==
        MCTS_OK);
  bool canonical = (m->flags & MCTS_MODEL_FLOAT64_STATE) && s->options.sharing != SHARING_NONE;
  if (canonical) key_canonical_floats(to.state, m->state_bytes);
  return to;
}

/* What the tree has of the step by edge `i` of `n` is what the model says. */
static void check_step(const search *s, const node *n, const edges *e, uint32_t i,
                       const node *child) {
  const tree *t = &s->tree;
  const mcts_model *m = s->model;
  step to = step_of(s, node_state(t, n), edge_action(t, e, i));
  CHECK(memcmp(node_state(t, child), to.state, m->state_bytes) == 0);
  CHECK(!(child->flags & NODE_TERMINAL) == !to.terminated);
  bool by_edge = t->layout & BLOCK_REWARDS, paid = child->flags & NODE_PAID;
  CHECK(!(by_edge && paid));
  for (uint32_t p = 0; p < m->num_players; p++) {
    double reward = paid ? node_rewards(t, child)[p] : 0.0;
    CHECK((by_edge ? e->reward[i * m->num_players + p] : reward) == to.rewards[p]);
  }
  if (s->options.sharing == SHARING_NONE) CHECK(node_visits(t, child) == e->visits[i]);
  if (s->options.sharing != SHARING_STATE) CHECK(child->depth == n->depth + 1);
}

static void check_edges(const search *s, walk *w, ref at) {
  const tree *t = &s->tree;
  const node *n = node_at(t, at);
  edges e = edges_seen(t, &s->view, n);
  uint64_t visits = 0;
  int32_t player = -1;
  check_head(s, at);
  if (s->model->player) CHECK(s->model->player(s->ctx, node_state(t, n), &player) == MCTS_OK);
  CHECK(e.head->player == (player < 0 ? 0 : player));
  for (uint32_t i = 0; i < e.count; i++) {
    CHECK(!e.visits[i] || e.child[i]);
    visits += e.visits[i];
    if (!e.child[i]) continue;
    ref child;
    check_step(s, n, &e, i, walk_child(s, e.child[i], &child));
    walk_meet(w, child);
  }
  CHECK(visits <= e.head->visits || s->options.sharing == SHARING_STATE);
  if ((s->recipe & RECIPE_PROVEN) && e.head->solved) CHECK(prove_best(s, &e) < e.count);
}

/* How many nodes there are. */
static uint64_t check_tree(const search *s) {
  walk w = walk_begin(s, s->tree.root);
  for (size_t k = 0; k < w.met; k++)
    if (node_is_expanded(node_at(&s->tree, w.nodes[k]))) check_edges(s, &w, w.nodes[k]);
  uint64_t nodes = w.met;
  walk_end(&w);
  return nodes;
}

static void think(search *s) {
  search_limits limits = {SIMULATIONS, INT64_MAX, INT64_MAX, NULL};
  stop_reason reason = STOP_NONE;
  if (s->options.in_flight > 1) {
    batch_end end = {0};
    batch *b = batch_new(&s, 1);
    CHECK(b);
    batch_run(b, &limits, &end);
    CHECK(end.status == MCTS_OK);
    reason = end.reason;
    batch_free(b);
  } else {
    CHECK(search_run(s, &limits, &reason) == MCTS_OK);
  }
  CHECK(reason == STOP_SIMULATIONS || reason == STOP_SOLVED);
}

static uint32_t most_visited(const edges *e) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < e->count; i++)
    if (e->visits[i] > e->visits[best]) best = i;
  return best;
}

/* How often the tree moved on. */
static int play(const mcts_model *m, search_options options, const void *start) {
  search *s = search_new(m, options, 0);
  search_root root = {.state = start, .seed = 5, .max_bytes = LIMIT};
  int moves = 0;
  CHECK(s && search_begin(s, &root) == MCTS_OK);
  for (; moves < MOVES; moves++) {
    think(s);
    CHECK(check_tree(s) <= s->tree.nodes);
    const tree *t = &s->tree;
    const node *n = node_at(t, t->root);
    edges e = edges_at(t, n);
    int32_t action = edge_action(t, &e, most_visited(&e));
    step to = step_of(s, node_state(t, n), action);
    int status = to.terminated ? NOT_IN_TREE : search_advance(s, action, to.state);
    if (status == NOT_IN_TREE) break;
    CHECK(status == MCTS_OK);
    CHECK(check_tree(s) == s->tree.nodes); /* and nothing else was kept */
    CHECK(memcmp(node_state(t, node_at(t, t->root)), to.state, m->state_bytes) == 0);
    search_resume(s, &(search_root){.seed = (uint64_t)moves});
    check_sound(s);
  }
  search_free(s);
  return moves;
}

int main(void) {
  static const mcts_model *models[] = {&mcts_connect_four_model, &mcts_tic_tac_toe_model,
                                       &mcts_mountain_car_model};
  static const search_options all[] = {
      BY_ROLLOUT, PUCT_BY_ROLLOUT, TUNED,  THOMPSON, SHARED_MEANS, WIDE_ACTIONS,
      BY_STATE,   BY_DEPTH,        MENTS,  BY_MAX,   PLAYED_OUT,   TRUNCATED};
  static const mcts_mountain_car valley = {.position = -0.5};
  static const unsigned char empty[MOST_BYTES];
  logarithm_fill_tables();
  for (int which = 0; which < 3; which++) {
    const mcts_model *m = models[which];
    int played = 0;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
      for (int way = 0; way < 4; way++) {
        search_options options = all[k];
        options.prove = way & 1;
        options.in_flight = way & 2 ? 5 : 1;
        if (search_refuses_options(m, options)) continue;
        int moves = play(m, options, which == 2 ? (const void *)&valley : empty);
        CHECK(moves >= 2);
        played += 1;
      }
    }
    CHECK(played >= 20);
  }
  return 0;
}
