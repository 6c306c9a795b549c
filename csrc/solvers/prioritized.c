#include "prioritized.h"

#include <math.h>
#include <stdlib.h>

#include "sweep.h"

/* ---- the heap ------------------------------------------------------------------------ */

static inline void put(prioritized *p, int32_t place, int32_t state) {
  p->heap[place] = state;
  p->place[state] = place;
}

static void rise(prioritized *p, int32_t state) {
  int32_t place = p->place[state];
  while (place > 0) {
    int32_t above = (place - 1) / 2, other = p->heap[above];
    if (p->priority[other] >= p->priority[state]) {
      break;
    }
    put(p, place, other);
    place = above;
  }
  put(p, place, state);
}

static void sink(prioritized *p, int32_t state) {
  const int32_t size = p->table->num_states;
  int32_t place = p->place[state];
  for (;;) {
    int64_t below = 2 * (int64_t)place + 1;
    if (below >= size) {
      break;
    }
    if (below + 1 < size && p->priority[p->heap[below + 1]] > p->priority[p->heap[below]]) {
      below++;
    }
    int32_t other = p->heap[below];
    if (p->priority[state] >= p->priority[other]) {
      break;
    }
    put(p, place, other);
    place = (int32_t)below;
  }
  put(p, place, state);
}

/* ---- backups ------------------------------------------------------------------------- */

/* Backs a state up. Returns by how much its value has changed. */
static double back_up(prioritized *p, int32_t state) {
  double old = p->values[state];
  sweep_change change;
  sweep_job job = {
      .table = p->table,
      .discount = p->discount,
      .values = p->values,
      .new_values = p->values,
  };
  sweep_nothing(&change);
  sweep_listed(&job, &state, 1, &change);
  return fabs(p->values[state] - old);
}

/* What a change of the state may change in those before it. Links of one state are side by side:
 * of its actions, the one that is surest to lead here counts. */
static void pass_on(prioritized *p, int32_t state, double change) {
  const predecessors *links = p->links;
  int32_t link = links->start[state], last = links->start[state + 1];
  while (link < last) {
    int32_t before = links->state[link];
    double probability = 0.0;
    for (; link < last && links->state[link] == before; link++) {
      double other = links->probability[link];
      probability = other > probability ? other : probability;
    }
    double increase = p->discount * probability * change;
    if (increase > 0.0) {
      p->priority[before] += increase;
      rise(p, before);
    }
  }
}

int64_t prioritized_run(prioritized *p, double threshold, int64_t most_backups) {
  int64_t count = 0;
  while (count < most_backups) {
    int32_t state = p->heap[0];
    if (!(p->priority[state] > threshold)) {
      break;
    }
    double change = back_up(p, state);
    p->priority[state] = 0.0;
    sink(p, state);
    pass_on(p, state, change);
    count++;
  }
  return count;
}

/* ---- beginning and end --------------------------------------------------------------- */

void prioritized_free(prioritized *p) {
  if (!p) {
    return;
  }
  free(p->priority);
  free(p->heap);
  free(p->place);
  free(p);
}

prioritized *prioritized_new(const sparse_table *table, const predecessors *links,
                             double discount, double *values) {
  prioritized *p = calloc(1, sizeof *p);
  if (!p) {
    return NULL;
  }
  size_t count = (size_t)table->num_states + 1;
  *p = (prioritized){
      .table = table,
      .links = links,
      .discount = discount,
      .values = values,
      .priority = calloc(count, sizeof *p->priority),
      .heap = calloc(count, sizeof *p->heap),
      .place = calloc(count, sizeof *p->place),
  };
  if (!p->priority || !p->heap || !p->place) {
    prioritized_free(p);
    return NULL;
  }
  for (int32_t state = 0; state < table->num_states; state++) {
    double old = values[state];
    p->priority[state] = back_up(p, state);
    values[state] = old;
    put(p, state, state);
    rise(p, state);
  }
  return p;
}
