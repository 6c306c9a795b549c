/* A piece of the simulation loop: part of each of the loop's copies, specialised with it. */
#ifndef MCTS_CORE_LOOP_H
#define MCTS_CORE_LOOP_H

#define LOOP_PIECE static inline __attribute__((always_inline))

#endif
