/* One simulation in progress: everything that must outlive a question to the model, so that
 * one search can be a single cursor whose questions are answered on the spot, and a batch
 * many cursors whose questions are gathered. */
#ifndef MCTS_CORE_CURSOR_H
#define MCTS_CORE_CURSOR_H

#include "tree.h"

typedef enum {
  CURSOR_DONE,
  CURSOR_SELECTING,  /* at a node with something to choose */
  CURSOR_OPENING,    /* asks the model: priors and value of a node, where priors are weighed */
  CURSOR_OPENED,     /* the model has answered */
  CURSOR_STEPPING,   /* asks the model: one step down the tree */
  CURSOR_ARRIVING,   /* the model has answered: which child is it? */
  CURSOR_EVALUATING, /* at a leaf: what is it worth? */
  CURSOR_ROLLING,    /* asks the model: one step of a rollout */
  CURSOR_ROLLED,     /* the model has answered */
  CURSOR_VALUING,    /* asks the model: the value of where it stands */
  CURSOR_VALUED,     /* the model has answered */
  CURSOR_BACKING_UP
} cursor_phase;

/* One edge of the path. */
typedef struct {
  ref block; /* of the edge's node, when it was chosen */
  uint32_t edge;
  ref outcome; /* 0 in a deterministic model */
} cursor_step;

typedef struct {
  cursor_phase phase;
  ref node;        /* where it is in the tree */
  uint32_t depth;  /* steps from the root: the length of the path */
  uint32_t chosen; /* edges of the path that count it as in flight */
  uint32_t rolled; /* steps of the rollout */
  int32_t action;  /* that is asked about */
  bool terminated; /* by the last answer */
  bool holds_next; /* `next` is an answer that nobody has taken over yet */
  bool told;       /* priors and value of that state have come with it */
  bool owns;       /* it stands in `spare`, and owns that state; else in its node's, or in one
                      of the root's */
  uint32_t particle; /* which one of the root's it started from */
  double weight;     /* of a reward at the next step of the rollout */
  uint64_t counter;  /* of its random stream */
  mcts_bitgen rng;
  cursor_step *path; /* [bound] */
  double *rewards;   /* [bound][players], of each step of the path */
  double *returns;   /* [players], from where it is to the end */
  double *answer;    /* [players]: the rewards of a rollout's step, or values */
  double *priors;    /* [max_actions], where nodes are opened */
  ref spare_leaf;    /* the block of a leaf that has edges now, for the next one; see leaf.h */
  ref spare_single;  /* blocks of nodes that have larger ones now; see single.h */
  void *next, *spare; /* two states: what the model writes, and where it stands */
  void *observation;
} cursor;

#endif
