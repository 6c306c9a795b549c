/* How a built-in model says why a call failed: a text for each thread. */
#ifndef MCTS_FAILURE_H
#define MCTS_FAILURE_H

#include <stdarg.h>
#include <stdio.h>

#if defined(__GNUC__)
#define MCTS_LIKE_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define MCTS_LIKE_PRINTF
#endif

static _Thread_local char failure[200];

/* Keeps the text for `failure_text` and returns the status. */
MCTS_LIKE_PRINTF static int fail(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure, sizeof failure, format, arguments);
  va_end(arguments);
  return status;
}

/* The model's `error_text`. */
static const char *failure_text(void *ctx) {
  (void)ctx;
  return failure;
}

#endif
