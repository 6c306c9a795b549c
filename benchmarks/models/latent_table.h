/* The latent model as a table: 64 states, 4 actions, all drawn once from a fixed seed.
 *
 *   next[s][a]     where an action leads
 *   reward[s][a]   what it pays, 0 .. 1
 *   value[s]       what a state is said to be worth, 0 .. 1
 *   prior[s][a]    softmax of four normal numbers
 *
 * The limit program, the model in C and the one in NumPy all have these numbers, so that they
 * search the same trees. */
#ifndef LATENT_TABLE_H
#define LATENT_TABLE_H

#include <math.h>
#include <stdint.h>

enum { LATENT_STATES = 64, LATENT_ACTIONS = 4 };

#define LATENT_DISCOUNT 0.997

typedef struct {
  int32_t next[LATENT_STATES][LATENT_ACTIONS];
  float reward[LATENT_STATES][LATENT_ACTIONS];
  float value[LATENT_STATES];
  float prior[LATENT_STATES][LATENT_ACTIONS];
} latent_table;

/* Xorshift: Marsaglia (2003). */
static inline uint64_t latent_draw(uint64_t *counter) {
  uint64_t x = *counter;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *counter = x;
}

static inline float latent_uniform(uint64_t *counter) {
  return (float)(latent_draw(counter) >> 40) * 0x1p-24f;
}

/* Box and Muller (1958). */
static inline float latent_normal(uint64_t *counter) {
  float radius = sqrtf(-2.0f * logf(latent_uniform(counter) + 1e-7f));
  return radius * cosf(6.2831853f * latent_uniform(counter));
}

static inline void latent_fill(latent_table *t) {
  uint64_t counter = UINT64_C(88172645463325252);
  for (int s = 0; s < LATENT_STATES; s++) {
    float sum = 0.0f;
    t->value[s] = latent_uniform(&counter);
    for (int a = 0; a < LATENT_ACTIONS; a++) {
      t->next[s][a] = (int32_t)(latent_draw(&counter) % LATENT_STATES);
      t->reward[s][a] = latent_uniform(&counter);
      t->prior[s][a] = expf(latent_normal(&counter));
      sum += t->prior[s][a];
    }
    for (int a = 0; a < LATENT_ACTIONS; a++) t->prior[s][a] /= sum;
  }
}

#endif
