/* The loops over simulations, compiled once for any CPU and, on x86-64, once more for those with AVX2
 * and what came with it: the same bits by other instructions. */
#ifndef MCTS_CORE_LOOPS_H
#define MCTS_CORE_LOOPS_H

#include "search.h"

/* For that recipe. */
search_loop loop_portable(unsigned recipe);
#ifdef HAVE_LOOP_AVX2
search_loop loop_avx2(unsigned recipe);
#endif

static inline search_loop loop_for_this_cpu(unsigned recipe) {
#ifdef HAVE_LOOP_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"))
    return loop_avx2(recipe);
#endif
  return loop_portable(recipe);
}

#endif
