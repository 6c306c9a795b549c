/* The logarithm of every count up to a million, of the powers of two, and of numbers of any size. */
#include <float.h>
#include <math.h>

#include "check.h"
#include "logarithm.h"

static void check_close(uint32_t n) {
  double expected = log((double)n);
  double ulp = nextafter(expected, INFINITY) - expected;
  CHECK(fabs(logarithm(n) - expected) <= 2 * ulp);
}

static void check_close_to(double x) {
  double expected = log(x), ulp = nextafter(fabs(expected), INFINITY) - fabs(expected);
  CHECK(fabs(logarithm_series(x) - expected) <= 2 * ulp);
}

static void numbers_of_any_size(void) {
  const double root = 1.4142135623730951; /* where the power of two changes */
  for (int exponent = -1022; exponent <= 1023; exponent++) {
    for (int i = 0; i < 64; i++) check_close_to(ldexp(1.0 + i / 64.0, exponent));
    check_close_to(ldexp(root, exponent));
    check_close_to(ldexp(nextafter(root, 2.0), exponent));
    check_close_to(ldexp(nextafter(2.0, 1.0), exponent));
  }
  for (double step = 0.25; step > DBL_EPSILON; step *= 0.5) { /* on both sides of 1 */
    check_close_to(1.0 + step);
    check_close_to(1.0 - step);
  }
  check_close_to(DBL_MAX);
  check_close_to(DBL_MIN);
  CHECK(logarithm_series(1.0) == 0.0);
}

int main(void) {
  logarithm_fill_tables();
  CHECK(logarithm(1) == 0.0);
  for (uint32_t n = 2; n <= 1000000; n++) check_close(n);
  for (int bit = 1; bit < 32; bit++) check_close(UINT32_C(1) << bit);
  check_close(UINT32_MAX);
  for (uint32_t n = 2; n <= 1000000; n++) CHECK(logarithm(n) > logarithm(n - 1));
  for (uint32_t n = 1; n < LOGARITHM_TABLE; n++) CHECK(logarithm(n) == logarithm_series(n));
  numbers_of_any_size();
  /* The same bits as the reference search in Python; see test_logarithm.py. */
  CHECK(logarithm(2) == 0x1.62e42fefa39efp-1);
  CHECK(logarithm(3) == 0x1.193ea7aad030ap+0);
  CHECK(logarithm(4097) == 0x1.0a2d23e3bb61dp+3);
  CHECK(logarithm(123456) == 0x1.77280f4671181p+3);
  CHECK(logarithm(UINT32_MAX) == 0x1.62e42fef939efp+4);
  return 0;
}
