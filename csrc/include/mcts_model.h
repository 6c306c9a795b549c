/* mcts_model.h - the native model ABI of mcts_service, version 1.
 *
 * The search knows this struct and nothing else. A table, a compiled simulator,
 * a Python object and a vectorised function all fill it in.
 *
 * A model needs one function: `sample`. Every other function pointer may be NULL;
 * its comment says what the search does then.
 *
 * Rules that hold for every function:
 *   - it returns MCTS_OK (0), or a negative status; `error_text` may then say why;
 *   - results go through pointers, never through the return value. The caller sets
 *     them to sentinels before the call and validates them after it, so an output
 *     left unset is an error and not a garbage value;
 *   - `ctx` is the struct's own `ctx`, or what `context_new` gave for this thread;
 *   - states are `state_bytes` bytes, aligned to 8. The caller clears an output
 *     state to zero first, so padding that is never written is canonical.
 */
#ifndef MCTS_MODEL_H
#define MCTS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MCTS_MODEL_ABI_VERSION 1u

/* A model travels between Python extensions as a PyCapsule of this name that holds
 * a `const mcts_model *`. The capsule's owner keeps the struct alive. */
#define MCTS_MODEL_CAPSULE_NAME "mcts_service.model.v1"

enum mcts_status {
  MCTS_OK = 0,
  MCTS_ERROR = -1,          /* the model failed; `error_text` says why */
  MCTS_INVALID_STATE = -2,  /* the state is not one of this model */
  MCTS_INVALID_ACTION = -3  /* the action is not legal in this state */
};

/* Flags. */
#define MCTS_MODEL_THREAD_SAFE (1u << 0)   /* any number of threads may call at once */
#define MCTS_MODEL_DETERMINISTIC (1u << 1) /* (state, action) fixes the outcome: an edge
                                              is sampled once and remembered */
#define MCTS_MODEL_FLOAT64_STATE (1u << 2) /* a state is an array of double: keys treat
                                              -0.0 and 0.0 as one value */
#define MCTS_MODEL_VALUES (1u << 3)        /* `evaluate` gives values */
#define MCTS_MODEL_PRIORS (1u << 4)        /* `evaluate` gives priors */

/* ---- random numbers -------------------------------------------------------------
 *
 * The layout is NumPy's bitgen_t, so NumPy's C distributions draw from it directly.
 * `state` points to one uint64_t, the counter of SplitMix64 (Steele, Lea and Flood
 * 2014), which C models may advance inline through the functions below. */
typedef struct mcts_bitgen {
  void *state;
  uint64_t (*next_uint64)(void *state);
  uint32_t (*next_uint32)(void *state); /* the high half of next_uint64 */
  double (*next_double)(void *state);   /* [0, 1): the high 53 bits of next_uint64 */
  uint64_t (*next_raw)(void *state);    /* next_uint64 */
} mcts_bitgen;

static inline uint64_t mcts_splitmix64(uint64_t *counter) {
  uint64_t z = (*counter += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static inline uint64_t mcts_random_uint64(mcts_bitgen *rng) {
  return mcts_splitmix64((uint64_t *)rng->state);
}

/* Uniform in [0, 1). */
static inline double mcts_random_double(mcts_bitgen *rng) {
  return (double)(mcts_random_uint64(rng) >> 11) * 0x1.0p-53;
}

/* Uniform in [0, n), n >= 1, by one multiplication (Lemire 2019, without the
 * rejection step: the bias is below n / 2^32). Always draws once. */
static inline uint32_t mcts_random_below(mcts_bitgen *rng, uint32_t n) {
  return (uint32_t)(((mcts_random_uint64(rng) >> 32) * n) >> 32);
}

/* ---- the model ------------------------------------------------------------------ */
typedef struct mcts_model {
  /* head */
  uint32_t abi_version; /* MCTS_MODEL_ABI_VERSION */
  uint32_t struct_size; /* sizeof(mcts_model): a longer struct of a later version is
                           accepted, a shorter one is refused */
  uint64_t flags;       /* MCTS_MODEL_... */
  void *ctx;            /* handed to every function */
  double discount;      /* per step, 0 < discount <= 1 */

  /* sizes */
  uint32_t state_bytes;       /* >= 1 */
  uint32_t key_bytes;         /* what `key` writes; 0: the state's bytes are its key */
  uint32_t action_bytes;      /* 0: an action is an index */
  uint32_t observation_bytes; /* 0: the state is observed */
  uint32_t num_actions;       /* actions are 0 .. num_actions - 1; 0: `actions` numbers
                                 them state by state */
  uint32_t max_actions;       /* most actions that one state has; >= num_actions */
  uint32_t max_outcomes;      /* most outcomes that `transitions` gives; 0 without it */
  uint32_t num_players;       /* >= 1; rewards, returns and values have one entry each */

  /* lifetime */

  /* Around a burst of calls by one thread. A model that needs a lock (Python's GIL)
   * takes it in `enter` and drops it in `leave`. NULL: nothing to do. */
  int (*enter)(void *ctx);
  void (*leave)(void *ctx);
  /* A context for one more thread, given to all other calls of that thread in place of
   * `ctx`. NULL: `ctx` itself. */
  int (*context_new)(void *ctx, void **thread_ctx);
  void (*context_free)(void *thread_ctx);
  /* Ownership, for states that are handles. A state written by `sample`, `transitions`
   * or a batch call is owned by the caller, who ends it with one `release`; `retain`
   * makes a second owner of a copy of its bytes. NULL: states are plain bytes. */
  int (*retain)(void *ctx, const void *state);
  void (*release)(void *ctx, const void *state);
  /* Why the last call of this thread failed; valid until the next call. NULL: unknown. */
  const char *(*error_text)(void *ctx);

  /* state */

  /* Writes the identity of the state: `key_bytes` bytes that are equal exactly where two
   * states are the same. NULL: the state's bytes. */
  int (*key)(void *ctx, const void *state, void *key);
  /* MCTS_OK, or MCTS_INVALID_STATE. NULL: every state is valid. */
  int (*validate)(void *ctx, const void *state);
  /* 1 if nothing can be done in this state any more, else 0. NULL: only `sample` tells. */
  int (*terminal)(void *ctx, const void *state, int32_t *terminal);
  /* The player to move, 0 .. num_players - 1. NULL: player 0. */
  int (*player)(void *ctx, const void *state, int32_t *player);
  /* The legal actions, ascending, at most max_actions. NULL: all num_actions. */
  int (*actions)(void *ctx, const void *state, int32_t *count, int32_t *actions);

  /* dynamics
   *
   * `action` is an index or, where action_bytes > 0, the address of the action's bytes. */

  /* One transition. `rewards` has num_players entries; `terminated` is 0 or 1;
   * `observation` is NULL where observation_bytes is 0. Required. */
  int (*sample)(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                void *next_state, double *rewards, int32_t *terminated, void *observation);
  /* All outcomes of an action: `count` <= max_outcomes, probabilities summing to 1,
   * rewards [count][num_players]. NULL: known from samples only. */
  int (*transitions)(void *ctx, const void *state, int64_t action, int32_t *count,
                     double *probabilities, void *next_states, double *rewards,
                     int32_t *terminated);
  /* Draws an action's bytes, where action_bytes > 0. */
  int (*sample_action)(void *ctx, const void *state, mcts_bitgen *rng, void *action);
  /* The action of the rollout policy. NULL: uniform over the legal actions, by one
   * mcts_random_below(rng, count). */
  int (*rollout_action)(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action);
  /* A whole rollout of at most max_steps from a state that is not terminal: the
   * discounted return of each player, and the number of steps taken. NULL: `rollout_action`
   * and `sample`, step by step. */
  int (*rollout)(void *ctx, const void *state, int64_t max_steps, double discount,
                 mcts_bitgen *rng, double *returns, int64_t *steps);
  /* priors [number of legal actions] if MCTS_MODEL_PRIORS, values [num_players] if
   * MCTS_MODEL_VALUES; the pointer of what is not given is NULL. */
  int (*evaluate)(void *ctx, const void *state, double *priors, double *values);
  /* The density of an observation, after an action led to a state. */
  int (*observation_density)(void *ctx, int64_t action, const void *next_state,
                             const void *observation, double *density);

  /* batch: row i of every array belongs to question i, draws from rngs[i], and reports
   * in status[i]; a negative return value fails the whole call. */
  int (*step_batch)(void *ctx, int64_t count, const void *states, const int64_t *actions,
                    mcts_bitgen *const *rngs, void *next_states, double *rewards,
                    int32_t *terminated, void *observations, double *priors, double *values,
                    int32_t *status);
  int (*evaluate_batch)(void *ctx, int64_t count, const void *states, double *priors,
                        double *values, int32_t *status);
} mcts_model;

#ifdef __cplusplus
}
#endif
#endif
