#include "logarithm.h"

double logarithm_table[LOGARITHM_TABLE];

void logarithm_fill_table(void) {
  for (uint32_t n = 1; n < LOGARITHM_TABLE; n++) logarithm_table[n] = logarithm_series(n);
}
