/* Selection for several edges at a time, where the loop is compiled for a CPU that can (see loops.h).
 * The same operations in the same order as one by one, so the same bits. */
#ifndef MCTS_CORE_SELECT_VECTOR_H
#define MCTS_CORE_SELECT_VECTOR_H

#ifdef __AVX2__
#include <immintrin.h>

#include "exponential.h"
#include "tries.h"

/* ---- which were never tried ------------------------------------------------------------------ */

enum { VECTOR_BITS = 32 };

/* Bit i: edge i was never tried; for at most VECTOR_BITS edges. */
LOOP_PIECE uint32_t vector_untried(const uint32_t *visits, uint32_t width) {
  uint32_t untried = 0;
  for (uint32_t i = 0; i < width; i += 8) {
    __m256i lanes = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(width - i)),
                                       _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    __m256i counts = _mm256_maskload_epi32((const int *)visits + i, lanes);
    __m256i zero = _mm256_and_si256(lanes, _mm256_cmpeq_epi32(counts, _mm256_setzero_si256()));
    untried |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(zero)) << i;
  }
  return untried;
}

/* The place of the bit that has `skip` others below it. */
LOOP_PIECE uint32_t vector_bit(uint32_t bits, uint32_t skip) {
  return (uint32_t)__builtin_ctz(_pdep_u32(1u << skip, bits));
}

/* ---- UCB1 -------------------------------------------------------------------------------------- */

/* A number for each of four lanes: all bits where `lane` is below `left`. */
LOOP_PIECE __m256i vector_lanes(uint32_t left) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(left), _mm256_setr_epi64x(0, 1, 2, 3));
}

/* As doubles, exactly: below 2^32 a count is the low half of the double 2^52 + count. */
LOOP_PIECE __m256d vector_of_counts(__m128i counts) {
  const __m256d base = _mm256_set1_pd(0x1p52);
  __m256i wide = _mm256_cvtepu32_epi64(counts);
  return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(wide, _mm256_castpd_si256(base))), base);
}

LOOP_PIECE __m256d vector_scaled(const value_range *r, __m256d value) {
  __m256d scaled = _mm256_mul_pd(_mm256_sub_pd(value, _mm256_set1_pd(r->low)),
                                 _mm256_set1_pd(r->scale));
  if (!r->clips) return scaled;
  scaled = _mm256_max_pd(scaled, _mm256_setzero_pd());
  return _mm256_min_pd(scaled, _mm256_set1_pd(1.0));
}

/* value + exploration sqrt(logs / tries); -INFINITY in lanes from `left` on. */
LOOP_PIECE __m256d vector_ucb1(const value_range *r, const double *value, const uint32_t *tries,
                               double exploration, double logs, uint32_t left) {
  __m256d v, n;
  if (left >= 4) {
    v = _mm256_loadu_pd(value);
    n = vector_of_counts(_mm_loadu_si128((const __m128i *)tries));
  } else {
    __m256i lanes = vector_lanes(left);
    __m128i halves = _mm_cmpgt_epi32(_mm_set1_epi32((int)left), _mm_setr_epi32(0, 1, 2, 3));
    v = _mm256_maskload_pd(value, lanes);
    n = vector_of_counts(_mm_maskload_epi32((const int *)tries, halves));
  }
  __m256d spread = _mm256_sqrt_pd(_mm256_div_pd(_mm256_set1_pd(logs), n));
  __m256d score = _mm256_add_pd(vector_scaled(r, v),
                                _mm256_mul_pd(_mm256_set1_pd(exploration), spread));
  if (left >= 4) return score;
  __m256d outside = _mm256_castsi256_pd(vector_lanes(left));
  return _mm256_blendv_pd(_mm256_set1_pd(-INFINITY), score, outside);
}

LOOP_PIECE double vector_greatest(__m256d x) {
  __m128d half = _mm_max_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_max_sd(half, _mm_unpackhi_pd(half, half)));
}

/* The lanes that are the greatest, as bits. */
LOOP_PIECE uint32_t vector_equal(__m256d x, double greatest) {
  __m256d equal = _mm256_cmp_pd(x, _mm256_set1_pd(greatest), _CMP_EQ_OQ);
  return (uint32_t)_mm256_movemask_pd(equal);
}

/* The first lane, of eight, that is the greatest. */
LOOP_PIECE uint32_t vector_first_of_eight(__m256d one, __m256d other) {
  double greatest = vector_greatest(_mm256_max_pd(one, other));
  uint32_t equal = vector_equal(one, greatest) | vector_equal(other, greatest) << 4;
  return (uint32_t)__builtin_ctz(equal | 1u << 8);
}

/* The first of `width` edges with the highest score; all have been tried. */
LOOP_PIECE uint32_t select_ucb1_by_four(const search *s, const edges *e, uint32_t width,
                                        const value_range *range, double logs) {
  double exploration = s->options.exploration;
  if (width <= 8) {
    uint32_t high = width > 4 ? width - 4 : 0;
    __m256d one = vector_ucb1(range, e->value, e->visits, exploration, logs, width);
    __m256d other = _mm256_set1_pd(-INFINITY);
    if (high) other = vector_ucb1(range, e->value + 4, e->visits + 4, exploration, logs, high);
    return vector_first_of_eight(one, other);
  }
  double best_score = -INFINITY;
  uint32_t best = 0;
  for (uint32_t i = 0; i < width; i += 4) {
    __m256d score = vector_ucb1(range, e->value + i, e->visits + i, exploration, logs, width - i);
    double greatest = vector_greatest(score);
    if (greatest > best_score) {
      best_score = greatest;
      best = i + (uint32_t)__builtin_ctz(vector_equal(score, greatest) | 1u << 4);
    }
  }
  return best;
}

/* ---- PUCT -------------------------------------------------------------------------------------- */

/* Values and tries of the edges from `from` on, 0 in lanes from `left` on. A single block has those
 * of one edge. */
LOOP_PIECE void vector_read(const edges *e, uint32_t from, uint32_t left, unsigned layout,
                            __m256d *value, __m256d *tries) {
  if (block_is_single(e->head, layout)) {
    __m256i places = _mm256_setr_epi64x(from, from + 1, from + 2, from + 3);
    __m256d tried = _mm256_castsi256_pd(
        _mm256_cmpeq_epi64(places, _mm256_set1_epi64x(e->head->last)));
    *value = _mm256_and_pd(tried, _mm256_broadcast_sd(e->value));
    *tries = _mm256_and_pd(tried, _mm256_set1_pd((double)*e->visits));
    return;
  }
  __m128i halves = _mm_cmpgt_epi32(_mm_set1_epi32((int)left), _mm_setr_epi32(0, 1, 2, 3));
  *value = _mm256_maskload_pd(e->value + from, vector_lanes(left));
  *tries = vector_of_counts(_mm_maskload_epi32((const int *)e->visits + from, halves));
}

/* scaled value + weight prior / (1 + tries), the value 0 where never tried, of the edges from
 * `from` on; -INFINITY in lanes from `left` on. */
LOOP_PIECE __m256d vector_puct(const edges *e, uint32_t from, double low, double scale,
                               double weight, uint32_t left, unsigned layout) {
  __m256i lanes = vector_lanes(left);
  __m256d v, n, p = _mm256_maskload_pd(e->prior + from, lanes);
  vector_read(e, from, left, layout, &v, &n);
  __m256d tried = _mm256_cmp_pd(n, _mm256_setzero_pd(), _CMP_GT_OQ);
  v = _mm256_mul_pd(_mm256_sub_pd(v, _mm256_set1_pd(low)), _mm256_set1_pd(scale));
  v = _mm256_and_pd(v, tried);
  __m256d part = _mm256_div_pd(_mm256_mul_pd(_mm256_set1_pd(weight), p),
                               _mm256_add_pd(_mm256_set1_pd(1.0), n));
  return _mm256_blendv_pd(_mm256_set1_pd(-INFINITY), _mm256_add_pd(v, part),
                          _mm256_castsi256_pd(lanes));
}

/* The first of at most eight edges with the highest score. */
LOOP_PIECE uint32_t select_puct_by_four(const edges *e, uint32_t width, double low, double scale,
                                        double weight, unsigned layout) {
  __m256d one = vector_puct(e, 0, low, scale, weight, width, layout);
  __m256d other = _mm256_set1_pd(-INFINITY);
  if (width > 4) other = vector_puct(e, 4, low, scale, weight, width - 4, layout);
  return vector_first_of_eight(one, other);
}

/* ---- Gumbel ------------------------------------------------------------------------------------ */

/* exponential(x - greatest) of four numbers, none of them above `greatest`, in their place. */
LOOP_PIECE void vector_exponentials(double *numbers, double greatest) {
  const __m256d one = _mm256_set1_pd(1.0);
  __m256d x = _mm256_sub_pd(_mm256_loadu_pd(numbers), _mm256_set1_pd(greatest));
  __m256d large = _mm256_cmp_pd(x, _mm256_set1_pd(-700.0), _CMP_GE_OQ);
  __m256d k = _mm256_floor_pd(_mm256_add_pd(
      _mm256_mul_pd(x, _mm256_set1_pd(EXPONENTIAL_BASE)), _mm256_set1_pd(0.5)));
  __m256d r = _mm256_sub_pd(x, _mm256_mul_pd(k, _mm256_set1_pd(EXPONENTIAL_LN2)));
  r = _mm256_sub_pd(r, _mm256_mul_pd(k, _mm256_set1_pd(EXPONENTIAL_LN2_REST)));
  __m256d sum = one;
  for (int i = EXPONENTIAL_TERMS; i >= 1; i--)
    sum = _mm256_add_pd(one, _mm256_mul_pd(_mm256_div_pd(r, _mm256_set1_pd((double)i)), sum));
  /* 2^k: k + 1023 stands in the low bits of 2^52 + (k + 1023), and goes up to the exponent. */
  __m256d biased = _mm256_add_pd(k, _mm256_set1_pd(0x1p52 + 1023.0));
  __m256d power = _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(biased), 52));
  _mm256_storeu_pd(numbers, _mm256_and_pd(_mm256_mul_pd(sum, power), large));
}

#endif
#endif
