#define _GNU_SOURCE
#include "search.h"

#include <stdlib.h>
#include <time.h>

#include "simulate.h"

int64_t search_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

const char *search_refuses(const mcts_model *m) {
  if (m->abi_version != MCTS_MODEL_ABI_VERSION) return "abi_version is not 1";
  if (m->struct_size < sizeof(mcts_model))
    return "struct_size is below sizeof(mcts_model) of version 1";
  if (!m->sample) return "sample is missing";
  if (!(m->discount > 0.0 && m->discount <= 1.0)) return "discount is not in (0, 1]";
  if (m->state_bytes == 0 || m->state_bytes > (1u << 24))
    return "state_bytes is not from 1 to 16777216";
  if ((m->key_bytes > 0) != (m->key != NULL)) return "key and key_bytes do not go together";
  if (m->key_bytes > (1u << 24)) return "key_bytes is above 16777216";
  if (m->max_actions == 0 || m->max_actions > (1u << 24))
    return "max_actions is not from 1 to 16777216";
  if (m->num_actions > m->max_actions) return "num_actions is above max_actions";
  if (m->num_actions == 0 && !m->actions) return "num_actions is 0 and actions is missing";
  if (m->num_players == 0 || m->num_players > UINT8_MAX) return "num_players is not from 1 to 255";
  if (m->num_players > 1 && !m->player) return "player is missing in a game";
  if (m->action_bytes > 0) return "action_bytes above 0 is not searched by this version";
  if (m->observation_bytes > 0) return "observation_bytes above 0 is not searched by this version";
  if (m->transitions && (m->max_outcomes == 0 || m->max_outcomes > (1u << 24)))
    return "transitions is there and max_outcomes is not from 1 to 16777216";
  if ((m->enter != NULL) != (m->leave != NULL)) return "enter and leave do not go together";
  if ((m->retain != NULL) != (m->release != NULL)) return "retain and release do not go together";
  if ((m->context_new != NULL) != (m->context_free != NULL))
    return "context_new and context_free do not go together";
  if ((m->flags & (MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS)) && !m->evaluate)
    return "the flags promise values or priors, and evaluate is missing";
  return NULL;
}

const char *search_refuses_options(const mcts_model *m, search_options o) {
  if (o.backup == BACKUP_BELLMAN && m->num_players > 1)
    return "backup: is bellman, which needs a single player; mean would work";
  if (o.evaluation == EVALUATION_TRIAL && o.backup != BACKUP_BELLMAN)
    return "evaluation: is trial, which learns only by bellman backups; rollout would work";
  if (o.evaluation == EVALUATION_VALUE && !(m->flags & MCTS_MODEL_VALUES))
    return "evaluation: is value, and the model has no value(state); rollout would work";
  return NULL;
}

/* ---- building and taking down -------------------------------------------------------- */

static bool allocate(search *s) {
  const mcts_model *m = s->model;
  cursor *c = &s->cursor;
  size_t players = m->num_players, depth = s->options.max_depth;
  s->actions = calloc(m->max_actions, sizeof *s->actions);
  s->root_spread = calloc(m->max_actions, sizeof *s->root_spread);
  s->root_before = calloc(m->max_actions, sizeof *s->root_before);
  s->root_mean = calloc(players, sizeof *s->root_mean);
  c->path = calloc(depth, sizeof *c->path);
  c->rewards = calloc(depth, players * sizeof *c->rewards);
  c->returns = calloc(players, sizeof *c->returns);
  c->step_rewards = calloc(players, sizeof *c->step_rewards);
  c->next = calloc(1, s->tree.state_size);
  c->spare = calloc(1, s->tree.state_size);
  c->key = calloc(1, s->tree.key_size + 8);
  transitions_row *row = &s->row;
  size_t outcomes = s->exact ? m->max_outcomes : 1;
  row->probability = calloc(outcomes, sizeof *row->probability);
  row->reward = calloc(outcomes, sizeof *row->reward);
  row->terminated = calloc(outcomes, sizeof *row->terminated);
  row->state = calloc(outcomes, s->tree.state_size);
  return s->actions && s->root_spread && s->root_before && s->root_mean && c->path && c->rewards && c->returns &&
         c->step_rewards && c->next && c->spare && c->key && row->probability && row->reward &&
         row->terminated && row->state;
}

search *search_new(const mcts_model *m, search_options options, size_t bytes_per_state) {
  search *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->model = m;
  s->ctx = m->ctx;
  s->options = options;
  s->tree.bytes_per_state = bytes_per_state < ARENA_MAX_BYTES ? bytes_per_state : ARENA_MAX_BYTES;
  s->deterministic = m->flags & MCTS_MODEL_DETERMINISTIC;
  s->tree.state_size = arena_round(m->state_bytes);
  bool bellman = options.backup == BACKUP_BELLMAN, shared = options.sharing != SHARING_NONE;
  s->exact = bellman && !s->deterministic && m->transitions;
  s->tree.key_size = s->deterministic && !shared ? 0 : arena_round(m->key_bytes);
  s->tree.graph_size = bellman || shared ? sizeof(graph_part) : 0;
  s->tree.sums = bellman && !s->deterministic;
  s->tree.rewards = s->deterministic ? m->num_players : 0;
  bool trial = options.evaluation == EVALUATION_TRIAL;
  s->recipe = (s->deterministic ? RECIPE_DETERMINISTIC : 0) | (bellman ? RECIPE_BELLMAN : 0) |
              (shared ? RECIPE_SHARED : 0) | (trial ? RECIPE_TRIAL : 0) |
              (s->exact ? RECIPE_EXACT : 0);
  s->tree.owns_states = m->release != NULL;
  s->cursor.rng = stream_bitgen(&s->cursor.counter);
  if (!allocate(s) || (m->context_new && m->context_new(m->ctx, &s->ctx) < 0)) {
    s->ctx = m->ctx;
    search_free(s);
    return NULL;
  }
  return s;
}

static int release_states(search *s) {
  tree *t = &s->tree;
  if (!t->last_owned && !s->left_over) return MCTS_OK;
  int status = search_enter(s);
  if (status < 0) return status;
  for (ref r = t->last_owned; r;) {
    node *n = node_at(t, r);
    s->model->release(s->ctx, node_state(t, n));
    r = *node_previous_owned(t, n);
  }
  search_leave(s);
  t->last_owned = 0;
  return MCTS_OK;
}

void search_free(search *s) {
  if (!s) return;
  cursor *c = &s->cursor;
  release_states(s);
  arena_close(&s->tree.blocks);
  if (s->ctx != s->model->ctx) s->model->context_free(s->ctx);
  void *owned[] = {s->actions,  s->root_spread,  s->root_before, s->root_mean, c->path, c->rewards,
                   c->returns,  c->step_rewards, c->next,      c->spare, c->key,
                   s->row.probability, s->row.reward, s->row.terminated, s->row.state};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(s);
}

/* ---- the root ------------------------------------------------------------------------ */

int search_clear(search *s) {
  tree *t = &s->tree;
  t->root = 0;
  int status = release_states(s);
  if (status < 0) return status;
  if (t->blocks.base) arena_reset(&t->blocks);
  t->last_owned = 0;
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
    if (arena_open(&t->blocks, max_bytes) < 0) return OUT_OF_BYTES;
  }
  bool shared = s->options.sharing != SHARING_NONE;
  bool by_depth = s->options.sharing == SHARING_DEPTH;
  return shared && !index_open(t, &s->index, by_depth) ? OUT_OF_BYTES : MCTS_OK;
}

static void reset_counts(search *s, const search_root *root) {
  s->seed = root->seed;
  s->bound_is_end = root->horizon > 0 && root->horizon <= s->options.max_depth;
  s->bound = s->bound_is_end ? root->horizon : s->options.max_depth;
  s->low = INFINITY;
  s->high = -INFINITY;
  s->burst_left = STOP_BURST;
  s->simulations = s->model_steps = s->tree_depth = 0;
  s->fault = (fault){0};
  memset(s->root_spread, 0, s->model->max_actions * sizeof *s->root_spread);
  memset(s->root_before, 0, s->model->max_actions * sizeof *s->root_before);
  memset(s->root_mean, 0, s->model->num_players * sizeof *s->root_mean);
}

/* Keeps of s->actions what is allowed; both lists ascend. */
static int32_t keep_allowed(search *s, int32_t count, const search_root *root) {
  if (!root->allowed) return count;
  int32_t kept = 0;
  for (int32_t i = 0; i < count; i++)
    for (uint32_t k = 0; k < root->num_allowed; k++)
      if (s->actions[i] == root->allowed[k]) s->actions[kept++] = root->allowed[k];
  return kept;
}

/* The root itself. With a choice of its own it is a node apart: the same state further down
 * has all its actions. */
static int add_root_node(search *s, const search_root *root) {
  tree *t = &s->tree;
  cursor *c = &s->cursor;
  const void *key = NULL;
  bool shared = s->options.sharing != SHARING_NONE;
  memset(c->next, 0, t->state_size);
  memcpy(c->next, root->state, s->model->state_bytes);
  int status = shared ? arrive_key(s, c->next, c->key, &key) : MCTS_OK;
  if (status < 0) return status;
  t->root = arrive_at_new(s, c->next, key, 0, false);
  if (!t->root) return OUT_OF_BYTES;
  if (s->model->retain) s->model->retain(s->ctx, node_state(t, node_at(t, t->root)));
  if (!shared || root->allowed) return MCTS_OK;
  index_insert(t, &s->index, t->root, index_hash(&s->index, key_hash(t, key, false), 0));
  return MCTS_OK;
}

static int add_root(search *s, const search_root *root) {
  const mcts_model *m = s->model;
  bool terminal;
  int status = m->validate ? m->validate(s->ctx, root->state) : MCTS_OK;
  if (status < 0) {
    fault_set(&s->fault, m, s->ctx, "validate", NULL, status);
    return status == MCTS_INVALID_STATE ? ROOT_INVALID : FAILED;
  }
  status = ask_terminal(m, s->ctx, root->state, &terminal, &s->fault);
  if (status < 0) return status;
  if (terminal) return ROOT_TERMINAL;
  status = add_root_node(s, root);
  if (status < 0) return status;
  node *n = node_at(&s->tree, s->tree.root);
  const void *state = node_state(&s->tree, n);
  int32_t count;
  status = ask_actions(m, s->ctx, state, s->actions, &count, &s->fault);
  if (status < 0) return status;
  count = keep_allowed(s, count, root);
  return count ? expand_with(s, s->tree.root, count) : ROOT_NO_ACTION;
}

int search_begin(search *s, const search_root *root) {
  reset_counts(s, root);
  int status = reset_tree(s, root->max_bytes);
  if (status < 0) return status;
  status = search_enter(s);
  if (status < 0) return status;
  status = add_root(s, root);
  search_leave(s);
  if (status < 0) s->tree.root = 0;
  return status;
}

void search_resume(search *s, const search_root *root) {
  double low = s->low, high = s->high;
  reset_counts(s, root);
  s->low = low;
  s->high = high;
  const node *n = node_at(&s->tree, s->tree.root);
  edges e = edges_at(&s->tree, n);
  memcpy(s->root_before, e.visits, n->count * sizeof *s->root_before);
}

/* ---- the loop ------------------------------------------------------------------------- */

LOOP_PIECE int simulate(search *s, unsigned recipe) {
  cursor *c = &s->cursor;
  cursor_begin(s, c);
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase != CURSOR_DONE) status = cursor_advance(s, c, recipe);
  return status;
}

/* Why the search ends with a simulation that was given up. */
static stop_reason reason_of(const search *s, int status) {
  if (status == OUT_OF_BYTES) return STOP_MAX_BYTES;
  return stop_is_cancelled(s) ? STOP_CANCELLED : STOP_TIME_LIMIT;
}

LOOP_PIECE int run_recipe(search *s, stop_reason *reason, unsigned recipe) {
  while ((*reason = stop_now(s)) == STOP_NONE) {
    int status = simulate(s, recipe);
    if (status == MCTS_OK) continue;
    *reason = reason_of(s, status);
    return status == FAILED ? FAILED : MCTS_OK;
  }
  return MCTS_OK;
}

/* Plain UCT has loops of its own. */
static int run(search *s, stop_reason *reason) {
  switch (s->recipe) {
    case 0:
      return run_recipe(s, reason, 0);
    case RECIPE_DETERMINISTIC:
      return run_recipe(s, reason, RECIPE_DETERMINISTIC);
    default:
      return run_recipe(s, reason, s->recipe);
  }
}

int search_run(search *s, const search_limits *limits, stop_reason *reason) {
  s->limits = *limits;
  s->until_clock = 0;
  s->clock_read = search_now();
  s->simulations_then = s->simulations;
  int status = search_enter(s);
  if (status < 0) return status;
  status = run(s, reason);
  search_leave(s);
  return status;
}
