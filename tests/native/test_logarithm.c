/* The logarithm of every count up to a million, and of the powers of two. */
#include <math.h>

#include "check.h"
#include "logarithm.h"

static void check_close(uint32_t n) {
  double expected = log((double)n);
  double ulp = nextafter(expected, INFINITY) - expected;
  CHECK(fabs(logarithm(n) - expected) <= 2 * ulp);
}

int main(void) {
  logarithm_fill_table();
  CHECK(logarithm(1) == 0.0);
  for (uint32_t n = 2; n <= 1000000; n++) check_close(n);
  for (int bit = 1; bit < 32; bit++) check_close(UINT32_C(1) << bit);
  check_close(UINT32_MAX);
  for (uint32_t n = 2; n <= 1000000; n++) CHECK(logarithm(n) > logarithm(n - 1));
  for (uint32_t n = 1; n < LOGARITHM_TABLE; n++) CHECK(logarithm(n) == logarithm_series(n));
  /* The same bits as the reference search in Python; see test_logarithm.py. */
  CHECK(logarithm(2) == 0x1.62e42fefa39efp-1);
  CHECK(logarithm(3) == 0x1.193ea7aad030ap+0);
  CHECK(logarithm(4097) == 0x1.0a2d23e3bb61dp+3);
  CHECK(logarithm(123456) == 0x1.77280f4671181p+3);
  CHECK(logarithm(UINT32_MAX) == 0x1.62e42fef939efp+4);
  return 0;
}
