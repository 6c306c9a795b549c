/* The core, whose requests for memory can be refused: those of its sources that make any are part of
 * the program that includes this, first of all, so that its requests can be told from others'. */
#ifndef SPARING_CORE_H
#define SPARING_CORE_H

#define _GNU_SOURCE
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>

static long requests, refuse_at; /* the number of the request that is refused; 0: none */

static bool refused(void) { return ++requests == refuse_at; }

static void *sparing_calloc(size_t count, size_t size) {
  return refused() ? NULL : calloc(count, size);
}

static void *sparing_realloc(void *block, size_t size) {
  return refused() ? NULL : realloc(block, size);
}

static void *sparing_mmap(void *at, size_t bytes, int protection, int flags, int file,
                          off_t offset) {
  return refused() ? MAP_FAILED : mmap(at, bytes, protection, flags, file, offset);
}

static int sparing_mprotect(void *at, size_t bytes, int protection) {
  return refused() ? -1 : mprotect(at, bytes, protection);
}

#define calloc sparing_calloc
#define realloc sparing_realloc
#define mmap sparing_mmap
#define mprotect sparing_mprotect
#include "arena.c"
#include "batch.c"
#include "find.c"
#include "logarithm.c"
#include "parallel.c"
#include "refuse.c"
#include "reroot.c"
#include "search.c"
#undef calloc
#undef realloc
#undef mmap
#undef mprotect

#endif
