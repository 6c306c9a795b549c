/* The search tree, or graph, in memory: nodes, edges and outcomes, all blocks of one arena.
 *
 *   node                        edge block of a node with E edges, P players
 *   +---------------------+     +------------------------------+
 *   | block or visits ----+---->| count visits node player ... |
 *   | depth flags         |     | value   double [E]           |  for the mover
 *   +---------------------+     | reward  double [E][P]        |  R
 *   | value chain hash    | G   | sum     double [E]           |  B
 *   +---------------------+     | prior   double [E]           |  W
 *   | state               |     | logit   double [E]           |  L  ln prior
 *   +---------------------+     | spread  double [E]           |  V
 *   | key, if any         |     | own     double               |  W  the node's value by the model
 *   +---------------------+     | visits  uint32 [E]           |
 *   | previous owned      |     | child   ref    [E] ----------+--> D node or its block, else outcome
 *   +---------------------+     | width   uint32 [E]           |  B  number of outcomes
 *   | rewards double [P]  | D   | turn    ref    [E]           |  B  outcome to refresh next
 *   +---------------------+     | flights uint32 [E]           |  F  simulations on their way
 *                               | action  1, 2 or 4 bytes [E]  |  but where all are there in order
 *                               +------------------------------+
 *                               outcome: one of the states that an action led to
 *                               +--------------------------+
 *                               | node --------------------+--> node
 *                               | visits  hash  next[2] ---+--> outcomes of the same edge: a trie
 *                               | sibling -----------------+--> the same outcomes: a list
 *                               +--------------------------+
 *                               | weight  reward  used     |  B
 *                               +--------------------------+
 *
 *   G only in a graph or with Bellman backups; D only if the model is deterministic: the rewards of
 *   the step that leads to a node are the node's, if any is not 0, where one edge alone leads to
 *   it, and else the edge's (R); B only of a model that is not deterministic, with Bellman backups
 *   or where the outcomes of an edge are limited; F only with several simulations in flight; W only
 *   where selection weighs priors, L where by their logarithms, V where it looks at the spread of
 *   returns.
 *   A node has no state where the simulations carry it: in open-loop search, and where the tree
 *   is one of observations.
 *
 * A node without edges is a leaf; where priors are weighed it has a block of its own: see leaf.h. And
 * there a node of which one edge alone was tried may have room for no more: see single.h.
 *
 * Edge blocks lie at the arena's low end, where they share no cache
 * lines with leaves, and nodes at its high end. So a ref tells which of them it is, and on the way
 * down a deterministic tree one need not look at a node that has edges: its block is all there
 * is to see.
 *
 * The outcomes of an edge form a binary trie on the bits of their keys' hashes: a few outcomes cost
 * a few comparisons, a hundred thousand about seventeen, nothing is ever rehashed, and keys are
 * compared in full. */
#ifndef MCTS_CORE_TREE_H
#define MCTS_CORE_TREE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "arena.h"
#include "loop.h"
#include "mcts_model.h"

enum node_flags {
  NODE_TERMINAL = 1, /* the episode ended on the way here */
  NODE_EXPANDED = 2, /* it has edges */
  NODE_SOLVED = 4,   /* its value is exact: there is nothing left to search */
  NODE_OPEN = 8,     /* its edges have their priors; while it has none: a leaf's block has them */
  NODE_ORDERED = 16, /* its edges are in the order in which they are let in */
  NODE_PAID = 32     /* it has the rewards of the step that leads to it */
};

typedef struct {
  union {
    ref block;            /* of edges, where it has any; of an opened leaf: see leaf.h */
    uint32_t leaf_visits; /* else: simulations that came here */
  };
  uint16_t depth; /* steps from the root */
  uint8_t flags;
  uint8_t player; /* to move, of an opened leaf */
} node;

/* What begins an edge block; `count` and `visits` begin that of an opened leaf too. */
typedef struct {
  uint32_t count;  /* edges */
  uint32_t visits; /* simulations that came to the node */
  ref node;
  uint8_t player; /* to move */
  bool all_tried : 1; /* every edge has been */
  bool solved : 1, paid : 1; /* as the node's flags say */
  bool single : 1;           /* there is room for one edge that was tried; see single.h */
  uint16_t last;   /* the edge that was followed last, where it has so small a number: a guess at
                      the next; of a single block: the one that there is room for */
} block_head;

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

/* Which arrays an edge block has beside those that all have. */
enum block_layout {
  BLOCK_REWARDS = 1,
  BLOCK_SUMS = 2, /* and width and turn; outcomes have a share */
  BLOCK_PRIORS = 4, /* with own behind them */
  BLOCK_SPREADS = 8,
  BLOCK_FLIGHTS = 16,
  BLOCK_LOGITS = 32,
  BLOCK_SINGLES = 64 /* a block begins with room for one edge: see single.h */
};

/* Where the arrays of one edge block lie. */
typedef struct {
  block_head *head;
  uint32_t count;
  double *value, *reward, *sum, *prior, *logit, *spread;
  double *own; /* [1] NaN: not known */
  uint32_t *visits;
  ref *child;
  uint32_t *width;
  ref *turn;
  uint32_t *flights;
  void *action; /* see edge_action */
} edges;

typedef struct {
  arena blocks;
  size_t state_size, key_size; /* of a node's, rounded to 8; 0: it has none */
  size_t graph_size;           /* sizeof(graph_part), or 0 */
  size_t bytes_per_state;      /* that the model holds outside the arena for each node */
  unsigned layout;             /* of edge blocks: of block_layout */
  uint32_t players;
  uint32_t all_actions;        /* a node with so many edges has them in the order 0, 1, 2, ...; 0: no
                                  node has */
  uint32_t action_bytes;       /* of the number of an action, elsewhere */
  bool owns_states;            /* nodes are chained by `last_owned`, to release their states */
  ref root, last_owned;
  ref newest; /* node, of those with a graph part */
  uint64_t nodes;
  uint32_t deepest;
} tree;

/* ---- memory ---------------------------------------------------------------------------- */

/* Memory that the tree holds, states outside it included. */
static inline uint64_t tree_bytes(const tree *t) {
  return arena_used(&t->blocks) + t->nodes * t->bytes_per_state;
}

/* True if there is room for a block beside `outside` bytes that the model will hold for it. */
LOOP_PIECE bool tree_has_room(const tree *t, size_t bytes, size_t outside) {
  return tree_bytes(t) + bytes + outside <= t->blocks.limit;
}

/* For what is at the high end: nodes and outcomes. 0 at the byte limit. */
LOOP_PIECE ref tree_alloc_high(tree *t, size_t bytes, size_t outside) {
  return tree_has_room(t, bytes, outside) ? arena_alloc_high(&t->blocks, bytes) : 0;
}

/* For all else. 0 at the byte limit. */
LOOP_PIECE ref tree_alloc_low(tree *t, size_t bytes) {
  size_t gap = arena_gap(&t->blocks, bytes);
  return tree_has_room(t, gap + bytes, 0) ? arena_alloc_low(&t->blocks, bytes) : 0;
}

/* Once more. A count that is full stays so: nodes that are shared may be visited often in one
 * simulation. False then: the visit is not counted. */
static inline bool count_up(uint32_t *visits) {
  bool room = *visits < UINT32_MAX;
  *visits += room;
  return room;
}

/* ---- nodes ------------------------------------------------------------------------------ */

static inline node *node_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

static inline bool node_is_expanded(const node *n) { return n->flags & NODE_EXPANDED; }

/* True of an opened leaf too. */
static inline bool node_has_block(const node *n) {
  return n->flags & (NODE_EXPANDED | NODE_OPEN);
}

static inline graph_part *node_graph(const node *n) { return (graph_part *)(n + 1); }

static inline void *node_state(const tree *t, const node *n) {
  return (unsigned char *)(n + 1) + t->graph_size;
}

/* What tells the node from its siblings: the key, or the state if it is its own key. */
static inline void *node_key(const tree *t, const node *n) {
  return (unsigned char *)node_state(t, n) + (t->key_size ? t->state_size : 0);
}

static inline ref *node_previous_owned(const tree *t, const node *n) {
  return (ref *)((unsigned char *)node_state(t, n) + t->state_size + t->key_size);
}

/* [players] of a node with NODE_PAID. */
static inline double *node_rewards(const tree *t, const node *n) {
  return (double *)((unsigned char *)node_previous_owned(t, n) + (t->owns_states ? 8 : 0));
}

static inline size_t node_size(const tree *t, bool paid) {
  return sizeof(node) + t->graph_size + t->state_size + t->key_size + (t->owns_states ? 8 : 0) +
         (paid ? t->players * sizeof(double) : 0);
}

/* A new leaf that owns the state at `state`; `key` is NULL where the state is the key, `rewards`
 * [players] where they are none of the node's. 0 at the byte limit: then the state still belongs to
 * the caller. */
LOOP_PIECE ref node_new(tree *t, const void *state, const void *key, const double *rewards,
                        uint32_t players, uint32_t depth, bool terminal) {
  bool paid = false;
  for (uint32_t p = 0; rewards && p < players; p++) paid |= rewards[p] != 0.0;
  ref r = tree_alloc_high(t, node_size(t, paid), t->bytes_per_state);
  if (!r) return 0;
  node *n = node_at(t, r);
  uint8_t flags = (uint8_t)((terminal ? NODE_TERMINAL : 0) | (paid ? NODE_PAID : 0));
  *n = (node){.depth = (uint16_t)depth, .flags = flags};
  if (t->graph_size) {
    *node_graph(n) = (graph_part){.older = t->newest};
    t->newest = r;
  }
  if (state) state_copy(node_state(t, n), state, t->state_size);
  if (key && t->key_size) memcpy(node_key(t, n), key, t->key_size);
  if (t->owns_states) {
    *node_previous_owned(t, n) = t->last_owned;
    t->last_owned = r;
  }
  if (paid) memcpy(node_rewards(t, n), rewards, players * sizeof *rewards);
  t->nodes += 1;
  if (depth > t->deepest) t->deepest = depth;
  return r;
}

/* ---- outcomes --------------------------------------------------------------------------- */

static inline outcome *outcome_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

static inline outcome_share *outcome_share_of(outcome *o) { return (outcome_share *)(o + 1); }

static inline size_t outcome_size(const tree *t) {
  return sizeof(outcome) + (t->layout & BLOCK_SUMS ? sizeof(outcome_share) : 0);
}

/* ---- edges ------------------------------------------------------------------------------ */

static inline block_head *block_at(const tree *t, ref r) { return arena_at(&t->blocks, r); }

/* Brings what is looked at first of a block into the cache. */
LOOP_PIECE void block_fetch(const tree *t, ref r) {
  const char *at = arena_at(&t->blocks, r);
  __builtin_prefetch(at);
  __builtin_prefetch(at + ARENA_LINE);
}

/* True if a node with so many edges stores the numbers of their actions. */
static inline bool block_has_actions(const tree *t, uint32_t count) {
  return count != t->all_actions;
}

LOOP_PIECE bool block_is_single(const block_head *head, unsigned layout) {
  return (layout & BLOCK_SINGLES) && head->single;
}

/* How many edges there is room for in a block, beside their priors and actions. */
LOOP_PIECE uint32_t block_room(const block_head *head, unsigned layout) {
  return block_is_single(head, layout) ? 1 : head->count;
}

LOOP_PIECE edges edges_in(const tree *t, ref block, unsigned layout) {
  edges e;
  e.head = block_at(t, block);
  size_t count = e.count = e.head->count, room = block_room(e.head, layout);
  e.value = (double *)(e.head + 1);
  e.reward = e.value + room;
  e.sum = e.reward + (layout & BLOCK_REWARDS ? count * t->players : 0);
  e.prior = e.sum + (layout & BLOCK_SUMS ? count : 0);
  e.logit = e.prior + (layout & BLOCK_PRIORS ? count : 0);
  e.spread = e.logit + (layout & BLOCK_LOGITS ? count : 0);
  e.own = e.spread + (layout & BLOCK_SPREADS ? count : 0);
  e.visits = (uint32_t *)(e.own + (layout & BLOCK_PRIORS ? 1 : 0));
  e.child = e.visits + room;
  e.width = e.child + room;
  e.turn = e.width + (layout & BLOCK_SUMS ? count : 0);
  e.flights = e.turn + (layout & BLOCK_SUMS ? count : 0);
  e.action = e.flights + (layout & BLOCK_FLIGHTS ? count : 0);
  return e;
}

/* Of a node that has some. */
static inline edges edges_at(const tree *t, const node *n) {
  return edges_in(t, n->block, t->layout);
}

/* Where a block has what belongs to an edge: of a single block to the one that was tried. */
LOOP_PIECE uint32_t edge_place(const edges *e, uint32_t i, unsigned layout) {
  return block_is_single(e->head, layout) ? 0 : i;
}

static inline size_t edges_size(const tree *t, uint32_t count) {
  unsigned layout = t->layout;
  size_t doubles = 1 + (layout & BLOCK_REWARDS ? t->players : 0) + !!(layout & BLOCK_SUMS) +
                   !!(layout & BLOCK_PRIORS) + !!(layout & BLOCK_LOGITS) +
                   !!(layout & BLOCK_SPREADS);
  size_t words = 2 + (layout & BLOCK_SUMS ? 2 : 0) + !!(layout & BLOCK_FLIGHTS);
  size_t bytes = doubles * sizeof(double) + words * sizeof(uint32_t) +
                 (block_has_actions(t, count) ? t->action_bytes : 0);
  size_t own = layout & BLOCK_PRIORS ? sizeof(double) : 0;
  return sizeof(block_head) + own + arena_round(count * bytes);
}

static inline int32_t edge_action(const tree *t, const edges *e, uint32_t i) {
  if (!block_has_actions(t, e->count)) return (int32_t)i;
  switch (t->action_bytes) {
    case 1:
      return ((const uint8_t *)e->action)[i];
    case 2:
      return ((const uint16_t *)e->action)[i];
    default:
      return ((const int32_t *)e->action)[i];
  }
}

static inline void edge_set_action(const tree *t, const edges *e, uint32_t i, int32_t action) {
  if (!block_has_actions(t, e->count)) return;
  switch (t->action_bytes) {
    case 1:
      ((uint8_t *)e->action)[i] = (uint8_t)action;
      break;
    case 2:
      ((uint16_t *)e->action)[i] = (uint16_t)action;
      break;
    default:
      ((int32_t *)e->action)[i] = action;
  }
}

static inline void edge_begin(const tree *t, const edges *e, uint32_t i, int32_t action) {
  e->value[i] = 0.0;
  e->visits[i] = 0;
  e->child[i] = 0;
  edge_set_action(t, e, i, action);
  if (t->layout & BLOCK_FLIGHTS) e->flights[i] = 0;
  if (t->layout & BLOCK_PRIORS) e->prior[i] = 0.0;
  if (t->layout & BLOCK_LOGITS) e->logit[i] = 0.0;
  if (t->layout & BLOCK_SPREADS) e->spread[i] = 0.0;
  if (t->layout & BLOCK_SUMS) {
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
  int32_t action = edge_action(t, e, i);
  edge_set_action(t, e, i, edge_action(t, e, k));
  edge_set_action(t, e, k, action);
  double_swap(e->value, i, k);
  word_swap(e->child, i, k);
  if (t->layout & BLOCK_PRIORS) double_swap(e->prior, i, k);
  if (t->layout & BLOCK_LOGITS) double_swap(e->logit, i, k);
  if (!(t->layout & BLOCK_SUMS)) return;
  double_swap(e->sum, i, k);
  word_swap(e->width, i, k);
  word_swap(e->turn, i, k);
}

/* ---- nodes and their edges ---------------------------------------------------------------- */

/* Simulations that came here. */
static inline uint32_t node_visits(const tree *t, const node *n) {
  return node_has_block(n) ? block_at(t, n->block)->visits : n->leaf_visits;
}

/* Where they are counted. */
static inline uint32_t *node_visits_at(const tree *t, node *n) {
  return node_has_block(n) ? &block_at(t, n->block)->visits : &n->leaf_visits;
}

static inline void node_count_visit(const tree *t, node *n) { count_up(node_visits_at(t, n)); }

/* Its value is exact from now on. */
static inline void node_solve(const tree *t, node *n) {
  n->flags |= NODE_SOLVED;
  if (node_is_expanded(n)) block_at(t, n->block)->solved = true;
}

/* What the child of a deterministic model's edge is: its node, whichever of the two it is
 * stored as. */
static inline ref child_node(const tree *t, ref child) {
  return arena_is_high(&t->blocks, child) ? child : block_at(t, child)->node;
}

/* The head of a block for the node's `count` edges. */
static inline void block_begin(const tree *t, ref block, ref at, uint32_t count) {
  const node *n = node_at(t, at);
  block_head *head = block_at(t, block);
  *head = (block_head){.count = count,
                       .visits = node_visits(t, n),
                       .node = at,
                       .solved = n->flags & NODE_SOLVED,
                       .paid = n->flags & NODE_PAID};
  head->player = node_is_expanded(n) ? block_at(t, n->block)->player : n->player;
}

/* Room for `count` edges; what stands in it is the caller's to write. 0 at the byte limit. */
static inline ref block_new(tree *t, ref at, uint32_t count) {
  ref block = tree_alloc_low(t, edges_size(t, count));
  if (block) block_begin(t, block, at, count);
  return block;
}

static inline void node_take_block(tree *t, ref at, ref block) {
  node *n = node_at(t, at);
  n->block = block;
  n->flags |= NODE_EXPANDED;
}

/* Gives a leaf its edges, all untried. False at the byte limit. */
static inline bool node_expand(tree *t, ref at, uint8_t player, const int32_t *actions,
                               uint32_t count) {
  ref block = block_new(t, at, count);
  if (!block) return false;
  edges e = edges_in(t, block, t->layout);
  e.head->player = player;
  for (uint32_t i = 0; i < count; i++) edge_begin(t, &e, i, actions[i]);
  if (t->layout & BLOCK_PRIORS) *e.own = NAN;
  node_take_block(t, at, block);
  return true;
}

/* Takes the edges of a node away again: half a node is none. */
static inline void node_collapse(const tree *t, node *n) {
  uint32_t visits = node_visits(t, n);
  n->flags &= (uint8_t)~(NODE_EXPANDED | NODE_OPEN);
  n->leaf_visits = visits;
}

/* Gives a node `count` more edges, behind those that it has. False at the byte limit. */
static inline bool node_widen(tree *t, ref at, const int32_t *actions, uint32_t count) {
  edges from = edges_at(t, node_at(t, at));
  uint32_t old = from.count;
  ref block = block_new(t, at, old + count);
  if (!block) return false;
  edges to = edges_in(t, block, t->layout);
  memcpy(to.value, from.value, old * sizeof *to.value);
  if (t->layout & BLOCK_REWARDS)
    memcpy(to.reward, from.reward, old * t->players * sizeof *to.reward);
  memcpy(to.visits, from.visits, old * sizeof *to.visits);
  memcpy(to.child, from.child, old * sizeof *to.child);
  for (uint32_t i = 0; i < old; i++) edge_set_action(t, &to, i, edge_action(t, &from, i));
  if (t->layout & BLOCK_PRIORS) {
    memcpy(to.prior, from.prior, old * sizeof *to.prior);
    *to.own = *from.own;
  }
  if (t->layout & BLOCK_LOGITS) memcpy(to.logit, from.logit, old * sizeof *to.logit);
  if (t->layout & BLOCK_SPREADS) memcpy(to.spread, from.spread, old * sizeof *to.spread);
  if (t->layout & BLOCK_FLIGHTS) memcpy(to.flights, from.flights, old * sizeof *to.flights);
  if (t->layout & BLOCK_SUMS) {
    memcpy(to.sum, from.sum, old * sizeof *to.sum);
    memcpy(to.width, from.width, old * sizeof *to.width);
    memcpy(to.turn, from.turn, old * sizeof *to.turn);
  }
  for (uint32_t i = 0; i < count; i++) edge_begin(t, &to, old + i, actions[i]);
  node_take_block(t, at, block);
  return true;
}

#endif
