/* What reading a search changes, kept before and put back after it: the search goes on as if nobody
 * had looked.
 *
 * With Bellman backups the values are brought up to date before they are read, and what is not known
 * counts as the worst (settle.h). With means nothing changes, and nothing is kept.
 *
 *   base      low                                        high        size
 *   |##########|..........................................|############|    the arena
 *   |##########|############|                                               what is kept of it
 */
#ifndef MCTS_CORE_KEEP_H
#define MCTS_CORE_KEEP_H

#include "search.h"

typedef struct {
  unsigned char *bytes; /* NULL: nothing is kept */
  uint64_t settled_depth;
} kept;

/* Before the search is read. False: there is no memory for it, within what the tree may take, and the
 * search is not to be read before its end. */
bool search_keep(const search *s, kept *k);

/* After it was read. */
void search_put_back(search *s, kept *k);

#endif
