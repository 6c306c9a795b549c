/* A queue of pairs, the most urgent first, in which a pair's priority can change. */
#ifndef MCTS_SWEEPING_QUEUE_H
#define MCTS_SWEEPING_QUEUE_H

#include <stdint.h>

typedef struct queue {
  int32_t *heap;    /* [num_pairs], the first `count` of them in use */
  int32_t *place;   /* [num_pairs]: where in the heap a pair is; -1: it is not */
  double *priority; /* [num_pairs], of those that are queued */
  int32_t count;
} queue;

/* MCTS_ERROR: no memory; there is nothing to free then. */
int queue_begin(queue *q, int32_t num_pairs);
void queue_end(queue *q);

/* Puts a pair in, or to its new place. */
void queue_put(queue *q, int32_t pair, double priority);
/* Takes a pair out, if it is in. */
void queue_remove(queue *q, int32_t pair);

/* The pair of the highest priority, of equal ones the lowest number. There must be one. */
static inline int32_t queue_first(const queue *q) { return q->heap[0]; }

#endif
