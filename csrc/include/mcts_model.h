/* mcts_model.h - the native model ABI of mcts_service, version 1.
 *
 * The search knows this struct and nothing else. A table, a compiled simulator,
 * a Python object and a vectorised function all fill it in.
 *
 * A model needs one function: `sample`. Every other function pointer may be NULL;
 * its comment says what the search does then.
 *
 * The folder of this file is `mcts_service.get_include()`. A model arrives as a capsule
 * (`NativeModel.from_capsule`) or function by function (`NativeModel.from_functions`).
 *
 * Rules that hold for every function:
 *   - it returns MCTS_OK (0), or a negative status; `error_text` may then say why.
 *     Positive values are kept for later versions;
 *   - results go through pointers, never through the return value. The caller sets
 *     them to sentinels (NaN, -1) before the call and validates them after it, so an
 *     output left unset is an error and not a garbage value. Numbers are finite and at
 *     most 1e140 in size. After a negative status no output is looked at;
 *   - inputs are the caller's and are not changed; no pointer is kept after the call;
 *   - `ctx` is the struct's own `ctx`, or what `context_new` gave for this thread;
 *   - a state is `state_bytes` bytes, aligned to 8. In an array of states each begins
 *     state_bytes, rounded up to a multiple of 8, behind the one before. The caller
 *     clears an output state or key to zero first, so padding that is never written
 *     is canonical;
 *   - nothing is thrown or jumped out of: no C++ exception, no longjmp.
 *
 * The struct must not change, and must stay where it is, while a capsule of it lives.
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
  MCTS_INVALID_STATE = -2,  /* the state is not one of this model: the caller's mistake */
  MCTS_INVALID_ACTION = -3  /* the action is not legal in this state: the caller's mistake */
  /* any other negative value: as MCTS_ERROR, and shown as a number */
};

/* Flags; bits that are not named here are 0. */
#define MCTS_MODEL_THREAD_SAFE (1u << 0)   /* any number of threads may call at once */
#define MCTS_MODEL_DETERMINISTIC (1u << 1) /* (state, action) fixes the outcome: an edge
                                              is sampled once and remembered */
#define MCTS_MODEL_FLOAT64_STATE (1u << 2) /* a state is an array of double: keys treat
                                              -0.0 and 0.0 as one value */
#define MCTS_MODEL_VALUES (1u << 3)        /* `evaluate` gives values */
#define MCTS_MODEL_PRIORS (1u << 4)        /* `evaluate` gives priors */
#define MCTS_MODEL_STEP_EVALUATES (1u << 5) /* `step_batch` gives priors and values of the next
                                              states too, where it is asked for them */

/* ---- random numbers -------------------------------------------------------------
 *
 * The layout is NumPy's bitgen_t, so NumPy's C distributions draw from it directly.
 * `state` points to one uint64_t, the counter of SplitMix64 (Steele, Lea and Flood
 * 2014), which C models may advance inline through the functions below. */
typedef struct mcts_bitgen {
  void *state;                          /* the counter; handed to the functions below */
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
  uint64_t flags;       /* MCTS_MODEL_..., or-ed */
  void *ctx;            /* handed to every function; may be NULL */
  double discount;      /* per step, 0 < discount <= 1 */
  double min_return;    /* no player's return, from any state on, is below or above these: a */
  double max_return;    /* search that comes upon one of them knows that there is nothing better,
                           or worse. Both 0: not known */

  /* sizes */
  uint32_t state_bytes;       /* 1 .. 2^24 */
  uint32_t key_bytes;         /* what `key` writes; 0: the state's bytes are its key */
  uint32_t action_bytes;      /* 0: an action is an index */
  uint32_t observation_bytes; /* 0: the state is observed. Observations are compared as bytes */
  uint32_t num_actions;       /* actions are 0 .. num_actions - 1; 0: `actions` numbers
                                 them state by state */
  uint32_t max_actions;       /* most actions that one state has; >= num_actions */
  uint32_t max_outcomes;      /* most outcomes that `transitions` gives; 0 without it */
  uint32_t num_players;       /* 1 .. 255; rewards, returns and values have one entry for
                                 each; from 2 on `player` is required */

  /* lifetime */

  /* Around a burst of calls by one thread. A model that needs a lock (Python's GIL)
   * takes it in `enter` and drops it in `leave`. Both or neither. After an `enter` that
   * failed there is no `leave`. NULL: nothing to do. */
  int (*enter)(void *ctx);
  void (*leave)(void *ctx);
  /* A context for one more thread, given to all other calls of that thread in place of
   * `ctx`; the last call for it is `context_free`. Both or neither. NULL: `ctx` itself. */
  int (*context_new)(void *ctx, void **thread_ctx);
  void (*context_free)(void *thread_ctx);
  /* Ownership, for states that are handles. A state written by `sample`, `transitions`
   * or a batch call that returned MCTS_OK is owned by the caller, who ends it with one
   * `release`; `retain` makes a second owner of a copy of its bytes. A call that returns a
   * negative status has given nothing away: what it had made, it has released itself; in a
   * batch call that holds for each row by its own status. `release` of a state whose bytes
   * are all zero does nothing: the caller had cleared it, and the model never wrote it. Both
   * or neither. NULL: states are plain bytes, and may be copied and forgotten. */
  int (*retain)(void *ctx, const void *state);
  void (*release)(void *ctx, const void *state);
  /* Why the last call of this thread failed: UTF-8, ended by 0, owned by the model, valid
   * until this thread's next call; may give NULL. NULL: unknown. */
  const char *(*error_text)(void *ctx);

  /* state */

  /* Writes the identity of the state: `key_bytes` bytes that are equal exactly where two
   * states are the same. Given exactly where key_bytes > 0. NULL: the state's bytes. */
  int (*key)(void *ctx, const void *state, void *key);
  /* MCTS_OK, or MCTS_INVALID_STATE. NULL: every state is valid. */
  int (*validate)(void *ctx, const void *state);
  /* 1 if nothing can be done in this state any more, else 0. NULL: only `sample` tells. */
  int (*terminal)(void *ctx, const void *state, int32_t *terminal);
  /* The player to move, 0 .. num_players - 1. NULL, with one player only: player 0. */
  int (*player)(void *ctx, const void *state, int32_t *player);
  /* The legal actions: `count` of them, at most max_actions, ascending, none twice; at least
   * one in a state that is not terminal. NULL: all num_actions. */
  int (*actions)(void *ctx, const void *state, int32_t *count, int32_t *actions);

  /* dynamics
   *
   * `action` is an index or, where action_bytes > 0, the address of the action's bytes. */

  /* One transition. `rewards` has num_players entries; `terminated` is 1 where the episode
   * ends with this step, else 0; `observation` is NULL where observation_bytes is 0, and where
   * the search does not need one. Draws from `rng` alone, so that the same stream gives the same
   * transition. Required. */
  int (*sample)(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                void *next_state, double *rewards, int32_t *terminated, void *observation);
  /* All outcomes of an action: 1 <= `count` <= max_outcomes, probabilities above 0 that sum
   * to 1, next_states [count], rewards [count][num_players], terminated [count]. NULL: known
   * from samples only. */
  int (*transitions)(void *ctx, const void *state, int64_t action, int32_t *count,
                     double *probabilities, void *next_states, double *rewards,
                     int32_t *terminated);
  /* Draws an action's bytes, where action_bytes > 0. */
  int (*sample_action)(void *ctx, const void *state, mcts_bitgen *rng, void *action);
  /* The action of the rollout policy. NULL: uniform over the legal actions, by one
   * mcts_random_below(rng, count). An action is an index here. */
  int (*rollout_action)(void *ctx, const void *state, mcts_bitgen *rng, int64_t *action);
  /* A whole rollout of at most max_steps from a state that is not terminal: the
   * discounted return of each player, and the number of steps taken. NULL: `rollout_action`
   * and `sample`, step by step. 0 <= `steps` <= max_steps; `discount` is the struct's. */
  int (*rollout)(void *ctx, const void *state, int64_t max_steps, double discount,
                 mcts_bitgen *rng, double *returns, int64_t *steps);
  /* priors [max_actions] if MCTS_MODEL_PRIORS, each >= 0 at the place of its action: its number
   * or, where num_actions is 0, its place in the list of `actions`; those of illegal actions are
   * not looked at. values [num_players] if
   * MCTS_MODEL_VALUES; the pointer of what is not asked for is NULL, whatever the flags say.
   * A value is the discounted return from this state on. */
  int (*evaluate)(void *ctx, const void *state, double *priors, double *values);
  /* The density of an observation, >= 0, after an action led to a state. */
  int (*observation_density)(void *ctx, int64_t action, const void *next_state,
                             const void *observation, double *density);

  /* batch: row i of every array belongs to question i, draws from rngs[i], and reports
   * in status[i], which is MCTS_OK before the call; what row i gets does not depend on the
   * others. A negative return value fails the whole call: it is then asked again row by row.
   * `observations`, `priors` [count][max_actions] and `values` [count][num_players] are NULL where
   * they are not asked for. Priors and values are those of the next states, as `evaluate` gives
   * them, and are asked for with MCTS_MODEL_STEP_EVALUATES only; a row that terminated needs none.
   * NULL: `sample` and `evaluate`, row by row. evaluate_batch needs `evaluate` beside it. */
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
