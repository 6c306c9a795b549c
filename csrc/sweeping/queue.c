/* A binary heap that knows where each pair is.
 *
 *     heap     | 8 | 3 | 5 | ...        every pair comes before the two below it, at 2i + 1 and
 *     place      [8] = 0, [3] = 1       2i + 2
 *
 * The order is total, by priority and then by number, so that the order of pairs does not depend
 * on how they came to be queued. */
#include "queue.h"

#include <stdlib.h>

#include "mcts_model.h"

enum { NOT_QUEUED = -1 };

int queue_begin(queue *q, int32_t num_pairs) {
  *q = (queue){0};
  q->heap = calloc((size_t)num_pairs, sizeof *q->heap);
  q->place = calloc((size_t)num_pairs, sizeof *q->place);
  q->priority = calloc((size_t)num_pairs, sizeof *q->priority);
  if (!q->heap || !q->place || !q->priority) {
    queue_end(q);
    return MCTS_ERROR;
  }
  for (int32_t i = 0; i < num_pairs; i++) {
    q->place[i] = NOT_QUEUED;
  }
  return MCTS_OK;
}

void queue_end(queue *q) {
  free(q->heap);
  free(q->place);
  free(q->priority);
  *q = (queue){0};
}

static inline int comes_before(const queue *q, int32_t pair, int32_t other) {
  double mine = q->priority[pair], theirs = q->priority[other];
  return mine > theirs || (mine == theirs && pair < other);
}

static inline void set_place(queue *q, int32_t place, int32_t pair) {
  q->heap[place] = pair;
  q->place[pair] = place;
}

static void move_up(queue *q, int32_t place, int32_t pair) {
  while (place > 0) {
    int32_t above = (place - 1) / 2;
    if (!comes_before(q, pair, q->heap[above])) {
      break;
    }
    set_place(q, place, q->heap[above]);
    place = above;
  }
  set_place(q, place, pair);
}

static void move_down(queue *q, int32_t place, int32_t pair) {
  while (place < q->count / 2) { /* it has one below it */
    int32_t below = 2 * place + 1;
    if (below + 1 < q->count && comes_before(q, q->heap[below + 1], q->heap[below])) {
      below++;
    }
    if (!comes_before(q, q->heap[below], pair)) {
      break;
    }
    set_place(q, place, q->heap[below]);
    place = below;
  }
  set_place(q, place, pair);
}

/* One of the two finds nothing to do. */
static void settle(queue *q, int32_t place, int32_t pair) {
  move_up(q, place, pair);
  move_down(q, q->place[pair], pair);
}

void queue_put(queue *q, int32_t pair, double priority) {
  q->priority[pair] = priority;
  int32_t place = q->place[pair];
  if (place == NOT_QUEUED) {
    place = q->count++;
  }
  settle(q, place, pair);
}

void queue_remove(queue *q, int32_t pair) {
  int32_t place = q->place[pair];
  if (place == NOT_QUEUED) {
    return;
  }
  q->place[pair] = NOT_QUEUED;
  int32_t last = q->heap[--q->count];
  if (last != pair) {
    settle(q, place, last);
  }
}
