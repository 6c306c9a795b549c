/* The one assertion of the native tests: says where it failed, and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(statement)                                                          \
  do {                                                                            \
    if (!(statement)) {                                                           \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #statement); \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

#endif
