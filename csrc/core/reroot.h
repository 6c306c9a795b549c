/* Keeping the part of a tree that lies below one of its states. */
#ifndef MCTS_CORE_REROOT_H
#define MCTS_CORE_REROOT_H

#include "search.h"

enum reroot_status { NOT_IN_TREE = -120 };

/* Makes the child behind `action` with `next_state` the root. NOT_IN_TREE: there is no such
 * child with edges of its own, and the tree is as it was. OUT_OF_BYTES: the tree may be gone
 * (s->tree.root is 0). FAILED: see s->fault; the tree is as it was. */
int search_advance(search *s, int32_t action, const void *next_state);

/* Makes the node of `state` the root, wherever find_state finds it; `*steps` is how far below the
 * old root that was. What is returned is as above; a state that the model does not hold valid is
 * not in the tree. */
int search_advance_to(search *s, const void *state, uint32_t least, uint32_t most,
                      uint32_t *steps);

#endif
