/* The exponential beside the C library's, over all that it takes. */
#include <math.h>

#include "check.h"
#include "exponential.h"

static void check_close(double x) {
  double expected = exp(x), ulp = nextafter(expected, INFINITY) - expected;
  CHECK(fabs(exponential(x) - expected) <= 2 * ulp);
}

int main(void) {
  const double half = 0.34657359027997264; /* ln 2 / 2: where the power of two changes */
  for (int i = -700000; i <= 700000; i++) check_close(i / 1000.0 + (i % 7) * 1e-5 * (i < 0 ? 1 : -1));
  for (int k = -2018; k <= 2018; k++) {
    check_close(k * half);
    check_close(nextafter(k * half, 1000.0));
    check_close(nextafter(k * half, -1000.0));
  }
  for (double x = 1.0; x > 1e-300; x *= 0.5) {
    check_close(x);
    check_close(-x);
  }
  CHECK(exponential(0.0) == 1.0 && exponential(-0.0) == 1.0);
  CHECK(exponential(-700.0) > 0.0 && exponential(nextafter(-700.0, -INFINITY)) == 0.0);
  CHECK(exponential(-INFINITY) == 0.0 && exponential(NAN) == 0.0);
  /* The same bits on every machine. */
  CHECK(exponential(1.0) == 0x1.5bf0a8b14576ap+1);
  CHECK(exponential(-1.0) == 0x1.78b56362cef38p-2);
  return 0;
}
