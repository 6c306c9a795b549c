/* The search tree, or graph, in memory: nodes, edges and outcomes, all blocks of one arena.
 *
 *   node                     edges of a node, E actions, P players
 *   +------------------+     +------------------------------+
 *   | visits  edges ---+---->| value   double [E]           |  for the mover
 *   | count p f depth  |     | reward  double [E][P]        |  D
 *   +------------------+     | sum     double [E]           |  B
 *   | value chain hash | G   | width   uint32 [E]           |  B  number of outcomes
 *   +------------------+     | turn    ref    [E]           |  B  outcome to refresh next
 *   | state            |     | visits  uint32 [E]           |
 *   +------------------+     | flights uint32 [E]           |  F  simulations on their way
 *   | key, if any      |     | child   ref    [E] ----------+--> D node, else outcome
 *   +------------------+     | action  int32  [E]           |
 *   | previous owned   |     | prior   double [E]           |  W
 *   +------------------+     | spread  double [E]           |  V
 *                            | own     double               |  W  the node's value by the model
 *                            +------------------------------+
 *                            outcome: one of the states that an action led to
 *                            +--------------------------+
 *                            | node --------------------+--> node
 *                            | visits  hash  next[2] ---+--> outcomes of the same edge: a trie
 *                            | sibling -----------------+--> the same outcomes: a list
 *                            +--------------------------+
 *                            | weight  reward  used     |  B
 *                            +--------------------------+
 *
 *   G only in a graph or with Bellman backups; D only if the model is deterministic; B only
 *   of a model that is not, with Bellman backups or where the outcomes of an edge are limited; F
 *   only with several simulations in flight; W only where selection weighs priors, V where it looks
 *   at the spread of returns.
 *   A node has no state where the simulations carry it: in open-loop search, and where the tree
 *   is one of observations.
 *
 * A node without edges is a leaf. The outcomes of an edge form a binary trie on the bits of
 * their keys' hashes: a few outcomes cost a few comparisons, a hundred thousand about
 * seventeen, nothing is ever rehashed, and keys are compared in full. */
#ifndef MCTS_CORE_TREE_H
#define MCTS_CORE_TREE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "arena.h"
#include "loop.h"
#include "mcts_model.h"

enum node_flags {
  NODE_TERMINAL = 1,  /* the episode ended on the way here */
  NODE_ALL_TRIED = 2, /* every edge has been tried */
  NODE_SOLVED = 4,    /* its value is exact: there is nothing left to search */
  NODE_OPEN = 8,      /* its edges have their priors */
  NODE_ORDERED = 16   /* its edges are in the order in which they are let in */
};

typedef struct {
  uint32_t visits; /* simulations that came here */
  ref edges;       /* 0: a leaf */
  uint32_t count;  /* edges */
  uint8_t player;  /* to move; known once there are edges */
  uint8_t flags;
  uint16_t depth; /* steps from the root */
} node;

typedef struct {
  ref node;
  uint32_t visits;
  uint32_t hash;
  ref next[2];
  ref sibling; /* in the list that begins with the edge's first outcome */
} outcome;

/* What a Bellman backup keeps of an outcome; it follows the outcome. */
typedef struct {
  double weight; /* its probability, or how often it was seen */
  double reward; /* mean */
  double used;   /* the child's value that is part of the edge's sum */
} outcome_share;

/* What a graph, or a Bellman backup, keeps of a node; it follows the node. */
typedef struct {
  double value;  /* of the best edge */
  ref chain;     /* the next node in the same bucket of the index */
  uint32_t hash; /* of the key */
  ref older;     /* the node that came before it: a list of all, the newest first */
} graph_part;

/* Where the arrays of one edge block lie. */
typedef struct {
  double *value, *reward, *sum, *prior, *spread;
  double *own; /* [1] NaN: not known */
  uint32_t *width;
  ref *turn;
  uint32_t *visits, *flights;
  ref *child;
  int32_t *action;
} edges;

typedef struct {
  arena blocks;
  size_t state_size, key_size; /* of a node's, rounded to 8; 0: it has none */
  size_t graph_size;           /* sizeof(graph_part), or 0 */
  size_t bytes_per_state;      /* that the model holds outside the arena for each node */
  uint32_t rewards;            /* stored with an edge: the players, or 0 */
  bool sums;                   /* edges have sum, width and turn; outcomes have a share */
  bool priors;                 /* edges have prior, with own behind them */
  bool spreads;                /* edges have spread */
  bool flights;                /* edges have flights */
  bool owns_states;            /* nodes are chained by `last_owned`, to release their states */
  ref root, last_owned;
  ref newest; /* node, of those with a graph part */
  uint64_t nodes;
  uint32_t deepest;
} tree;

static inline node *node_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

static inline graph_part *node_graph(node *n) { return (graph_part *)(n + 1); }

static inline void *node_state(const tree *t, node *n) {
  return (unsigned char *)(n + 1) + t->graph_size;
}

/* What tells the node from its siblings: the key, or the state if it is its own key. */
static inline void *node_key(const tree *t, node *n) {
  return (unsigned char *)node_state(t, n) + (t->key_size ? t->state_size : 0);
}

static inline ref *node_previous_owned(const tree *t, node *n) {
  return (ref *)((unsigned char *)node_state(t, n) + t->state_size + t->key_size);
}

static inline size_t node_size(const tree *t) {
  return sizeof(node) + t->graph_size + t->state_size + t->key_size + (t->owns_states ? 8 : 0);
}

/* Memory that the tree holds, states outside it included. */
static inline uint64_t tree_bytes(const tree *t) {
  return t->blocks.used + t->nodes * t->bytes_per_state;
}

/* Once more. A count that is full stays so: nodes that are shared may be visited often in one
 * simulation. False then: the visit is not counted. */
static inline bool count_up(uint32_t *visits) {
  bool room = *visits < UINT32_MAX;
  *visits += room;
  return room;
}

/* A block beside `outside` bytes that the model will hold for it; 0 at the byte limit. */
LOOP_PIECE ref tree_alloc(tree *t, size_t bytes, size_t outside) {
  return tree_bytes(t) + bytes + outside <= t->blocks.limit ? arena_alloc(&t->blocks, bytes) : 0;
}

static inline outcome *outcome_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

static inline outcome_share *outcome_share_of(outcome *o) { return (outcome_share *)(o + 1); }

static inline size_t outcome_size(const tree *t) {
  return sizeof(outcome) + (t->sums ? sizeof(outcome_share) : 0);
}

static inline size_t edges_size(const tree *t, size_t count) {
  size_t doubles = 1 + t->rewards + t->sums, words = 3 + (t->sums ? 2 : 0) + t->flights;
  size_t last = count * (t->priors + t->spreads) + t->priors;
  return arena_round(count * (doubles * sizeof(double) + words * sizeof(uint32_t))) +
         last * sizeof(double);
}

LOOP_PIECE edges edges_at(const tree *t, const node *n) {
  size_t count = n->count, sums = t->sums ? count : 0, flights = t->flights ? count : 0;
  edges e;
  e.value = arena_at(&t->blocks, n->edges);
  e.reward = e.value + count;
  e.sum = e.reward + count * t->rewards;
  e.width = (uint32_t *)(e.sum + sums);
  e.turn = e.width + sums;
  e.visits = e.turn + sums;
  e.flights = e.visits + count;
  e.child = e.flights + flights;
  e.action = (int32_t *)(e.child + count);
  /* Behind all others, so that who looks at none of them computes no place. */
  size_t before = (size_t)((unsigned char *)(e.action + count) - (unsigned char *)e.value);
  e.prior = (double *)((unsigned char *)e.value + arena_round(before));
  e.spread = e.prior + (t->priors ? count : 0);
  e.own = e.spread + (t->spreads ? count : 0);
  return e;
}

/* A new leaf that owns the state at `state`; `key` is NULL where the state is the key.
 * 0 at the byte limit: then the state still belongs to the caller. */
LOOP_PIECE ref node_new(tree *t, const void *state, const void *key, uint32_t depth,
                        bool terminal) {
  ref r = tree_alloc(t, node_size(t), t->bytes_per_state);
  if (!r) return 0;
  node *n = node_at(t, r);
  *n = (node){.depth = (uint16_t)depth, .flags = terminal ? NODE_TERMINAL : 0};
  if (t->graph_size) {
    *node_graph(n) = (graph_part){.older = t->newest};
    t->newest = r;
  }
  if (state) memcpy(node_state(t, n), state, t->state_size);
  if (key && t->key_size) memcpy(node_key(t, n), key, t->key_size);
  if (t->owns_states) {
    *node_previous_owned(t, n) = t->last_owned;
    t->last_owned = r;
  }
  t->nodes += 1;
  if (depth > t->deepest) t->deepest = depth;
  return r;
}

static inline void edge_begin(const tree *t, const edges *e, uint32_t i, int32_t action) {
  e->value[i] = 0.0;
  e->visits[i] = 0;
  e->child[i] = 0;
  e->action[i] = action;
  if (t->flights) e->flights[i] = 0;
  if (t->priors) e->prior[i] = 0.0;
  if (t->spreads) e->spread[i] = 0.0;
  if (t->sums) {
    e->sum[i] = 0.0;
    e->width[i] = 0;
    e->turn[i] = 0;
  }
}

static inline void double_swap(double *values, uint32_t i, uint32_t k) {
  double value = values[i];
  values[i] = values[k];
  values[k] = value;
}

static inline void word_swap(uint32_t *words, uint32_t i, uint32_t k) {
  uint32_t word = words[i];
  words[i] = words[k];
  words[k] = word;
}

/* Two edges that no simulation has taken change places; known outcomes go with them. */
static inline void edges_swap(const tree *t, const edges *e, uint32_t i, uint32_t k) {
  int32_t action = e->action[i];
  e->action[i] = e->action[k];
  e->action[k] = action;
  double_swap(e->value, i, k);
  word_swap(e->child, i, k);
  if (t->priors) double_swap(e->prior, i, k);
  if (!t->sums) return;
  double_swap(e->sum, i, k);
  word_swap(e->width, i, k);
  word_swap(e->turn, i, k);
}

/* Gives a leaf its edges, all untried. False at the byte limit. */
static inline bool node_expand(tree *t, node *n, const int32_t *actions, uint32_t count) {
  ref block = tree_alloc(t, edges_size(t, count), 0);
  if (!block) return false;
  n->edges = block;
  n->count = count;
  edges e = edges_at(t, n);
  for (uint32_t i = 0; i < count; i++) edge_begin(t, &e, i, actions[i]);
  if (t->priors) *e.own = NAN;
  return true;
}

/* Gives a node `count` more edges, behind those that it has. False at the byte limit. */
static inline bool node_widen(tree *t, node *n, const int32_t *actions, uint32_t count) {
  edges from = edges_at(t, n);
  uint32_t old = n->count;
  ref block = tree_alloc(t, edges_size(t, (size_t)old + count), 0);
  if (!block) return false;
  n->edges = block;
  n->count = old + count;
  n->flags &= (uint8_t)~NODE_ALL_TRIED;
  edges to = edges_at(t, n);
  memcpy(to.value, from.value, old * sizeof *to.value);
  memcpy(to.reward, from.reward, old * t->rewards * sizeof *to.reward);
  memcpy(to.visits, from.visits, old * sizeof *to.visits);
  memcpy(to.child, from.child, old * sizeof *to.child);
  memcpy(to.action, from.action, old * sizeof *to.action);
  if (t->spreads) memcpy(to.spread, from.spread, old * sizeof *to.spread);
  if (t->flights) memcpy(to.flights, from.flights, old * sizeof *to.flights);
  if (t->sums) {
    memcpy(to.sum, from.sum, old * sizeof *to.sum);
    memcpy(to.width, from.width, old * sizeof *to.width);
    memcpy(to.turn, from.turn, old * sizeof *to.turn);
  }
  for (uint32_t i = 0; i < count; i++) edge_begin(t, &to, old + i, actions[i]);
  return true;
}

#endif
