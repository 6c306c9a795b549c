/* Sine and cosine in a fixed order of operations, so that a plan is the same on every CPU and
 * with every C library.
 *
 * An angle is taken apart into n quarter turns and a rest r of at most pi/4 in size:
 *
 *     x = n pi/2 + r
 *
 * pi/2 is the sum of three numbers, of which the first two have 33 bits, so that n times them is
 * exact; what is left out is below 2^-121. Of r the Taylor series is summed up to terms below
 * 2^-60 of the result. Results are within two roundings of the true ones. Beyond
 * GREATEST_EXACT_ANGLE, where no step starts but one that a caller asks for, the C library
 * answers.
 *
 * Source: Cody and Waite (1980), chapter 8, for the reduction. */
#ifndef MCTS_TRIGONOMETRY_H
#define MCTS_TRIGONOMETRY_H

#include <math.h>
#include <stdint.h>

#define GREATEST_EXACT_ANGLE 1e5

#define QUARTER_TURNS_IN_RADIAN 0x1.45f306dc9c883p-1 /* 2/pi */
#define QUARTER_TURN_HIGH 0x1.921fb544p+0            /* pi/2, in three parts */
#define QUARTER_TURN_MIDDLE 0x1.0b4611a6p-34
#define QUARTER_TURN_LOW 0x1.3198a2e037073p-69

/* Of an angle from -pi/4 to pi/4. */
static inline double sine_of_rest(double r) {
  double y = r * r;
  double sum = 1.0 / 355687428096000.0;
  sum = sum * y - 1.0 / 1307674368000.0;
  sum = sum * y + 1.0 / 6227020800.0;
  sum = sum * y - 1.0 / 39916800.0;
  sum = sum * y + 1.0 / 362880.0;
  sum = sum * y - 1.0 / 5040.0;
  sum = sum * y + 1.0 / 120.0;
  sum = sum * y - 1.0 / 6.0;
  return r + r * (y * sum);
}

static inline double cosine_of_rest(double r) {
  double y = r * r;
  double sum = 1.0 / 20922789888000.0;
  sum = sum * y - 1.0 / 87178291200.0;
  sum = sum * y + 1.0 / 479001600.0;
  sum = sum * y - 1.0 / 3628800.0;
  sum = sum * y + 1.0 / 40320.0;
  sum = sum * y - 1.0 / 720.0;
  sum = sum * y + 1.0 / 24.0;
  sum = sum * y - 0.5;
  return 1.0 + y * sum;
}

static inline void sine_and_cosine(double x, double *sine, double *cosine) {
  if (!(fabs(x) <= GREATEST_EXACT_ANGLE)) {
    *sine = sin(x);
    *cosine = cos(x);
    return;
  }
  int32_t turns = (int32_t)(x * QUARTER_TURNS_IN_RADIAN + (x < 0.0 ? -0.5 : 0.5));
  double n = turns;
  double r = ((x - n * QUARTER_TURN_HIGH) - n * QUARTER_TURN_MIDDLE) - n * QUARTER_TURN_LOW;
  double s = sine_of_rest(r), c = cosine_of_rest(r);
  int odd = turns & 1;
  double shifted_sine = odd ? c : s, shifted_cosine = odd ? s : c;
  *sine = turns & 2 ? -shifted_sine : shifted_sine;
  *cosine = (turns + 1) & 2 ? -shifted_cosine : shifted_cosine;
}

static inline double sine_of(double x) {
  double sine, cosine;
  sine_and_cosine(x, &sine, &cosine);
  return sine;
}

static inline double cosine_of(double x) {
  double sine, cosine;
  sine_and_cosine(x, &sine, &cosine);
  return cosine;
}

#endif
