#include "batch.h"

#include <stdlib.h>

#include "simulate.h"

enum {
  BATCH_ROWS = 1024, /* of one call */
  BATCH_TURN = 64    /* simulations that one search may end before the others have their turn */
};

/* Rows of questions of one kind, and room for the answers. */
struct batch {
  search **searches;
  batch_end *ends;
  uint32_t count, active; /* searches; those that have not ended */
  bool slice_is_over;
  int64_t slice_deadline;
  const mcts_model *model;
  size_t state_size, observation_size;
  bool observes, observing; /* observations are asked for at all; are in this call */
  bool opens;               /* the model is asked for priors */
  int64_t rows, room;
  uint32_t *of;    /* [room] the number of the search whose question a row is */
  cursor **asking; /* [room] */
  unsigned char *states, *next_states, *observations;
  int64_t *actions;
  mcts_bitgen **rngs;
  uint64_t *counters; /* of the streams, before the call */
  double *numbers;    /* [room][players]: rewards or values */
  double *priors;     /* [room][max_actions], where they are weighed */
  int32_t *terminated, *status;
};

static bool allocate_rows(batch *b) {
  size_t n = (size_t)b->room, players = b->model->num_players;
  b->searches = calloc(b->count, sizeof *b->searches);
  b->of = calloc(n, sizeof *b->of);
  b->asking = calloc(n, sizeof *b->asking);
  b->states = calloc(n, b->state_size);
  b->next_states = calloc(n, b->state_size);
  b->observations = calloc(n, b->observation_size + 8);
  b->actions = calloc(n, sizeof *b->actions);
  b->rngs = calloc(n, sizeof *b->rngs);
  b->counters = calloc(n, sizeof *b->counters);
  b->numbers = calloc(n, players * sizeof *b->numbers);
  b->priors = calloc(b->opens ? n : 1, b->model->max_actions * sizeof *b->priors);
  b->terminated = calloc(n, sizeof *b->terminated);
  b->status = calloc(n, sizeof *b->status);
  return b->searches && b->of && b->asking && b->states && b->next_states && b->observations &&
         b->actions && b->rngs && b->counters && b->numbers && b->priors && b->terminated && b->status;
}

batch *batch_new(search **searches, uint32_t count) {
  batch *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  const search *first = searches[0];
  uint64_t cursors = 0;
  for (uint32_t i = 0; i < count; i++) cursors += searches[i]->options.in_flight;
  b->count = count;
  b->model = first->model;
  b->state_size = first->state_size;
  b->observes = first->options.outcome_key == OUTCOME_OBSERVATION;
  b->opens = first->asks_priors;
  b->observation_size = b->observes ? first->model->observation_bytes : 0;
  b->room = (int64_t)(cursors < BATCH_ROWS ? cursors : BATCH_ROWS);
  if (!allocate_rows(b)) {
    batch_free(b);
    return NULL;
  }
  memcpy(b->searches, searches, count * sizeof *searches);
  return b;
}

void batch_free(batch *b) {
  if (!b) return;
  void *owned[] = {b->searches, b->of,   b->asking,   b->states,  b->next_states, b->observations,
                   b->actions,  b->rngs, b->counters, b->numbers, b->priors, b->terminated, b->status};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(b);
}

/* ---- one search ---------------------------------------------------------------------------- */

static bool has_ended(const batch *b, uint32_t k) {
  return b->ends[k].status != MCTS_OK || b->ends[k].reason != STOP_NONE;
}

static void end_search(batch *b, uint32_t k, int status, stop_reason reason) {
  b->ends[k] = (batch_end){status, reason};
  b->active -= 1;
  search_abandon(b->searches[k]);
}

static cursor *cursor_of(search *s, uint64_t simulation) {
  return &s->cursors[simulation % s->options.in_flight];
}

/* True if a new simulation may begin. Otherwise `*reason` says what speaks against it for good;
 * STOP_NONE: only that enough are in flight. */
static bool may_start(search *s, stop_reason *reason) {
  *reason = STOP_NONE;
  uint64_t flying = s->started - s->simulations;
  if (flying >= s->options.in_flight) return false;
  /* The first one opens the root, for all. */
  bool opens = (s->recipe & RECIPE_PRIORS) && flying > 0;
  if (opens && !(node_at(&s->tree, s->tree.root)->flags & NODE_OPEN)) return false;
  *reason = stop_now(s, s->started);
  return *reason == STOP_NONE;
}

/* Takes every simulation as far as it gets without the model, backs up those whose turn it is,
 * and starts others in their place. */
static void pump(batch *b, uint32_t k) {
  search *s = b->searches[k];
  uint64_t turn_ends = s->simulations + BATCH_TURN;
  for (uint64_t i = s->simulations; s->simulations < turn_ends; i++) {
    cursor *c = cursor_of(s, i);
    if (i == s->started) {
      stop_reason reason;
      if (!may_start(s, &reason)) {
        /* What is in flight is brought home, unless it would change nothing. */
        bool drains = reason == STOP_SIMULATIONS && s->started > s->simulations;
        if (reason != STOP_NONE && !drains) end_search(b, k, MCTS_OK, reason);
        return;
      }
      cursor_begin(s, c, i, s->recipe);
      s->started += 1;
    }
    int status = cursor_advance_to_question(s, c, s->recipe);
    if (status < 0) {
      bool failed = status == FAILED;
      end_search(b, k, failed ? FAILED : MCTS_OK, failed ? STOP_NONE : STOP_MAX_BYTES);
      return;
    }
    if (c->phase == CURSOR_BACKING_UP && i == s->simulations) {
      backup(s, c, s->recipe);
      cursor_let_go(s, c);
      settle_when_due(s, s->recipe);
    }
  }
}

/* ---- questions ----------------------------------------------------------------------------- */

static void add_row(batch *b, uint32_t k, cursor *c) {
  int64_t row = b->rows++;
  b->of[row] = k;
  b->asking[row] = c;
  b->actions[row] = c->action;
  b->rngs[row] = &c->rng;
  b->counters[row] = c->counter;
  memcpy(b->states + (size_t)row * b->state_size, cursor_state(b->searches[k], c), b->state_size);
}

static void clear_answers(batch *b) {
  size_t n = (size_t)b->rows, players = b->model->num_players;
  memset(b->next_states, 0, n * b->state_size);
  memset(b->observations, 0, n * b->observation_size);
  for (size_t i = 0; i < n * players; i++) b->numbers[i] = NAN;
  for (size_t i = 0; b->opens && i < n * b->model->max_actions; i++) b->priors[i] = NAN;
  for (size_t i = 0; i < n; i++) {
    b->terminated[i] = -1;
    b->status[i] = MCTS_OK;
  }
}

static void *row_of(unsigned char *rows, size_t size, int64_t row) {
  return rows + (size_t)row * size;
}

/* The function that answers, for the faults. */
static const char *function_of(const mcts_model *m, bool steps) {
  if (steps) return m->step_batch ? "step_batch" : "sample";
  return m->evaluate_batch ? "evaluate_batch" : "evaluate";
}

static int ask_rows(batch *b, int64_t first, int64_t count, bool steps) {
  const mcts_model *m = b->model;
  void *ctx = b->searches[0]->ctx;
  void *states = row_of(b->states, b->state_size, first);
  void *next = row_of(b->next_states, b->state_size, first);
  double *numbers = b->numbers + (size_t)first * m->num_players;
  double *priors = b->opens ? b->priors + (size_t)first * m->max_actions : NULL;
  double *values = m->flags & MCTS_MODEL_VALUES ? numbers : NULL;
  void *observations =
      b->observing ? row_of(b->observations, b->observation_size, first) : NULL;
  if (steps && m->step_batch)
    return m->step_batch(ctx, count, states, b->actions + first, b->rngs + first, next, numbers,
                         b->terminated + first, observations, NULL, NULL, b->status + first);
  if (!steps && m->evaluate_batch)
    return m->evaluate_batch(ctx, count, states, priors, values, b->status + first);
  return steps ? m->sample(ctx, states, b->actions[first], b->rngs[first], next, numbers,
                           b->terminated + first, observations)
               : m->evaluate(ctx, states, priors, values);
}

static const char *problem_of(const batch *b, int64_t row, bool steps) {
  const mcts_model *m = b->model;
  const double *numbers = b->numbers + (size_t)row * m->num_players;
  if (steps) return ask_step_problem(m, numbers, b->terminated[row]);
  if (!(m->flags & MCTS_MODEL_VALUES)) return NULL;
  for (uint32_t p = 0; p < m->num_players; p++)
    if (!ask_is_sound(numbers[p])) return ASK_VALUE_PROBLEM;
  return NULL;
}

/* Hands one answer to the cursor that asked, or ends its search. */
static void take_answer(batch *b, int64_t row, bool steps) {
  uint32_t k = b->of[row];
  search *s = b->searches[k];
  cursor *c = b->asking[row];
  const mcts_model *m = b->model;
  void *next = row_of(b->next_states, b->state_size, row);
  const char *problem = b->status[row] < 0 ? NULL : problem_of(b, row, steps);
  bool fails = b->status[row] < 0 || problem;
  if (fails && !has_ended(b, k)) {
    fault_set(&s->fault, m, s->ctx, function_of(m, steps), problem, b->status[row]);
    end_search(b, k, FAILED, STOP_NONE);
  }
  if (has_ended(b, k)) {
    if (steps && b->status[row] == MCTS_OK) search_release(s, next);
    return;
  }
  bool in_tree = c->phase == CURSOR_STEPPING;
  double *to = in_tree ? cursor_rewards(s, c) : c->answer;
  memcpy(to, b->numbers + (size_t)row * m->num_players, m->num_players * sizeof *to);
  if (c->phase == CURSOR_OPENING) {
    if (b->opens)
      memcpy(c->priors, b->priors + (size_t)row * m->max_actions,
             m->max_actions * sizeof *c->priors);
    c->phase = CURSOR_OPENED;
    return;
  }
  if (!steps) {
    c->phase = CURSOR_VALUED;
    return;
  }
  memcpy(c->next, next, b->state_size);
  if (b->observing)
    memcpy(c->observation, row_of(b->observations, b->observation_size, row), b->observation_size);
  c->holds_next = m->release != NULL;
  c->terminated = b->terminated[row];
  c->phase = in_tree ? CURSOR_ARRIVING : CURSOR_ROLLED;
}

/* Rows one by one: because the model has no batch function, or so that of a call that failed
 * only those fail that make it fail. */
static void ask_one_by_one(batch *b, bool steps) {
  for (int64_t row = 0; row < b->rows; row++) {
    if (!has_ended(b, b->of[row])) {
      b->asking[row]->counter = b->counters[row];
      int status = ask_rows(b, row, 1, steps);
      if (status < 0) b->status[row] = status;
      take_answer(b, row, steps);
    }
  }
}

static void ask(batch *b, bool steps) {
  const mcts_model *m = b->model;
  clear_answers(b);
  if (steps ? !m->step_batch : !m->evaluate_batch) {
    ask_one_by_one(b, steps);
  } else if (ask_rows(b, 0, b->rows, steps) < 0) {
    clear_answers(b);
    ask_one_by_one(b, steps);
  } else {
    for (int64_t row = 0; row < b->rows; row++) take_answer(b, row, steps);
  }
  b->rows = 0;
}

/* Every cursor in one of the phases, as bits, gets its answer. */
static void answer(batch *b, unsigned phases, bool steps) {
  for (uint32_t k = 0; k < b->count; k++) {
    search *s = b->searches[k];
    for (uint64_t i = s->simulations; i < s->started && !has_ended(b, k); i++) {
      if (!(phases >> cursor_of(s, i)->phase & 1u)) continue;
      add_row(b, k, cursor_of(s, i));
      if (b->rows == b->room) ask(b, steps);
    }
  }
  if (b->rows > 0) ask(b, steps);
}

static void answer_all(batch *b) {
  const unsigned in_tree = 1u << CURSOR_STEPPING, rolling = 1u << CURSOR_ROLLING;
  if (b->observes) { /* in the tree only: the model may draw for it, and rollouts need none */
    b->observing = true;
    answer(b, in_tree, true);
    b->observing = false;
    answer(b, rolling, true);
  } else {
    answer(b, in_tree | rolling, true);
  }
  answer(b, 1u << CURSOR_VALUING | 1u << CURSOR_OPENING, false);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void end_all(batch *b, int status, stop_reason reason) {
  for (uint32_t k = 0; k < b->count; k++)
    if (!has_ended(b, k)) end_search(b, k, status, reason);
}

/* All searches share one model and one context: it is entered once. */
static void enter_all(batch *b) {
  search *first = b->searches[0];
  fault before = first->fault;
  if (search_enter(first) < 0) {
    fault now = first->fault;
    if (has_ended(b, 0)) first->fault = before;
    for (uint32_t k = 0; k < b->count; k++)
      if (!has_ended(b, k)) b->searches[k]->fault = now;
    end_all(b, FAILED, STOP_NONE);
    return;
  }
  for (uint32_t k = 1; k < b->count; k++) {
    search *s = b->searches[k];
    s->entered = true;
    if (s->left_over) search_abandon(s);
  }
}

static void leave_all(batch *b) {
  for (uint32_t k = 1; k < b->count; k++) b->searches[k]->entered = false;
  search_leave(b->searches[0]);
}

/* Between two rounds: what applies to all. */
static void look_around(batch *b) {
  search *first = b->searches[0];
  int64_t now = search_now();
  if (stop_is_cancelled(first)) end_all(b, MCTS_OK, STOP_CANCELLED);
  else if (now >= first->limits.deadline) end_all(b, MCTS_OK, STOP_TIME_LIMIT);
  else if (now >= b->slice_deadline) b->slice_is_over = true;
  else if (b->model->enter) {
    leave_all(b);
    enter_all(b);
  }
}

void batch_run(batch *b, const search_limits *limits, batch_end *ends) {
  search_limits own = *limits;
  own.slice_deadline = INT64_MAX; /* looked at here, for all at once */
  b->slice_deadline = limits->slice_deadline;
  b->slice_is_over = false;
  b->ends = ends;
  b->active = 0;
  for (uint32_t k = 0; k < b->count; k++) {
    if (ends[k].reason == STOP_SLICE) ends[k].reason = STOP_NONE;
    b->active += !has_ended(b, k);
    search_set_limits(b->searches[k], &own);
  }
  if (b->active == 0) return;
  enter_all(b);
  while (b->active > 0 && !b->slice_is_over) {
    for (uint32_t k = 0; k < b->count; k++)
      if (!has_ended(b, k)) pump(b, k);
    answer_all(b);
    if (b->active > 0) look_around(b);
  }
  for (uint32_t k = 0; k < b->count; k++)
    if (!has_ended(b, k)) ends[k].reason = STOP_SLICE;
  leave_all(b);
}
