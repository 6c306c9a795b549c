/* Of Sutton and Barto (2018), section 8.4, with two changes that give a plain invariant: the queue
 * holds exactly the pairs whose error is above the threshold, by the error that they have now.
 *
 * A priority follows its pair's error down as well as up, where the book keeps the greatest it
 * ever had. And a pair is looked at again after its own backup, which matters where the step size
 * is below 1. When the queue is empty, nothing that was seen is more wrong than the threshold. */
#include "sweeper.h"

#include <math.h>
#include <stdlib.h>

#include "action_values.h"

int sweeper_begin(sweeper *s, const sweeper_options *options, double *q) {
  int32_t num_states = options->num_states, num_actions = options->num_actions;
  *s = (sweeper){.q = q,
                 .discount = options->discount,
                 .step_size = options->step_size,
                 .threshold = options->threshold};
  s->values = calloc((size_t)num_states, sizeof *s->values);
  if (!s->values || outcomes_begin(&s->seen, num_states, num_actions, options->kept) != MCTS_OK ||
      queue_begin(&s->urgent, num_states * num_actions) != MCTS_OK) {
    sweeper_end(s);
    return MCTS_ERROR;
  }
  for (int32_t i = 0; i < num_states; i++) {
    s->values[i] = best_value(q + (int64_t)i * num_actions, num_actions);
  }
  return MCTS_OK;
}

void sweeper_end(sweeper *s) {
  outcomes_end(&s->seen);
  queue_end(&s->urgent);
  free(s->values);
  *s = (sweeper){0};
}

/* sum p(s', r | s, a) * (r + discount * V(s')), over what was seen: equation 4.10 of the book. */
static double backup(const sweeper *s, int32_t pair) {
  double tries = (double)s->seen.tries[pair];
  double total = 0.0;
  for (int32_t i = s->seen.first_of_pair[pair]; i != NO_OUTCOME;) {
    const outcome *o = s->seen.all + i;
    double following = o->terminated ? 0.0 : s->discount * s->values[o->next_state];
    total += (double)o->count / tries * (o->reward + following);
    i = o->next_of_pair;
  }
  return total;
}

double sweeper_error(const sweeper *s, int32_t pair) {
  return was_tried(&s->seen, pair) ? fabs(backup(s, pair) - s->q[pair]) : 0.0;
}

static void look_at(sweeper *s, int32_t pair) {
  double error = sweeper_error(s, pair);
  if (error > s->threshold) {
    queue_put(&s->urgent, pair, error);
  } else {
    queue_remove(&s->urgent, pair);
  }
}

int sweeper_observe(sweeper *s, int32_t pair, double reward, int32_t next_state,
                    int32_t terminated, int64_t times) {
  if (outcomes_add(&s->seen, pair, reward, next_state, terminated, times) != MCTS_OK) {
    return MCTS_ERROR;
  }
  look_at(s, pair);
  return MCTS_OK;
}

static void look_at_predecessors(sweeper *s, int32_t state) {
  for (int32_t i = s->seen.into[state]; i != NO_OUTCOME; i = s->seen.all[i].into_after) {
    look_at(s, s->seen.all[i].pair);
  }
}

static void update(sweeper *s, int32_t pair) {
  double target = backup(s, pair);
  /* At step size 1 the difference would add an error of rounding. */
  s->q[pair] = s->step_size == 1.0 ? target : s->q[pair] + s->step_size * (target - s->q[pair]);
  int32_t num_actions = s->seen.num_actions;
  int32_t state = pair / num_actions;
  double value = best_value(s->q + (int64_t)state * num_actions, num_actions);
  if (value != s->values[state]) {
    s->values[state] = value;
    look_at_predecessors(s, state);
  }
  look_at(s, pair);
}

int64_t sweeper_sweep(sweeper *s, int64_t updates) {
  int64_t done = 0;
  while (done < updates && s->urgent.count > 0) {
    update(s, queue_first(&s->urgent));
    done++;
  }
  return done;
}
