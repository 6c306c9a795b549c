/* The range of the values seen: what widens it, what does not, and what it makes of a value. */
#include <math.h>

#include "check.h"
#include "mcts_model.h"
#include "range.h"

enum { MOST = 12, ROUNDS = 2000 };

static value_range range_of(const double *values, int count) {
  value_range r;
  range_clear(&r);
  for (int i = 0; i < count; i++) range_add(&r, values[i]);
  return r;
}

static void check_same(const value_range *one, const value_range *other) {
  CHECK(one->low == other->low && one->high == other->high && one->scale == other->scale);
  CHECK(one->first_low == other->first_low && one->second_low == other->second_low);
  CHECK(one->first_high == other->first_high && one->second_high == other->second_high);
}

/* Few different ones, so that some are equal. */
static int draw(uint64_t *counter, double *values) {
  int count = 1 + (int)(mcts_splitmix64(counter) % MOST);
  for (int i = 0; i < count; i++) values[i] = (double)(mcts_splitmix64(counter) % 16) - 8.0;
  return count;
}

static void before_any_value_all_are_worth_nothing(void) {
  value_range r;
  range_clear(&r);
  CHECK(r.low == 0.0 && r.high == 0.0 && r.scale == 0.0);
  CHECK(range_scaled(&r, 0.0) == 0.0 && range_scaled(&r, 1e140) == 0.0);
  CHECK(range_scaled(&r, -1e140) == 0.0);
}

static void equal_values_are_no_range(void) {
  const double values[] = {-3.7, 0.0, 1e140, -1e140, 1e-300};
  for (int k = 0; k < 5; k++) {
    value_range r;
    range_clear(&r);
    for (int i = 0; i < 5; i++) {
      range_add(&r, values[k]);
      CHECK(r.low == values[k] && r.high == values[k] && r.scale == 0.0);
      CHECK(range_scaled(&r, values[k]) == 0.0);
    }
  }
  const double close[] = {1.0, 1.0 + 1e-15, 1.0, 1.0 + 1e-15}; /* but for rounding */
  CHECK(range_of(close, 4).scale == 0.0);
}

static void order_does_not_matter(void) {
  uint64_t counter = 1;
  double values[MOST];
  for (int round = 0; round < ROUNDS; round++) {
    int count = draw(&counter, values);
    value_range before = range_of(values, count);
    for (int i = count - 1; i > 0; i--) {
      int k = (int)(mcts_splitmix64(&counter) % (uint64_t)(i + 1));
      double value = values[i];
      values[i] = values[k];
      values[k] = value;
    }
    value_range after = range_of(values, count);
    check_same(&before, &after);
  }
}

/* Against the values in order. */
static void low_and_high_are_near_the_others(void) {
  uint64_t counter = 2;
  double v[MOST];
  for (int round = 0; round < ROUNDS; round++) {
    int count = draw(&counter, v);
    value_range r = range_of(v, count);
    for (int i = 1; i < count; i++)
      for (int k = i; k > 0 && v[k] < v[k - 1]; k--) {
        double value = v[k];
        v[k] = v[k - 1];
        v[k - 1] = value;
      }
    double low = v[0], high = v[count - 1];
    double width = count > 2 ? v[count - 2] - v[1] : 0.0;
    if (width > 0.0 && low < v[1] - width) low = v[1] - width;
    if (width > 0.0 && high > v[count - 2] + width) high = v[count - 2] + width;
    CHECK(r.low == low && r.high == high);
    CHECK(r.scale == (high > low ? 1.0 / (high - low) : 0.0));
    for (int i = 0; i < count; i++) {
      double scaled = range_scaled(&r, v[i]);
      CHECK(scaled >= 0.0 && scaled <= 1.0);
      CHECK(i == 0 || scaled >= range_scaled(&r, v[i - 1]));
    }
  }
}

static void one_outlier_stretches_by_the_inner_width(void) {
  const double values[] = {0.0, 1.0, 2.0, 3.0, 1000.0, -1000.0};
  value_range r = range_of(values, 5);
  CHECK(r.low == 0.0 && r.high == 5.0); /* second ones: 1 and 3 */
  CHECK(range_scaled(&r, 1000.0) == 1.0 && range_scaled(&r, 1.0) == 0.2);
  r = range_of(values, 6);
  CHECK(r.low == -3.0 && r.high == 6.0); /* 0 and 3 */
  range_add(&r, 1000.0);                 /* that comes again counts in full */
  CHECK(r.high == 1000.0);
}

/* Whole numbers, so that nothing is rounded. */
static void shift_and_scale_change_nothing(void) {
  uint64_t counter = 3;
  double values[MOST], moved[MOST];
  for (int round = 0; round < ROUNDS; round++) {
    int count = draw(&counter, values);
    int power = (int)(mcts_splitmix64(&counter) % 200) - 100;
    double shift = (double)(mcts_splitmix64(&counter) % 1024) - 512.0;
    for (int i = 0; i < count; i++) moved[i] = ldexp(values[i] + shift, power);
    value_range one = range_of(values, count), other = range_of(moved, count);
    CHECK(other.low == ldexp(one.low + shift, power) && other.high == ldexp(one.high + shift, power));
    CHECK(other.scale == ldexp(one.scale, -power));
    for (int i = 0; i < count; i++)
      CHECK(range_scaled(&one, values[i]) == range_scaled(&other, moved[i]));
  }
}

static void fixed_range_is_not_widened(void) {
  value_range r;
  range_fix(&r, -2.0, 6.0);
  range_add(&r, 1e9);
  range_add(&r, -1e9);
  CHECK(r.low == -2.0 && r.high == 6.0 && r.scale == 0.125);
  CHECK(range_scaled(&r, 0.0) == 0.25 && range_scaled(&r, 9.0) == 1.0);
}

int main(void) {
  before_any_value_all_are_worth_nothing();
  equal_values_are_no_range();
  order_does_not_matter();
  low_and_high_are_near_the_others();
  one_outlier_stretches_by_the_inner_width();
  shift_and_scale_change_nothing();
  fixed_range_is_not_widened();
  return 0;
}
