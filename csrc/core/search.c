#define _GNU_SOURCE
#include "search.h"

#include <stdlib.h>
#include <time.h>

#include "expand.h"
#include "loops.h"
#include "parallel.h"
#include "settle.h"

int64_t search_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- building and taking down -------------------------------------------------------- */

static bool allocate_cursor(search *s, cursor *c) {
  size_t players = s->model->num_players, depth = s->options.max_depth;
  size_t actions = s->asks_priors ? s->model->max_actions : 1;
  c->rng = stream_bitgen(&c->counter);
  c->path = calloc(depth, sizeof *c->path);
  c->rewards = calloc(depth, players * sizeof *c->rewards);
  c->returns = calloc(players, sizeof *c->returns);
  c->answer = calloc(players, sizeof *c->answer);
  c->priors = calloc(actions, sizeof *c->priors);
  c->next = calloc(1, s->state_size);
  c->spare = calloc(1, s->state_size);
  c->observation = calloc(1, s->tree.key_size + 8);
  return c->path && c->rewards && c->returns && c->answer && c->priors && c->next && c->spare &&
         c->observation;
}

static void free_cursor(cursor *c) {
  void *owned[] = {c->path, c->rewards, c->returns, c->answer, c->priors, c->next, c->spare,
                   c->observation};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static bool allocate_row(search *s) {
  transitions_row *row = &s->row;
  size_t outcomes = s->exact ? s->model->max_outcomes : 1;
  row->probability = calloc(outcomes, sizeof *row->probability);
  row->reward = calloc(outcomes, sizeof *row->reward);
  row->terminated = calloc(outcomes, sizeof *row->terminated);
  row->state = calloc(outcomes, s->state_size);
  return row->probability && row->reward && row->terminated && row->state;
}

static bool allocate(search *s) {
  const mcts_model *m = s->model;
  s->actions = calloc(m->max_actions, sizeof *s->actions);
  s->legal = calloc(m->max_actions, sizeof *s->legal);
  s->root_spread = calloc(m->max_actions, sizeof *s->root_spread);
  s->root_before = calloc(m->max_actions, sizeof *s->root_before);
  s->root_mean = calloc(m->num_players, sizeof *s->root_mean);
  s->root_noise = calloc(m->max_actions, sizeof *s->root_noise);
  s->replies = calloc(m->max_actions, sizeof *s->replies);
  s->look_rewards = calloc(m->num_players, sizeof *s->look_rewards);
  for (int i = 0; i < 2; i++) s->look[i] = calloc(1, s->state_size);
  s->view = (single_view){.value = calloc(m->max_actions, sizeof *s->view.value),
                          .visits = calloc(m->max_actions, sizeof *s->view.visits),
                          .child = calloc(m->max_actions, sizeof *s->view.child),
                          .last = calloc(1, sizeof *s->view.last)};
  s->scores = calloc(m->max_actions, sizeof *s->scores);
  s->ranges = calloc(s->range_mask ? s->options.max_depth : 1, sizeof *s->ranges);
  s->key = calloc(1, s->tree.key_size + 8);
  s->cursors = calloc(s->options.in_flight, sizeof *s->cursors);
  if (!s->cursors) return false;
  for (uint32_t i = 0; i < s->options.in_flight; i++)
    if (!allocate_cursor(s, &s->cursors[i])) return false;
  return s->actions && s->legal && s->root_spread && s->root_before && s->root_mean &&
         s->root_noise && s->scores && s->ranges && s->replies && s->look_rewards && s->look[0] &&
         s->look[1] && s->key && s->view.value && s->view.visits && s->view.child && s->view.last &&
         allocate_row(s);
}

/* Without bounds a win is not known from a better one, and only what has been searched to its end
 * is proven. */
static bool proves(const search *s) {
  const mcts_model *m = s->model;
  bool alone = s->options.sharing == SHARING_NONE; /* elsewhere an edge may be behind its child */
  return s->options.prove && alone && s->deterministic && !s->bellman &&
         m->min_return < m->max_return;
}

static bool weighs_priors(const search *s) {
  return s->options.selection == SELECTION_PUCT || s->options.selection == SELECTION_GUMBEL;
}

static bool widens(const search *s) {
  return s->options.action_widening > 0.0 || s->options.outcome_widening > 0.0;
}

static unsigned recipe_of(const search *s) {
  search_options o = s->options;
  return (s->deterministic ? RECIPE_DETERMINISTIC : 0) |
         (s->bellman ? RECIPE_BELLMAN : 0) |
         (o.sharing != SHARING_NONE ? RECIPE_SHARED : 0) |
         (o.evaluation == EVALUATION_TRIAL ? RECIPE_TRIAL : 0) | (s->exact ? RECIPE_EXACT : 0) |
         (o.in_flight > 1 ? RECIPE_FLIGHTS : 0) | (s->carried ? RECIPE_CARRIED : 0) |
         (proves(s) ? RECIPE_PROVEN : 0) |
         (o.selection != SELECTION_UCB1 ? RECIPE_SELECTION : 0) |
         (weighs_priors(s) ? RECIPE_PRIORS : 0) | (widens(s) ? RECIPE_WIDENED : 0) |
         (o.selection == SELECTION_GUMBEL ? RECIPE_GUMBEL : 0) |
         (s->model->num_players == 1 ? RECIPE_ALONE : 0) |
         (s->model->num_players == 2 ? RECIPE_TWO : 0);
}

/* What the nodes and edges of the tree hold. */
static void lay_out_tree(search *s, size_t bytes_per_state) {
  const mcts_model *m = s->model;
  tree *t = &s->tree;
  bool shared = s->options.sharing != SHARING_NONE;
  if (s->carried) {
    bool observed = s->options.outcome_key == OUTCOME_OBSERVATION;
    t->key_size = observed ? arena_round(m->observation_bytes) : 0;
  } else {
    t->state_size = s->state_size;
    t->key_size = s->deterministic && !shared ? 0 : arena_round(m->key_bytes);
    t->owns_states = m->release != NULL;
    t->bytes_per_state = bytes_per_state < ARENA_MAX_BYTES ? bytes_per_state : ARENA_MAX_BYTES;
  }
  t->graph_size = s->bellman || shared ? sizeof(graph_part) : 0;
  bool by_outcome = s->bellman || s->options.outcome_widening > 0.0;
  search_selection selection = s->options.selection;
  bool spreads = selection == SELECTION_UCB1_TUNED || selection == SELECTION_THOMPSON;
  t->layout = (s->deterministic && (s->bellman || shared) ? BLOCK_REWARDS : 0u) |
              (by_outcome && !s->deterministic ? BLOCK_SUMS : 0u) |
              (weighs_priors(s) ? BLOCK_PRIORS : 0u) |
              (selection == SELECTION_GUMBEL ? BLOCK_LOGITS : 0u) | (spreads ? BLOCK_SPREADS : 0u) |
              (s->options.in_flight > 1 ? BLOCK_FLIGHTS : 0u) |
              (recipe_has_singles(s->recipe) ? BLOCK_SINGLES : 0u);
  t->players = m->num_players;
  bool in_order = !s->carried && !(s->options.action_widening > 0.0);
  t->all_actions = in_order ? m->num_actions : 0;
  t->action_bytes = m->num_actions == 0 || m->num_actions > 65536 ? 4 : m->num_actions > 256 ? 2 : 1;
}

/* Without a context of its own. */
static search *new_search(const mcts_model *m, search_options options, size_t bytes_per_state) {
  search *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->model = m;
  s->ctx = m->ctx;
  if (options.in_flight == 0) options.in_flight = 1;
  if (options.threads == 0) options.threads = 1;
  s->options = options;
  s->discount = options.discount > 0.0 ? options.discount : m->discount;
  s->state_size = arena_round(m->state_bytes);
  s->carried = options.outcome_key != OUTCOME_STATE;
  s->deterministic = (m->flags & MCTS_MODEL_DETERMINISTIC) && !s->carried;
  s->bellman = options.backup != BACKUP_MEAN;
  bool knows = m->transitions && options.backup != BACKUP_MAX;
  s->exact = s->bellman && !s->deterministic && !s->carried && knows;
  s->range_mask = options.sharing == SHARING_STATE ? 0 : UINT32_MAX;
  s->asks_priors = weighs_priors(s) && (m->flags & MCTS_MODEL_PRIORS);
  bool valued = options.evaluation == EVALUATION_VALUE || options.evaluation == EVALUATION_MIXED;
  s->asks_values = weighs_priors(s) && valued;
  s->recipe = recipe_of(s);
  s->loop = loop_for_this_cpu(s->recipe);
  lay_out_tree(s, bytes_per_state);
  if (allocate(s)) return s;
  search_free(s);
  return NULL;
}

search *search_new(const mcts_model *m, search_options options, size_t bytes_per_state) {
  search *s = new_search(m, options, bytes_per_state);
  if (!s || !m->context_new) return s;
  if (m->context_new(m->ctx, &s->ctx) < 0) {
    s->ctx = m->ctx;
    search_free(s);
    return NULL;
  }
  s->owns_ctx = true;
  return s;
}

search *search_new_beside(const search *first) {
  search *s = new_search(first->model, first->options, first->tree.bytes_per_state);
  if (s) s->ctx = first->ctx;
  return s;
}

/* Of the nodes, and of the root where nodes have none. Entered. */
static void release_states(search *s) {
  tree *t = &s->tree;
  for (ref r = t->last_owned; r;) {
    node *n = node_at(t, r);
    s->model->release(s->ctx, node_state(t, n));
    r = *node_previous_owned(t, n);
  }
  t->last_owned = 0;
  for (uint32_t i = 0; i < s->num_particles; i++)
    search_release(s, s->particles + (size_t)i * s->state_size);
  s->num_particles = 0;
}

/* FAILED: the model could not be entered, and they are still there. */
static int enter_to_release(search *s) {
  bool holds = s->tree.last_owned || s->left_over || s->num_particles;
  if (!s->model->release || !holds) {
    s->num_particles = 0;
    return MCTS_OK;
  }
  int status = search_enter(s);
  if (status < 0) return status;
  release_states(s);
  search_leave(s);
  return MCTS_OK;
}

void search_abandon(search *s) {
  s->left_over = false;
  for (uint32_t i = 0; i < s->options.in_flight; i++) {
    cursor *c = &s->cursors[i];
    if (c->phase != CURSOR_DONE && (s->recipe & RECIPE_FLIGHTS))
      for (uint32_t d = 0; d < c->chosen; d++)
        edges_in(&s->tree, cursor_block(s, &c->path[d], s->recipe), s->tree.layout)
            .flights[c->path[d].edge] -= 1;
    c->phase = CURSOR_DONE;
    c->spare_leaf = c->spare_single = 0; /* of a tree that may be gone */
    cursor_let_go(s, c);
  }
  s->started = s->simulations;
}

void search_free(search *s) {
  if (!s) return;
  parallel_free(s);
  if (s->cursors && s->tree.blocks.base) search_abandon(s);
  enter_to_release(s);
  arena_close(&s->tree.blocks);
  if (s->owns_ctx) s->model->context_free(s->ctx);
  for (uint32_t i = 0; s->cursors && i < s->options.in_flight; i++) free_cursor(&s->cursors[i]);
  void *owned[] = {s->cursors,   s->particles, s->allowed, s->actions,         s->legal,
                   s->root_spread, s->root_before, s->root_mean, s->root_noise, s->scores, s->ranges, s->replies, s->look_rewards, s->look[0], s->look[1], s->key, s->row.probability,
                   s->view.value, s->view.visits, s->view.child, s->view.last,
                   s->row.reward, s->row.terminated, s->row.state};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(s);
}

/* ---- the root ------------------------------------------------------------------------ */

int search_clear(search *s) {
  tree *t = &s->tree;
  if (t->blocks.base) search_abandon(s);
  t->root = 0;
  int status = enter_to_release(s);
  if (status < 0) return status;
  if (t->blocks.base) arena_reset(&t->blocks);
  parallel_forget(s);
  t->last_owned = t->newest = 0;
  t->nodes = 0;
  t->deepest = 0;
  return MCTS_OK;
}

static int reset_tree(search *s, uint64_t max_bytes) {
  tree *t = &s->tree;
  int status = search_clear(s);
  if (status < 0) return status;
  if (!t->blocks.base || t->blocks.limit != max_bytes) {
    arena_close(&t->blocks);
    if (search_open_arena(s, &t->blocks, max_bytes) < 0) return OUT_OF_BYTES;
  }
  bool shared = s->options.sharing != SHARING_NONE;
  bool by_depth = s->options.sharing == SHARING_DEPTH;
  return shared && !index_open(t, &s->index, by_depth) ? OUT_OF_BYTES : MCTS_OK;
}

static void reset_counts(search *s, const search_root *root) {
  s->seed = root->seed;
  s->bound_is_end = root->horizon > 0 && root->horizon <= s->options.max_depth;
  s->bound = s->bound_is_end ? root->horizon : s->options.max_depth;
  s->plays_out = s->options.evaluation == EVALUATION_ROLLOUT && rollout_is_always_the_models(s);
  s->planned = root->planned;
  s->noise_weight = 0.0;
  s->decided_by_clock = false;
  s->burst_left = STOP_BURST;
  s->simulations = s->started = s->model_steps = s->tree_depth = 0;
  s->landings = s->meetings = s->settled_depth = 0;
  s->ran_before = 0;
  s->fault = (fault){0};
  memset(s->root_noise, 0, s->model->max_actions * sizeof *s->root_noise);
  memset(s->root_spread, 0, s->model->max_actions * sizeof *s->root_spread);
  memset(s->root_before, 0, s->model->max_actions * sizeof *s->root_before);
  memset(s->root_mean, 0, s->model->num_players * sizeof *s->root_mean);
}

/* A root of its own where nodes have no state: the states that it may be are kept beside it. */
static int keep_particles(search *s, const search_root *root) {
  uint32_t count = root->num_states ? root->num_states : 1;
  free(s->particles);
  free(s->allowed);
  s->allowed = NULL;
  s->particles = calloc(count, s->state_size);
  if (root->allowed) s->allowed = calloc(root->num_allowed + 1u, sizeof *s->allowed);
  if (!s->particles || (root->allowed && !s->allowed)) return OUT_OF_BYTES;
  s->num_allowed = root->num_allowed;
  for (uint32_t i = 0; i < root->num_allowed; i++) s->allowed[i] = root->allowed[i];
  for (uint32_t i = 0; i < count; i++) {
    unsigned char *particle = s->particles + (size_t)i * s->state_size;
    memcpy(particle, (const unsigned char *)root->state + (size_t)i * s->state_size,
           s->model->state_bytes);
    if (s->model->retain) s->model->retain(s->ctx, particle);
    s->num_particles += 1;
  }
  return MCTS_OK;
}

/* The root itself. With a choice of its own it is a node apart: the same state further down
 * has all its actions. */
static int add_root_node(search *s, const search_root *root, bool restricted) {
  tree *t = &s->tree;
  void *state = s->cursors[0].next;
  const void *key = NULL;
  bool shared = s->options.sharing != SHARING_NONE;
  memset(state, 0, s->state_size);
  memset(s->key, 0, t->key_size);
  if (s->carried) {
    int status = keep_particles(s, root);
    if (status < 0) return status;
    t->root = arrive_at_new(s, NULL, s->key, NULL, 0, 0, false);
    return t->root ? MCTS_OK : OUT_OF_BYTES;
  }
  memcpy(state, root->state, s->model->state_bytes);
  int status = shared ? arrive_key(s, state, s->key, &key) : MCTS_OK;
  if (status < 0) return status;
  t->root = arrive_at_new(s, state, key, NULL, 0, 0, false);
  if (!t->root) return OUT_OF_BYTES;
  if (s->model->retain) s->model->retain(s->ctx, node_state(t, node_at(t, t->root)));
  if (!shared || restricted) return MCTS_OK;
  index_insert(t, &s->index, t->root, index_hash(&s->index, key_hash(t, key, false), 0));
  return MCTS_OK;
}

/* Whether there is something to plan in one of the root's states; leaves its actions, `*count`
 * of them, in s->actions, and says whether the request leaves any out. */
static int check_root_state(search *s, const search_root *root, const void *state,
                            int32_t *count, bool *restricted) {
  const mcts_model *m = s->model;
  bool terminal;
  int status = m->validate ? m->validate(s->ctx, state) : MCTS_OK;
  if (status < 0) {
    fault_set(&s->fault, m, s->ctx, "validate", NULL, status);
    return status == MCTS_INVALID_STATE ? ROOT_INVALID : FAILED;
  }
  status = ask_terminal(m, s->ctx, state, &terminal, &s->fault);
  if (status < 0) return status;
  if (terminal) return ROOT_TERMINAL;
  status = ask_actions(m, s->ctx, state, s->actions, count, &s->fault);
  if (status < 0) return status;
  int32_t legal = *count;
  if (root->allowed) *count = expand_keep_allowed(s, legal, root->allowed, root->num_allowed);
  *restricted = *count < legal;
  return *count ? MCTS_OK : ROOT_NO_ACTION;
}

static int add_root(search *s, const search_root *root) {
  int32_t count = 0;
  bool restricted = false;
  /* The last of them first: the first one's actions are those that are there at the end. */
  for (uint32_t i = root->num_states ? root->num_states : 1; i-- > 0;) {
    const unsigned char *state = root->state;
    int status =
        check_root_state(s, root, state + (size_t)i * s->state_size, &count, &restricted);
    if (status < 0) return status;
  }
  int status = add_root_node(s, root, restricted);
  if (status < 0) return status;
  node *n = node_at(&s->tree, s->tree.root);
  const void *state = s->carried ? s->particles : node_state(&s->tree, n);
  return expand_with(s, s->tree.root, state, count);
}

/* Of all depths: a search that goes on may go deeper than its horizon was. */
static void reset_ranges(search *s) {
  uint32_t count = s->range_mask ? s->options.max_depth : 1;
  for (uint32_t d = 0; d < count; d++) search_reset_range(s, d);
}

int search_begin(search *s, const search_root *root) {
  reset_counts(s, root);
  reset_ranges(s);
  int status = reset_tree(s, root->max_bytes);
  if (status < 0) return status;
  status = search_enter(s);
  if (status < 0) return status;
  status = add_root(s, root);
  if (status < 0) {
    s->tree.root = 0;
    release_states(s);
  }
  search_leave(s);
  return status;
}

void search_resume(search *s, const search_root *root) {
  reset_counts(s, root);
  const node *n = node_at(&s->tree, s->tree.root);
  if (settle_suits(s)) settle_to_go_on(s);
  edges e = edges_at(&s->tree, n);
  memcpy(s->root_before, e.visits, e.count * sizeof *s->root_before);
}

void search_add_noise(search *s, const double *noise, double weight) {
  const node *root = node_at(&s->tree, s->tree.root);
  memcpy(s->root_noise, noise, block_at(&s->tree, root->block)->count * sizeof *noise);
  s->noise_weight = weight;
}

void search_settle(search *s) {
  if (s->tree.root && settle_suits(s)) settle_to_read(s);
}

void search_set_limits(search *s, const search_limits *limits) {
  s->limits = *limits;
  s->until_clock = 0;
  s->clock_read = s->run_began = search_now();
  s->simulations_then = s->simulations;
  s->until_decided = 0;
  s->stops_decided = stop_may_be_decided(s);
}

int search_run(search *s, const search_limits *limits, stop_reason *reason) {
  search_set_limits(s, limits);
  int status = search_enter(s);
  if (status < 0) return status;
  if (s->started > s->simulations) search_abandon(s); /* that a batch has left in progress */
  status = s->options.threads > 1 ? parallel_run(s, reason) : s->loop.run(s, reason);
  s->started = s->simulations;
  s->ran_before += search_now() - s->run_began;
  search_leave(s);
  return status;
}
