/* One search over any model behind mcts_model.h: a recipe of the pieces below.
 *
 *   search_new -> (search_begin -> search_run ... -> read the tree)* -> search_free
 *
 * A search belongs to one thread at a time, and brings in the others itself: see parallel.h.
 * Reading order of its parts: tree.h (what is in memory), ask.h (the model), cursor.h (one
 * simulation), then select.h, evaluate.h, backup.h and simulate.h, the loops of loop.c that answer
 * each question on the spot, and batch.h, which gathers the questions of many simulations. */
#ifndef MCTS_CORE_SEARCH_H
#define MCTS_CORE_SEARCH_H

#include <stdatomic.h>

#include "ask.h"
#include "cursor.h"
#include "key.h"
#include "range.h"
#include "rng.h"
#include "single.h"
#include "tree.h"

/* Which edge a simulation follows. */
typedef enum {
  SELECTION_UCB1,
  SELECTION_UCB1_TUNED,
  SELECTION_PUCT,
  SELECTION_GUMBEL,
  SELECTION_THOMPSON,
  SELECTION_MENTS
} search_selection;

/* Which paths lead to one node. */
typedef enum {
  SHARING_NONE,  /* one: a tree */
  SHARING_DEPTH, /* all that reach a state at the same depth: no cycles */
  SHARING_STATE  /* all that reach a state */
} search_sharing;

typedef enum {
  BACKUP_MEAN,    /* of the returns */
  BACKUP_BELLMAN, /* the best edge, each the expectation over its outcomes as they are now */
  BACKUP_MAX,     /* the same, by how often the outcomes were seen, whatever the model knows */
  BACKUP_SOFT     /* as by Bellman, with the soft maximum of the edges */
} search_backup;

typedef enum {
  EVALUATION_ROLLOUT, /* of a new leaf: one rollout */
  EVALUATION_VALUE,   /* the model's own value */
  EVALUATION_TRIAL,   /* nothing: the simulation goes on down the tree, to an end or the bound */
  EVALUATION_MIXED,   /* both of the first two, weighed */
  EVALUATION_CONSTANT
} search_evaluation;

/* Whose actions a rollout takes. */
typedef enum {
  ROLLOUT_MODEL,   /* the model's own, where it has any; else random ones */
  ROLLOUT_RANDOM,  /* random ones in any case */
  ROLLOUT_DECISIVE /* wins, and random ones that do not lose at once: see decisive.h */
} search_rollout;

/* What tells the outcomes of an action apart, and so what a node stands for. */
typedef enum {
  OUTCOME_STATE,       /* the next state: a node is a state */
  OUTCOME_OBSERVATION, /* what is observed: a node is a history of actions and observations */
  OUTCOME_NONE         /* nothing: a node is a sequence of actions (open loop) */
} search_outcome_key;

/* What to recommend at the end. */
typedef enum {
  RECOMMEND_DUE,        /* by visits with mean backups, by value with others, or as Gumbel does */
  RECOMMEND_VISITS,     /* the most visits */
  RECOMMEND_VALUE,      /* the highest value */
  RECOMMEND_LOWER_BOUND /* the highest lower confidence bound */
} search_recommendation;

/* What the loop is specialised for: it is compiled once for each common combination, so that
 * one recipe does not pay for the choices of another. */
enum search_recipe {
  RECIPE_DETERMINISTIC = 1, /* an edge is sampled once */
  RECIPE_BELLMAN = 2,
  RECIPE_SHARED = 4,
  RECIPE_TRIAL = 8,
  RECIPE_EXACT = 16, /* outcomes and their probabilities come from `transitions` */
  RECIPE_FLIGHTS = 32, /* several simulations are in progress at once */
  RECIPE_CARRIED = 64, /* a simulation carries its state: nodes have none */
  RECIPE_PROVEN = 128, /* what is proven counts in place of means */
  RECIPE_SELECTION = 256, /* another selection than UCB1 */
  RECIPE_PRIORS = 512,    /* nodes are opened, with priors, before there is a choice in them */
  RECIPE_WIDENED = 1024,  /* actions or outcomes are let in as visits grow */
  RECIPE_ALONE = 2048,    /* one player */
  RECIPE_TWO = 4096,      /* two players */
  RECIPE_GUMBEL = 8192    /* priors are weighed by their logarithms */
};

typedef struct {
  search_selection selection;
  double exploration;         /* weight of exploring, in each selection's own formula */
  double soft_temperature;    /* of soft maxima, as a part of the range of values */
  uint32_t considered;        /* Gumbel: actions that the root's simulations are halved over, >= 1 */
  double gumbel_visits, gumbel_value_scale; /* of the values beside the priors */
  bool scale_by_bounds;       /* of returns, in place of the range of values seen */
  double action_widening;     /* factor; 0: all actions at once */
  double outcome_widening;    /* factor; 0: any number of outcomes */
  double widening_exponent;
  uint32_t max_depth; /* steps from the root, tree and rollout together; < 65536 */
  search_evaluation evaluation;
  double value_weight;        /* of the model's value, where evaluation is mixed */
  double leaf_value;          /* where it is constant */
  search_rollout rollout;
  uint32_t rollout_depth;     /* steps of one at most; 0: no limit of its own */
  search_backup backup;
  search_sharing sharing;
  search_outcome_key outcome_key;
  search_recommendation recommendation;
  uint32_t in_flight; /* simulations in progress at once, >= 1 (0 is 1) */
  uint32_t threads;   /* on one tree, >= 1 (0 is 1) */
  double discount;    /* in place of the model's, in (0, 1]; 0: the model's own */
  bool prove;         /* with mean backups: whether values that are proven count as such */
  bool early_stop;    /* whether a search ends that is decided */
} search_options;

/* What a request fixes beside its limits. */
typedef struct {
  const void *state;      /* state_bytes; copied. Or many, as an array of the model's */
  uint32_t num_states;    /* from 2 on: what the root may be, each as likely as the others, where
                             simulations carry their state; 0 is 1 */
  uint32_t horizon;       /* steps left; 0: no end is known */
  const int32_t *allowed; /* ascending; NULL: every legal action */
  uint32_t num_allowed;
  uint64_t seed;
  uint64_t max_bytes;
  uint64_t planned;       /* simulations that are to be run in all; 0: not known */
} search_root;

enum begin_status { ROOT_INVALID = -110, ROOT_TERMINAL = -111, ROOT_NO_ACTION = -112 };

typedef enum {
  STOP_NONE,
  STOP_SIMULATIONS,
  STOP_TIME_LIMIT,
  STOP_MAX_BYTES,
  STOP_CANCELLED,
  STOP_SOLVED,
  STOP_DECIDED,
  STOP_SLICE /* not an end: the caller wanted to look around */
} stop_reason;

typedef struct {
  uint64_t simulations;   /* in all, since search_begin */
  int64_t deadline;       /* monotonic nanoseconds; INT64_MAX: none */
  int64_t slice_deadline; /* returns STOP_SLICE then */
  atomic_int *cancelled;  /* NULL: cannot be cancelled */
} search_limits;

/* All outcomes of one action, [max_outcomes]. */
typedef struct {
  double *probability, *reward;
  int32_t *terminated;
  unsigned char *state; /* state_size apart */
} transitions_row;

/* Returns of one player that were seen. */
typedef struct {
  uint64_t count;
  double mean, squares; /* the latter of the deviations from it: their sum */
  double low, high;
} returns_seen;

typedef struct search search;
typedef struct parallel parallel;

/* How simulations are run, for one recipe and one kind of CPU: see loops.h. */
typedef struct {
  /* One after the other, until there is a reason to stop. MCTS_OK, or FAILED. */
  int (*run)(search *s, stop_reason *reason);
  /* Several at once: takes each as far as it gets without the model, backs up those whose turn it
   * is, and starts others in their place. Those that are at a question now are added to `asking`,
   * which has room for all, and `*count` counts them on. What search_run returns, and why to stop. */
  int (*pump)(search *s, cursor **asking, uint32_t *count, stop_reason *reason);
} search_loop;

struct search {
  const mcts_model *model;
  void *ctx;
  bool owns_ctx;
  search_options options;
  unsigned recipe;       /* of search_recipe */
  search_loop loop;      /* for it, on this CPU */
  bool deterministic;
  bool exact; /* as the recipe says */
  bool carried;
  bool bellman;          /* values are those of the best edges, and not means */
  bool plays_out;        /* a leaf is worth one rollout, all of it by the model */
  bool asks_priors, asks_values; /* when a node is opened */
  bool entered;          /* between the model's `enter` and `leave` */
  bool left_over;        /* cursors that are done hold states that wait for `enter` */

  tree tree;
  node_index index; /* of the nodes of a graph */
  double discount;
  size_t state_size;   /* of the model's states, rounded to 8 */
  cursor *cursors;     /* [in_flight]; simulation i is number i % in_flight's */
  unsigned char *particles; /* [num_particles][state_size]: the states of a root that has none */
  uint32_t num_particles;
  transitions_row row; /* scratch: all outcomes of one action */
  int32_t *actions;    /* scratch: the legal actions of one state */
  bool *legal;         /* scratch: by edge, whether it is legal where the cursor stands */
  void *key;           /* scratch */
  double *root_spread; /* sum of squared deviations of each root edge's returns */
  uint32_t *root_before; /* visits of each root edge that an earlier search brought */
  double *root_mean;   /* mean return of each player */
  int32_t *replies;    /* scratch of decisive rollouts: actions one step further on, */
  void *look[2];       /* states, */
  double *look_rewards; /* and rewards of each player */
  double *scores;      /* scratch, of edges */
  single_view view;    /* scratch: of a block with room for one edge, all */
  double *root_noise;  /* of each root edge, by the selection; see search_add_noise */
  double noise_weight; /* of it, in the root's priors */
  int32_t *allowed;    /* at a root that is carried to: what the request allows, ascending */
  uint32_t num_allowed;

  uint64_t seed;
  uint32_t bound;    /* steps from the root that a simulation may take */
  bool bound_is_end; /* the problem ends there: nothing is worth anything after it */
  value_range *ranges; /* [max_depth] of the values seen at each depth, or [0] of all */
  uint32_t range_mask; /* 0: one for all depths, in a graph by state, which knows none */
  uint64_t planned;    /* simulations that are to be run in all */
  bool stops_decided;  /* whether it ends once it is decided: see stop.h */
  uint64_t until_decided; /* simulations before which nothing can be */
  bool decided_by_clock; /* and not by counting alone */
  int64_t run_began;   /* when this run did */
  int64_t ran_before;  /* nanoseconds of earlier runs, since search_begin */

  parallel *parallel;   /* the threads on its tree, once there have been any */
  const ref *leased;    /* [num_leased] nodes that they are at work below: see parallel.h */
  uint32_t num_leased;
  uint32_t start_depth; /* of tree.root, in one of those threads: steps from the plan's own root */
  returns_seen *seen;   /* [players] from there; NULL elsewhere */

  search_limits limits;
  uint32_t burst_left;      /* model calls until the model may breathe */
  uint32_t until_clock;     /* simulations until the clock is read again */
  int64_t clock_read;       /* when it was last read */
  uint64_t simulations_then; /* and how many simulations there were */

  uint64_t simulations, model_steps, tree_depth; /* totals; the last sums the path lengths */
  uint64_t settled_depth;   /* tree_depth when the graph was last settled */
  uint64_t landings, meetings; /* outcomes found, and those of them that led to a known node of the
                                  graph: whether states recur */
  uint64_t started; /* simulations: those from `simulations` on are in flight */
  fault fault;
};

/* Why the struct cannot be used as a model, in words; NULL if it can. */
const char *search_refuses(const mcts_model *model);

/* Why these options do not go with the model, as "option: needs something; what would work"; NULL if
 * they do. */
const char *search_refuses_options(const mcts_model *model, search_options options);

/* NULL if there is no memory. The model must stay alive until search_free. */
search *search_new(const mcts_model *model, search_options options, size_t bytes_per_state);

/* One more with the same model, options and context, for a batch of searches that one thread runs
 * (see batch.h). `first` must be freed after it. NULL if there is no memory. */
search *search_new_beside(const search *first);
void search_free(search *s);

/* Gives up the tree, and most of its memory. FAILED: the model could not be entered to release
 * its states; they are released later. */
int search_clear(search *s);

/* A fresh tree. MCTS_OK, or, with no root to search from, FAILED (see s->fault), OUT_OF_BYTES
 * or a begin_status. */
int search_begin(search *s, const search_root *root);

/* A further search from the root that is there, kept by search_advance: counts go on from what
 * the tree has. `root->state` is not looked at; every legal action is allowed. */
void search_resume(search *s, const search_root *root);

/* Gives each edge of the root a number, after search_begin or search_resume: with Gumbel selection
 * its Gumbel noise; with PUCT what is mixed into its prior with that weight. */
void search_add_noise(search *s, const double *noise, double weight);

/* The range of values that an edge at that depth is compared by. */
static inline value_range *search_range(const search *s, uint32_t depth) {
  return &s->ranges[depth & s->range_mask];
}

/* Before any value is seen. */
static inline void search_reset_range(search *s, uint32_t depth) {
  value_range *range = search_range(s, depth);
  range_clear(range);
  if (s->options.scale_by_bounds) range_fix(range, s->model->min_return, s->model->max_return);
}

/* Brings the values of a graph up to date, before they are read; nothing in other searches. */
void search_settle(search *s);

/* The limits of what runs next. */
void search_set_limits(search *s, const search_limits *limits);

/* Runs simulations, one after the other or by several threads, until a limit is reached. FAILED: see
 * s->fault; the tree is sound. For options with one simulation in flight; see batch.h for more. */
int search_run(search *s, const search_limits *limits, stop_reason *reason);

/* Monotonic nanoseconds, the clock of search_limits. */
int64_t search_now(void);

/* Gives up every simulation that is in progress, as if it had never started. */
void search_abandon(search *s);

/* Around calls to the model. FAILED: not entered; see s->fault. What waits to be released goes
 * first, before the buffer that it lies in is written again. */
static inline int search_enter(search *s) {
  int status = s->model->enter ? s->model->enter(s->ctx) : MCTS_OK;
  if (status < 0) return fault_set(&s->fault, s->model, s->ctx, "enter", NULL, status);
  s->entered = true;
  if (s->left_over) search_abandon(s);
  return MCTS_OK;
}

/* Nothing where `enter` has failed. */
static inline void search_leave(search *s) {
  if (s->entered && s->model->leave) s->model->leave(s->ctx);
  s->entered = false;
}

/* Whether edge blocks begin with room for one edge. */
static inline bool recipe_has_singles(unsigned recipe) {
  unsigned others = RECIPE_BELLMAN | RECIPE_SHARED | RECIPE_TRIAL | RECIPE_FLIGHTS |
                    RECIPE_CARRIED | RECIPE_PROVEN | RECIPE_WIDENED;
  return (recipe & RECIPE_PRIORS) && (recipe & RECIPE_DETERMINISTIC) && !(recipe & others);
}

/* What the search's edge blocks have, known to the compiler where the recipe is and fixes it. */
LOOP_PIECE unsigned recipe_layout(const search *s, unsigned recipe) {
  bool is_open = (recipe & RECIPE_WIDENED) ||
                 ((recipe & RECIPE_SELECTION) && !(recipe & RECIPE_PRIORS));
  if (!__builtin_constant_p(recipe) || is_open) return s->tree.layout;
  bool once = recipe & RECIPE_DETERMINISTIC, bellman = recipe & RECIPE_BELLMAN;
  bool rewards = once && (bellman || (recipe & RECIPE_SHARED));
  return (rewards ? BLOCK_REWARDS : 0u) | (bellman && !once ? BLOCK_SUMS : 0u) |
         (recipe & RECIPE_PRIORS ? BLOCK_PRIORS : 0u) |
         (recipe & RECIPE_GUMBEL ? BLOCK_LOGITS : 0u) |
         (recipe & RECIPE_FLIGHTS ? BLOCK_FLIGHTS : 0u) |
         (recipe_has_singles(recipe) ? BLOCK_SINGLES : 0u);
}

/* The number of players, known to the compiler where the recipe is and fixes it. */
LOOP_PIECE uint32_t recipe_players(const search *s, unsigned recipe) {
  if (!__builtin_constant_p(recipe) || !(recipe & (RECIPE_ALONE | RECIPE_TWO)))
    return s->model->num_players;
  return recipe & RECIPE_TWO ? 2 : 1;
}

/* The edge block of a step of the path as it is now: where states are carried, the node may have
 * got another one, with more edges, since. */
LOOP_PIECE ref cursor_block(const search *s, const cursor_step *step, unsigned recipe) {
  if (!(recipe & RECIPE_CARRIED)) return step->block;
  return node_at(&s->tree, block_at(&s->tree, step->block)->node)->block;
}

/* For the tree of a search. */
static inline int search_open_arena(const search *s, arena *a, size_t limit) {
  return s->options.threads > 1 ? arena_open_for_windows(a, limit) : arena_open(a, limit);
}

/* True if another thread may be at work below a node, and on it: what it has is not to be read. */
static inline bool search_is_leased(const search *s, ref at) {
  for (uint32_t i = 0; i < s->num_leased; i++)
    if (s->leased[i] == at) return true;
  return false;
}

/* Gives up a state that is no node's. */
static inline void search_release(search *s, const void *state) {
  if (s->model->release) s->model->release(s->ctx, state);
}

/* Ends what a cursor holds: at once, or when the model is entered next. */
static inline void cursor_let_go(search *s, cursor *c) {
  bool waits = !s->entered && s->model->release;
  s->left_over |= waits && (c->owns || c->holds_next);
  if (waits) return;
  if (c->owns) search_release(s, c->spare);
  if (c->holds_next) search_release(s, c->next);
  c->owns = c->holds_next = false;
}

#endif
