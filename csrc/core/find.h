/* Finding a state in the tree, where nobody says by which actions it was reached. */
#ifndef MCTS_CORE_FIND_H
#define MCTS_CORE_FIND_H

#include "search.h"

/* Nodes with edges that a tree is looked through for, at most: who asks is to wait less than for a
 * fresh search. */
enum { FIND_MOST = 1 << 14 };

typedef struct {
  ref node;       /* 0: there is none */
  uint32_t depth; /* steps from the root; in a graph of states, by the path that came there first */
} found_node;

/* The node of `state`, from `least` to `most` steps below the root, that a search can go on from: it
 * has edges, and one was tried. The nearest; of several that are as near, the most visited. In a
 * graph of states it is found wherever it is. Entered. MCTS_OK, or, with `found` unset, FAILED (see
 * s->fault) or OUT_OF_BYTES. */
int find_state(search *s, const void *state, uint32_t least, uint32_t most, found_node *found);

/* Simulations that went on from a node with edges; a full count stays full. */
uint32_t find_tries(const tree *t, const node *n);

/* MCTS_OK and whether the node's state is `state`; else as find_state. */
int find_is_state(search *s, node *n, const void *state, bool *same);

#endif
