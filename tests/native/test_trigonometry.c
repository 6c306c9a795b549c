/* The models' sine and cosine beside the C library's, on both sides of every quarter turn. */
#include <float.h>

#include "check.h"
#include "trigonometry.h"

static void check_close(double found, double expected) {
  double ulp = nextafter(fabs(expected), INFINITY) - fabs(expected);
  CHECK(fabs(found - expected) <= 2 * ulp);
}

static void check_at(double angle) {
  check_close(sine_of(angle), sin(angle));
  check_close(cosine_of(angle), cos(angle));
  CHECK(sine_of(-angle) == -sine_of(angle));
  CHECK(cosine_of(-angle) == cosine_of(angle));
}

int main(void) {
  const double quarter = 1.5707963267948966;
  for (int i = 0; i <= 400000; i++) check_at(i * (quarter / 40000)); /* ten quarter turns */
  for (int turns = 1; turns < 63000; turns++) {                      /* where one is near 0 */
    double angle = turns * quarter;
    check_at(angle);
    check_at(nextafter(angle, 0.0));
    check_at(nextafter(angle, INFINITY));
    check_at(angle + quarter / 2); /* where the quadrant changes */
  }
  check_at(0.0);
  check_at(DBL_MIN);
  check_at(GREATEST_EXACT_ANGLE);
  check_at(1e9); /* by the C library */
  CHECK(isnan(sine_of(INFINITY)) && isnan(cosine_of(NAN)));
  /* The same bits on every machine. */
  CHECK(sine_of(1.0) == 0x1.aed548f090ceep-1);
  CHECK(cosine_of(2.0) == -0x1.aa22657537205p-2);
  CHECK(sine_of(12345.678) == -0x1.687d5890974a5p-1);
  return 0;
}
