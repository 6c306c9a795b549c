/* The rules of tic-tac-toe on two sets of nine bits, for the model and for its rollouts.
 *
 *     0 | 1 | 2
 *    ---+---+---
 *     3 | 4 | 5
 *    ---+---+---
 *     6 | 7 | 8
 */
#ifndef MCTS_TIC_TAC_TOE_RULES_H
#define MCTS_TIC_TAC_TOE_RULES_H

#include "tic_tac_toe.h"

enum { CELLS = MCTS_TIC_TAC_TOE_CELLS };

#define BOARD 0x1FFu

/* has_three[marks], for each of the 512 sets of marks, spelled out by the preprocessor. */
#define HAS_LINE(marks, line) (((marks) & (line)) == (line))
#define HAS_THREE(marks)                                                           \
  (HAS_LINE(marks, 0x007u) || HAS_LINE(marks, 0x038u) || HAS_LINE(marks, 0x1C0u) || \
   HAS_LINE(marks, 0x049u) || HAS_LINE(marks, 0x092u) || HAS_LINE(marks, 0x124u) || \
   HAS_LINE(marks, 0x111u) || HAS_LINE(marks, 0x054u))
#define NEXT_4(m) HAS_THREE(m), HAS_THREE((m) + 1u), HAS_THREE((m) + 2u), HAS_THREE((m) + 3u)
#define NEXT_16(m) NEXT_4(m), NEXT_4((m) + 4u), NEXT_4((m) + 8u), NEXT_4((m) + 12u)
#define NEXT_64(m) NEXT_16(m), NEXT_16((m) + 16u), NEXT_16((m) + 32u), NEXT_16((m) + 48u)
#define NEXT_256(m) NEXT_64(m), NEXT_64((m) + 64u), NEXT_64((m) + 128u), NEXT_64((m) + 192u)

static const uint8_t has_three[BOARD + 1] = {NEXT_256(0u), NEXT_256(256u)};

static inline int player_to_move(uint32_t occupied) { return __builtin_parity(occupied); }

#endif
