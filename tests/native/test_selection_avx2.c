/* Selection for several edges at a time beside the same one by one, on numbers at random and at the
 * ends of what they may be. */
#include "fan_model.h"
#include "planning_root.h"
#include "select.h"

enum { MOST = 41 };

static uint64_t draws = 1;

static uint32_t below(uint32_t n) { return (uint32_t)((mcts_splitmix64(&draws) >> 32) * n >> 32); }

static double uniform(void) { return (double)(mcts_splitmix64(&draws) >> 11) * 0x1.0p-53; }

static bool same_bits(double x, double y) { return memcmp(&x, &y, sizeof x) == 0; }

/* ---- the pieces ------------------------------------------------------------------------------ */

static void check_exponentials(const double *x, double greatest) {
  double numbers[4];
  memcpy(numbers, x, sizeof numbers);
  vector_exponentials(numbers, greatest);
  for (int i = 0; i < 4; i++) CHECK(same_bits(numbers[i], exponential(x[i] - greatest)));
}

static void exponentials_are_the_same(void) {
  const double ends[] = {0.0,     -0.0,    -5e-324, -1e-300, -1e-17,    -700.0,
                         -709.79, -1e10,   -1e300,  -699.9,  -INFINITY, NAN,
                         nextafter(-700.0, -INFINITY), nextafter(-700.0, 0.0)};
  const int count = sizeof ends / sizeof *ends;
  for (int i = 0; i < count; i++)
    for (int k = 0; k < count; k++)
      check_exponentials((double[]){ends[i], ends[k], -1.0, ends[(i + k) % count]}, 0.0);
  for (int i = 0; i < 200000; i++) {
    double greatest = i % 3 ? 50.0 * uniform() - 25.0 : 0.0, x[4];
    for (int k = 0; k < 4; k++) x[k] = greatest - ldexp(uniform(), (int)below(60) - 48);
    check_exponentials(x, greatest);
  }
}

static void check_counts(const uint32_t *n) {
  double wide[4];
  _mm256_storeu_pd(wide, vector_of_counts(_mm_loadu_si128((const __m128i *)n)));
  for (int i = 0; i < 4; i++) CHECK(same_bits(wide[i], (double)n[i]));
}

static void counts_are_exact(void) {
  const uint32_t ends[] = {0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, UINT32_MAX - 1, UINT32_MAX};
  for (int i = 0; i < 8; i++)
    check_counts((uint32_t[]){ends[i], ends[(i + 1) % 8], ends[(i + 4) % 8], ends[7 - i]});
  for (int i = 0; i < 100000; i++)
    check_counts((uint32_t[]){below(9), below(UINT32_MAX), below(1u << 20), below(UINT32_MAX)});
}

static void check_bit(uint32_t bits) {
  uint32_t skip = 0;
  for (uint32_t i = 0; i < 32; i++)
    if (bits >> i & 1) CHECK(vector_bit(bits, skip++) == i);
}

static void bits_are_found(void) {
  for (uint32_t i = 0; i < 32; i++) check_bit(1u << i);
  check_bit(UINT32_MAX);
  for (int i = 0; i < 50000; i++) check_bit(below(UINT32_MAX) & (i % 2 ? below(UINT32_MAX) : ~0u));
}

/* ---- edges ----------------------------------------------------------------------------------- */

/* Each array ends with its memory, so that what is read behind it is found. */
static edges edges_of(const search *s, uint32_t count) {
  edges e = {.count = count};
  e.head = calloc(1, sizeof *e.head);
  e.value = calloc(count, sizeof *e.value);
  e.prior = calloc(count, sizeof *e.prior);
  e.own = calloc(1, sizeof *e.own);
  e.visits = calloc(count, sizeof *e.visits);
  e.flights = calloc(count, sizeof *e.flights);
  CHECK(e.head && e.value && e.prior && e.own && e.visits && e.flights);
  *e.head = (block_head){.node = s->tree.root + 8, .count = count};
  return e;
}

static void edges_free(edges *e) {
  void *owned[] = {e->head, e->value, e->prior, e->own, e->visits, e->flights};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static uint32_t some_visits(int kind, uint32_t least) {
  if (kind == 0) return least + below(3);
  if (kind == 1) return UINT32_MAX - below(3);
  return least + (below(4) ? below(50) : below(UINT32_MAX - 1));
}

static void fill(edges *e, enum style style, uint32_t least, value_range *range) {
  int kind = (int)below(3);
  uint64_t total = 0;
  range_clear(range);
  if (below(3) == 0) range_fix(range, 0.25, 0.5); /* most values lie outside */
  for (uint32_t i = 0; i < e->count; i++) {
    e->value[i] = fan_number(style, draws + i * (below(3) > 0));
    e->prior[i] = below(3) ? fabs(fan_number(style, draws + i)) : 0.0;
    e->visits[i] = some_visits(kind, least);
    total += e->visits[i];
    range_add(range, e->value[i]);
  }
  *e->own = below(2) ? NAN : fan_number(style, draws + 5);
  e->head->visits = total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
}

/* With simulations in flight, of which there are none, edges are looked at one by one. */
static void check_selection(search *s, edges *e, uint32_t width, const value_range *range) {
  CHECK(select_ucb1(s, e, width, range, 0) == select_ucb1(s, e, width, range, RECIPE_FLIGHTS));
}

static void check_puct(search *s, edges *e, uint32_t width) {
  CHECK(select_puct(s, e, width, 0) == select_puct(s, e, width, RECIPE_FLIGHTS));
}

/* The same edge at random, and the same memory of it. */
static void check_first(search *s, edges *e, uint32_t width) {
  uint64_t counters[2] = {draws, draws};
  mcts_bitgen one = stream_bitgen(&counters[0]), other = stream_bitgen(&counters[1]);
  e->head->all_tried = false;
  uint32_t place = select_first(s, e, width, &one, 0);
  bool all = e->head->all_tried;
  e->head->all_tried = false;
  CHECK(select_first(s, e, width, &other, RECIPE_FLIGHTS) == place);
  CHECK(counters[0] == counters[1] && e->head->all_tried == all);
}

static void selections_are_the_same(search *s) {
  value_range range;
  for (uint32_t count = 1; count <= MOST; count++) {
    edges e = edges_of(s, count);
    for (int i = 0; i < 3000; i++) {
      enum style style = (enum style)(i % STYLES);
      s->options.exploration = i % 7 ? 2.0 * uniform() : 0.0;
      fill(&e, style, 1, &range);
      check_selection(s, &e, count, &range);
      check_selection(s, &e, 1 + below(count), &range);
      fill(&e, style, 0, &range);
      check_puct(s, &e, count);
      check_puct(s, &e, 1 + below(count));
      check_first(s, &e, count);
      for (uint32_t k = 0; k < count; k++) e.visits[k] = below(4) == 0;
      check_first(s, &e, count);
    }
    edges_free(&e);
  }
}

int main(void) {
  static fan_model m;
  uint64_t state = 1;
  logarithm_fill_tables();
  exponentials_are_the_same();
  counts_are_exact();
  bits_are_found();
  fan_model_begin(&m, 3, 1, STYLE_UNIFORM, true);
  search *s = search_new(&m.model, BY_ROLLOUT, 0);
  CHECK(s && search_begin(s, &(search_root){.state = &state, .max_bytes = 1 << 16}) == MCTS_OK);
  selections_are_the_same(s);
  search_free(s);
  return 0;
}
