#include "batch.h"

#include <stdlib.h>

#include "simulate.h"

enum { BATCH_ROWS = 1024 }; /* of one call */

/* What a search waits for: that its question about values and priors, or about a step, is answered;
 * or nothing but its turn. */
enum { VALUES, STEPS, REST, KINDS };

/* A cursor at a question, and the number of its search. */
typedef struct {
  cursor *asking;
  uint32_t of;
} question;

typedef struct {
  question *rows; /* [cursors of all searches] */
  uint32_t count;
} queue;

/* Rows of questions of one kind, and room for the answers. */
struct batch {
  search **searches;
  batch_end *ends;
  uint32_t count, active; /* searches; those that have not ended */
  uint32_t in_flight;     /* cursors of one of them */
  uint64_t cursors;       /* of all */
  const search_limits *each; /* of every search; NULL: all have those of the first */
  atomic_int *wake;          /* see batch_wake_by */
  int64_t longest_round;
  int64_t slice_deadline;
  uint64_t slice_simulations; /* of the first search; 0: any number */
  const mcts_model *model;
  size_t state_size, observation_size;
  bool observes, observing; /* observations are asked for at all; are in this call */
  bool opens;               /* the model is asked for priors */
  bool tells;               /* a step comes with what is to be asked about where it leads */
  cursor **at_question; /* scratch: [in_flight] of one search */
  queue queues[2][KINDS]; /* of this round and of the next */
  int next;               /* which of the two the next round's are */
  int64_t rows, room;
  uint32_t *of;    /* [room] the number of the search whose question a row is */
  cursor **asking; /* [room] */
  unsigned char *states, *next_states, *observations;
  int64_t *actions;
  mcts_bitgen **rngs;
  uint64_t *counters; /* of the streams, before the call */
  double *numbers;    /* [room][players]: rewards or values */
  double *priors;     /* [room][max_actions], where they are weighed */
  double *values;     /* [room][players], where steps come with them */
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
  b->values = calloc(b->tells ? n : 1, players * sizeof *b->values);
  b->at_question = calloc(b->in_flight, sizeof *b->at_question);
  bool queued = true;
  for (int i = 0; i < 2 * KINDS; i++) {
    queue *q = &b->queues[i / KINDS][i % KINDS];
    q->rows = calloc(b->cursors, sizeof *q->rows);
    queued = queued && q->rows;
  }
  b->terminated = calloc(n, sizeof *b->terminated);
  b->status = calloc(n, sizeof *b->status);
  return b->searches && b->of && b->asking && b->states && b->next_states && b->observations &&
         b->actions && b->rngs && b->counters && b->numbers && b->priors && b->values &&
         b->terminated && b->status && b->at_question && queued;
}

static bool observes(const search *s) { return s->options.outcome_key == OUTCOME_OBSERVATION; }

static bool tells(const search *s) {
  return (s->model->flags & MCTS_MODEL_STEP_EVALUATES) && s->deterministic &&
         (s->asks_priors || s->asks_values);
}

bool batch_holds_both(const search *a, const search *b) {
  return a->model == b->model && a->ctx == b->ctx && a->state_size == b->state_size &&
         a->options.in_flight == b->options.in_flight && a->asks_priors == b->asks_priors &&
         observes(a) == observes(b) && tells(a) == tells(b);
}

batch *batch_new(search **searches, uint32_t count) {
  batch *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  const search *first = searches[0];
  b->count = count;
  b->in_flight = first->options.in_flight;
  b->cursors = (uint64_t)count * b->in_flight;
  b->model = first->model;
  b->state_size = first->state_size;
  b->observes = observes(first);
  b->opens = first->asks_priors;
  b->observation_size = b->observes ? first->model->observation_bytes : 0;
  b->tells = tells(first);
  b->room = (int64_t)(b->cursors < BATCH_ROWS ? b->cursors : BATCH_ROWS);
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
                   b->actions,  b->rngs, b->counters, b->numbers, b->priors, b->values,
                   b->terminated, b->status, b->at_question};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  for (int i = 0; i < 2 * KINDS; i++) free(b->queues[i / KINDS][i % KINDS].rows);
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

static void enqueue(batch *b, int kind, cursor *c, uint32_t k) {
  queue *q = &b->queues[b->next][kind];
  q->rows[q->count++] = (question){c, k};
}

/* Takes a search as far as it gets without the model; its questions are for the next round. */
static void pump(batch *b, uint32_t k) {
  search *s = b->searches[k];
  stop_reason reason;
  uint32_t count = 0;
  int status = s->loop.pump(s, b->at_question, &count, &reason);
  if (status < 0) {
    bool failed = status == FAILED;
    end_search(b, k, failed ? FAILED : MCTS_OK, failed ? STOP_NONE : STOP_MAX_BYTES);
  } else if (reason != STOP_NONE) {
    end_search(b, k, MCTS_OK, reason);
  } else {
    for (uint32_t i = 0; i < count; i++) {
      cursor *c = b->at_question[i];
      bool steps = c->phase == CURSOR_STEPPING || c->phase == CURSOR_ROLLING;
      enqueue(b, steps ? STEPS : VALUES, c, k);
    }
    if (count == 0) enqueue(b, REST, NULL, k);
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
  state_copy(b->states + (size_t)row * b->state_size, cursor_state(b->searches[k], c),
             b->state_size);
}

static void clear_answers(batch *b) {
  size_t n = (size_t)b->rows, players = b->model->num_players;
  memset(b->next_states, 0, n * b->state_size);
  memset(b->observations, 0, n * b->observation_size);
  for (size_t i = 0; i < n * players; i++) b->numbers[i] = NAN;
  for (size_t i = 0; b->opens && i < n * b->model->max_actions; i++) b->priors[i] = NAN;
  for (size_t i = 0; b->tells && i < n * players; i++) b->values[i] = NAN;
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
                         b->terminated + first, observations, b->tells ? priors : NULL,
                         b->tells && values ? b->values + (size_t)first * m->num_players : NULL,
                         b->status + first);
  if (!steps && m->evaluate_batch)
    return m->evaluate_batch(ctx, count, states, priors, values, b->status + first);
  return steps ? m->sample(ctx, states, b->actions[first], b->rngs[first], next, numbers,
                           b->terminated + first, observations)
               : m->evaluate(ctx, states, priors, values);
}

static const char *problem_of_values(const mcts_model *m, const double *values) {
  if (!(m->flags & MCTS_MODEL_VALUES)) return NULL;
  for (uint32_t p = 0; p < m->num_players; p++)
    if (!ask_is_sound(values[p])) return ASK_VALUE_PROBLEM;
  return NULL;
}

static const char *problem_of(const batch *b, int64_t row, bool steps) {
  const mcts_model *m = b->model;
  size_t at = (size_t)row * m->num_players;
  if (!steps) return problem_of_values(m, b->numbers + at);
  const char *problem = ask_step_problem(b->numbers + at, m->num_players, b->terminated[row]);
  bool told = b->tells && !problem && !b->terminated[row];
  return told ? problem_of_values(m, b->values + at) : problem;
}

static void numbers_copy(double *to, const double *rows, int64_t row, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = rows[(size_t)row * count + i];
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
  double *to = in_tree ? cursor_rewards(s, c, s->recipe) : c->answer;
  numbers_copy(to, b->numbers, row, m->num_players);
  bool told = steps && b->tells && in_tree && !b->terminated[row];
  if (b->opens && (told || c->phase == CURSOR_OPENING))
    numbers_copy(c->priors, b->priors, row, m->max_actions);
  if (told && (m->flags & MCTS_MODEL_VALUES))
    numbers_copy(c->answer, b->values, row, m->num_players);
  c->told = told;
  if (c->phase == CURSOR_OPENING) {
    c->phase = CURSOR_OPENED;
    return;
  }
  if (!steps) {
    c->phase = CURSOR_VALUED;
    return;
  }
  state_copy(c->next, next, b->state_size);
  if (b->observing)
    memcpy(c->observation, row_of(b->observations, b->observation_size, row), b->observation_size);
  c->holds_next = m->release != NULL;
  c->terminated = b->terminated[row];
  c->phase = in_tree ? CURSOR_ARRIVING : CURSOR_ROLLED;
}

/* With one simulation in flight a search has nothing else to wait for. */
static void go_on(batch *b, int64_t row) {
  if (b->in_flight == 1 && !has_ended(b, b->of[row])) pump(b, b->of[row]);
}

/* What the next rows' searches are looked at for lies apart for each of them: it comes while this
 * row is at work. */
static void fetch_ahead(const batch *b, int64_t row) {
  if (row + 2 < b->rows) {
    const char *s = (const char *)b->searches[b->of[row + 2]];
    for (size_t at = 0; at < sizeof(search); at += ARENA_LINE) __builtin_prefetch(s + at);
    const char *c = (const char *)b->asking[row + 2];
    for (size_t at = 0; at < sizeof(cursor); at += ARENA_LINE) __builtin_prefetch(c + at);
  }
  if (row + 1 >= b->rows) return;
  const search *s = b->searches[b->of[row + 1]];
  const cursor *c = b->asking[row + 1];
  __builtin_prefetch(node_at(&s->tree, s->tree.root));
  __builtin_prefetch(arena_at(&s->tree.blocks, 0) + s->tree.blocks.low);
  __builtin_prefetch(arena_at(&s->tree.blocks, 0) + s->tree.blocks.high - ARENA_LINE);
  __builtin_prefetch(c->next);
  for (uint32_t d = 0; d < c->depth; d++) __builtin_prefetch(block_at(&s->tree, c->path[d].block));
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
      go_on(b, row);
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
    for (int64_t row = 0; row < b->rows; row++) {
      fetch_ahead(b, row);
      take_answer(b, row, steps);
      go_on(b, row);
    }
  }
  b->rows = 0;
}

/* Everything in a queue gets its answer; of steps, those in the tree or those of rollouts. */
static void answer(batch *b, bool steps, bool in_tree, bool rolling) {
  queue *q = &b->queues[!b->next][steps ? STEPS : VALUES];
  for (uint32_t i = 0; i < q->count; i++) {
    question asked = q->rows[i];
    if (!asked.asking || has_ended(b, asked.of)) continue;
    if (steps && !(asked.asking->phase == CURSOR_STEPPING ? in_tree : rolling)) continue;
    q->rows[i].asking = NULL; /* it may be at its next question soon */
    add_row(b, asked.of, asked.asking);
    if (b->rows == b->room) ask(b, steps);
  }
  if (b->rows > 0) ask(b, steps);
}

static void forget_questions(batch *b, int round) {
  for (int kind = 0; kind < KINDS; kind++) b->queues[round][kind].count = 0;
}

/* One round. */
static void answer_all(batch *b) {
  b->next = !b->next;
  if (b->observes) { /* in the tree only: the model may draw for it, and rollouts need none */
    b->observing = true;
    answer(b, true, true, false);
    b->observing = false;
    answer(b, true, false, true);
  } else {
    answer(b, true, true, true);
  }
  answer(b, false, true, true);
  const queue *rest = &b->queues[!b->next][REST];
  for (uint32_t i = 0; b->in_flight == 1 && i < rest->count; i++)
    if (!has_ended(b, rest->rows[i].of)) pump(b, rest->rows[i].of);
  forget_questions(b, !b->next);
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

void batch_pause_after(batch *b, uint64_t simulations) { b->slice_simulations = simulations; }

static bool is_set(atomic_int *flag) {
  return flag && atomic_load_explicit(flag, memory_order_relaxed) != 0;
}

static stop_reason passed(const search_limits *limits, int64_t now) {
  if (is_set(limits->cancelled)) return STOP_CANCELLED;
  return now >= limits->deadline ? STOP_TIME_LIMIT : STOP_NONE;
}

/* Ends those whose own limit is reached. */
static void end_those_due(batch *b, int64_t now) {
  for (uint32_t k = 0; k < b->count; k++) {
    stop_reason reason = passed(&b->each[k], now);
    if (reason != STOP_NONE && !has_ended(b, k)) end_search(b, k, MCTS_OK, reason);
  }
}

/* Between two rounds: ends what is to end, and says whether it is time to come back. */
static bool look_around(batch *b, uint32_t active, int64_t now) {
  search *first = b->searches[0];
  if (b->each) {
    end_those_due(b, now);
    if (b->active < active) return true;
  } else {
    stop_reason reason = passed(&first->limits, now);
    if (reason != STOP_NONE) {
      end_all(b, MCTS_OK, reason);
      return true;
    }
    if (b->slice_simulations && first->simulations >= b->slice_simulations) return true;
  }
  return is_set(b->wake) || now >= b->slice_deadline;
}

/* Lets others have whatever lock the model holds. */
static void breathe(batch *b) {
  if (!b->model->enter) return;
  leave_all(b);
  enter_all(b);
}

static void set_limits(batch *b, uint32_t k, const search_limits *limits) {
  search_limits own = *limits;
  own.slice_deadline = INT64_MAX; /* looked at here, for all at once */
  search_set_limits(b->searches[k], &own);
}

/* With the limits set. */
static void run(batch *b, batch_end *ends) {
  b->ends = ends;
  b->active = 0;
  b->longest_round = 0;
  for (uint32_t k = 0; k < b->count; k++) {
    if (ends[k].reason == STOP_SLICE) ends[k].reason = STOP_NONE;
    b->active += !has_ended(b, k);
  }
  if (b->active == 0) return;
  uint32_t active = b->active;
  enter_all(b);
  int64_t before = search_now();
  for (bool first = true; b->active > 0; first = false) {
    for (uint32_t k = 0; k < b->count && (first || b->in_flight > 1); k++)
      if (!has_ended(b, k)) pump(b, k);
    answer_all(b);
    int64_t now = search_now();
    if (now - before > b->longest_round) b->longest_round = now - before;
    before = now;
    if (b->active == 0 || look_around(b, active, now)) break;
    breathe(b);
  }
  forget_questions(b, 0); /* the next run finds them again */
  forget_questions(b, 1);
  int64_t now = search_now();
  for (uint32_t k = 0; k < b->count; k++) {
    if (!has_ended(b, k)) ends[k].reason = STOP_SLICE;
    b->searches[k]->ran_before += now - b->searches[k]->run_began;
  }
  leave_all(b);
}

void batch_run(batch *b, const search_limits *limits, batch_end *ends) {
  b->each = NULL;
  b->slice_deadline = limits->slice_deadline;
  for (uint32_t k = 0; k < b->count; k++) set_limits(b, k, limits);
  run(b, ends);
}

void batch_wake_by(batch *b, atomic_int *flag) { b->wake = flag; }

int64_t batch_longest_round(const batch *b) { return b->longest_round; }

void batch_run_each(batch *b, const search_limits *each, batch_end *ends) {
  b->each = each;
  b->slice_deadline = each[0].slice_deadline;
  for (uint32_t k = 0; k < b->count; k++) set_limits(b, k, &each[k]);
  run(b, ends);
}
