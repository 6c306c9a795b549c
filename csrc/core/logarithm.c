#include "logarithm.h"

double logarithm_table[LOGARITHM_TABLE], logarithm_puct[LOGARITHM_PUCT];

void logarithm_fill_tables(void) {
  for (uint32_t n = 1; n < LOGARITHM_TABLE; n++) logarithm_table[n] = logarithm_series(n);
  for (uint32_t n = 0; n < LOGARITHM_PUCT; n++)
    logarithm_puct[n] = logarithm_series((n + LOGARITHM_PUCT_BASE + 1.0) / LOGARITHM_PUCT_BASE);
}
