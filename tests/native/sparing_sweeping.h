/* Sweeping and Dyna, whose requests for memory can be refused: their sources are part of the program
 * that includes this, first of all, so that its requests can be told from others'. */
#ifndef SPARING_SWEEPING_H
#define SPARING_SWEEPING_H

#include <stdbool.h>
#include <stdlib.h>

static long requests, refuse_at; /* the number of the request that is refused; 0: none */

static bool refused(void) { return ++requests == refuse_at; }

static void *sparing_calloc(size_t count, size_t size) {
  return refused() ? NULL : calloc(count, size);
}

static void *sparing_realloc(void *block, size_t size) {
  return refused() ? NULL : realloc(block, size);
}

#define calloc sparing_calloc
#define realloc sparing_realloc
#include "dyna.c"
#include "queue.c"
#include "outcomes.c"
#define update update_pair /* both have one */
#include "sweeper.c"
#undef update
#undef calloc
#undef realloc

#endif
