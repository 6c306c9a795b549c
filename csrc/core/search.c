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
  if ((m->enter != NULL) != (m->leave != NULL)) return "enter and leave do not go together";
  if ((m->retain != NULL) != (m->release != NULL)) return "retain and release do not go together";
  if ((m->context_new != NULL) != (m->context_free != NULL))
    return "context_new and context_free do not go together";
  if ((m->flags & (MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS)) && !m->evaluate)
    return "the flags promise values or priors, and evaluate is missing";
  return NULL;
}

/* ---- building and taking down -------------------------------------------------------- */

static bool allocate(search *s) {
  const mcts_model *m = s->model;
  cursor *c = &s->cursor;
  size_t players = m->num_players, depth = s->options.max_depth;
  s->actions = calloc(m->max_actions, sizeof *s->actions);
  s->root_spread = calloc(m->max_actions, sizeof *s->root_spread);
  s->root_mean = calloc(players, sizeof *s->root_mean);
  c->path = calloc(depth, sizeof *c->path);
  c->rewards = calloc(depth, players * sizeof *c->rewards);
  c->returns = calloc(players, sizeof *c->returns);
  c->step_rewards = calloc(players, sizeof *c->step_rewards);
  c->next = calloc(1, s->tree.state_size);
  c->spare = calloc(1, s->tree.state_size);
  c->key = calloc(1, s->tree.key_size + 8);
  return s->actions && s->root_spread && s->root_mean && c->path && c->rewards && c->returns &&
         c->step_rewards && c->next && c->spare && c->key;
}

search *search_new(const mcts_model *m, search_options options, size_t bytes_per_state) {
  search *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->model = m;
  s->ctx = m->ctx;
  s->options = options;
  s->bytes_per_state = bytes_per_state < ARENA_MAX_BYTES ? bytes_per_state : ARENA_MAX_BYTES;
  s->deterministic = m->flags & MCTS_MODEL_DETERMINISTIC;
  s->tree.state_size = arena_round(m->state_bytes);
  s->tree.key_size = s->deterministic ? 0 : arena_round(m->key_bytes);
  s->tree.rewards = s->deterministic ? m->num_players : 0;
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
  if (s->left_over) s->model->release(s->ctx, s->left_over);
  for (ref r = t->last_owned; r;) {
    node *n = node_at(t, r);
    s->model->release(s->ctx, node_state(n));
    r = *node_previous_owned(t, n);
  }
  search_leave(s);
  t->last_owned = 0;
  s->left_over = NULL;
  return MCTS_OK;
}

void search_free(search *s) {
  if (!s) return;
  cursor *c = &s->cursor;
  release_states(s);
  arena_close(&s->tree.blocks);
  if (s->ctx != s->model->ctx) s->model->context_free(s->ctx);
  void *owned[] = {s->actions,  s->root_spread,  s->root_mean, c->path, c->rewards,
                   c->returns,  c->step_rewards, c->next,      c->spare, c->key};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(s);
}

/* ---- the root ------------------------------------------------------------------------ */

static int reset_tree(search *s, uint64_t max_bytes) {
  tree *t = &s->tree;
  t->root = 0;
  int status = release_states(s);
  if (status < 0) return status;
  if (t->blocks.base && t->blocks.limit == max_bytes) {
    arena_reset(&t->blocks);
  } else {
    arena_close(&t->blocks);
    if (arena_open(&t->blocks, max_bytes) < 0) return OUT_OF_BYTES;
  }
  t->last_owned = 0;
  t->nodes = 0;
  t->deepest = 0;
  return MCTS_OK;
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
  memset(s->cursor.next, 0, s->tree.state_size);
  memcpy(s->cursor.next, root->state, m->state_bytes);
  if (search_has_room(s, search_node_bytes(s)))
    s->tree.root = node_new(&s->tree, s->cursor.next, NULL, 0, false);
  if (!s->tree.root) return OUT_OF_BYTES;
  node *n = node_at(&s->tree, s->tree.root);
  if (m->retain) m->retain(s->ctx, node_state(n));
  int32_t count;
  status = ask_actions(m, s->ctx, node_state(n), s->actions, &count, &s->fault);
  if (status == MCTS_OK) status = ask_player(m, s->ctx, node_state(n), &n->player, &s->fault);
  if (status < 0) return status;
  count = keep_allowed(s, count, root);
  if (count == 0) return ROOT_NO_ACTION;
  return expand_with(s, n, (uint32_t)count);
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

/* ---- the loop ------------------------------------------------------------------------- */

static inline int simulate(search *s) {
  cursor *c = &s->cursor;
  cursor_begin(s, c);
  int status = MCTS_OK;
  while (status == MCTS_OK && c->phase != CURSOR_DONE) status = cursor_advance(s, c);
  return status;
}

/* Why the search ends with a simulation that was given up. */
static stop_reason reason_of(const search *s, int status) {
  if (status == OUT_OF_BYTES) return STOP_MAX_BYTES;
  return stop_is_cancelled(s) ? STOP_CANCELLED : STOP_TIME_LIMIT;
}

static int run(search *s, stop_reason *reason) {
  while ((*reason = stop_now(s)) == STOP_NONE) {
    int status = simulate(s);
    if (status == MCTS_OK) continue;
    *reason = reason_of(s, status);
    return status == FAILED ? FAILED : MCTS_OK;
  }
  return MCTS_OK;
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
