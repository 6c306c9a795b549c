/* One simulation in progress: everything that must outlive a question to the model, so that
 * one search can be a single cursor whose questions are answered on the spot, and a batch
 * many cursors whose questions are gathered. */
#ifndef MCTS_CORE_CURSOR_H
#define MCTS_CORE_CURSOR_H

#include "tree.h"

typedef enum {
  CURSOR_SELECTING,  /* at a node with something to choose */
  CURSOR_STEPPING,   /* asks the model: one step down the tree */
  CURSOR_ARRIVING,   /* the model has answered: which child is it? */
  CURSOR_EVALUATING, /* at a leaf; asks the model what it is worth */
  CURSOR_BACKING_UP,
  CURSOR_DONE
} cursor_phase;

/* One edge of the path. */
typedef struct {
  ref node;
  uint32_t edge;
  ref outcome; /* 0 in a deterministic model */
} cursor_step;

typedef struct {
  cursor_phase phase;
  ref node;       /* where it is */
  uint32_t depth; /* steps from the root: the length of the path */
  bool terminated;
  uint64_t counter; /* of its random stream */
  mcts_bitgen rng;
  cursor_step *path; /* [bound] */
  double *rewards;   /* [bound][players], of each step of the path */
  double *returns;   /* [players], from where it is to the end */
  double *step_rewards; /* [players], scratch of a rollout */
  void *next, *spare;   /* two states: what the model writes, and where a rollout stands */
  void *key;
} cursor;

#endif
