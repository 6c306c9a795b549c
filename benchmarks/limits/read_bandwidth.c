/* How fast memory can be read: the sum of an array far larger than any cache, by so many threads.
 * Prints bytes a second, the best of seven. Source: McCalpin (1995), STREAM. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_THREADS = 64, TURNS = 7 };

static const size_t WORDS = (size_t)1 << 25; /* 256 MiB */

typedef struct part {
  const uint64_t *words;
  size_t count;
  uint64_t sum;
} part;

static void *read_part(void *argument) {
  part *p = argument;
  uint64_t sums[8] = {0};
  for (size_t i = 0; i + 8 <= p->count; i += 8) {
    for (int lane = 0; lane < 8; lane++) {
      sums[lane] += p->words[i + lane];
    }
  }
  for (int lane = 0; lane < 8; lane++) {
    p->sum += sums[lane];
  }
  return NULL;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  uint64_t *words = malloc(WORDS * sizeof *words), sum = 0;
  if (!words || count < 1 || count > MOST_THREADS) {
    return 1;
  }
  for (size_t i = 0; i < WORDS; i++) {
    words[i] = i;
  }
  double best = 0.0;
  for (int turn = 0; turn < TURNS; turn++) {
    pthread_t threads[MOST_THREADS];
    part parts[MOST_THREADS];
    double begin = seconds();
    for (int i = 0; i < count; i++) {
      parts[i] = (part){words + WORDS / count * i, WORDS / count, 0};
      if (pthread_create(&threads[i], NULL, read_part, &parts[i])) {
        return 1;
      }
    }
    for (int i = 0; i < count; i++) {
      pthread_join(threads[i], NULL);
      sum += parts[i].sum;
    }
    double rate = (double)(WORDS * sizeof *words) / (seconds() - begin);
    best = rate > best ? rate : best;
  }
  fprintf(stderr, "%llu\n", (unsigned long long)sum); /* so that nothing is left out */
  printf("%.0f\n", best);
  free(words);
  return 0;
}
