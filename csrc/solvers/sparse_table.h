/* A table of outcomes as a sweep reads it: what stays is a reward to expect, and where to go on. */
#ifndef MCTS_SPARSE_TABLE_H
#define MCTS_SPARSE_TABLE_H

#include <stdint.h>

/* What a table is built from: row s * num_actions + a holds the outcomes of action a in state s, in
 * the entries row_start[row] .. row_start[row + 1] - 1. A row without any is an illegal action. */
typedef struct sparse_source {
  int32_t num_states;
  int32_t num_actions;
  const int32_t *row_start; /* [num_states * num_actions + 1], ascending from 0 */
  const double *probabilities; /* these four: [row_start[num_states * num_actions]] */
  const int32_t *next_states;  /* 0 .. num_states - 1 */
  const double *rewards;
  const uint8_t *terminated;
  const uint8_t *terminal; /* [num_states]; nothing is done there any more, all is worth 0 */
} sparse_source;

typedef struct sparse_table {
  int32_t num_states;
  int32_t num_actions;
  int32_t num_rows;
  int32_t num_entries;
  int32_t *state_start; /* [num_states + 1]: its rows */
  int32_t *row_action;  /* [num_rows] */
  int32_t *row_start;   /* [num_rows + 1]: its entries */
  double *row_reward;   /* [num_rows]: expected, of all outcomes */
  uint8_t *row_ends;    /* [num_rows]: an episode may end by it */
  double *probability;  /* [num_entries] */
  int32_t *next_state;  /* [num_entries] */
  double least_mass;    /* of the rows: the probability to go on */
  double greatest_mass;
  int32_t longest_row; /* entries of a row, at most */
  int32_t row_capacity;
  int32_t entry_capacity;
} sparse_table;

/* Copies the source. NULL: no memory. */
sparse_table *sparse_table_new(const sparse_source *source);

/* An empty table of one action with room for any policy of another table. NULL: no memory. */
sparse_table *sparse_table_for_policy(const sparse_table *table);

/* The most entries that a policy of a table may have. */
int64_t sparse_table_policy_entries(const sparse_table *table);

/* Fills such a table with what a policy does: policy[s] is a legal action of every state that has
 * rows. Returns the first state where it is not one, with the table left empty, or -1. */
int32_t sparse_table_follow(sparse_table *chain, const sparse_table *table,
                            const int32_t *policy);

/* The same one state after the other, from the first to the last: `clear`, then `append` of a row of
 * the other table for each state that has rows, or of -1. */
void sparse_table_clear(sparse_table *chain);
void sparse_table_append(sparse_table *chain, const sparse_table *table, int32_t state,
                         int32_t row);

/* The table of one action that does each action with its probability: weights[s, a] >= 0, those of
 * illegal actions not looked at. NULL: no memory, or more entries than an int32 counts. */
sparse_table *sparse_table_mix(const sparse_table *table, const double *weights);

/* The row of an action; -1: it is not legal. */
int32_t sparse_table_row(const sparse_table *table, int32_t state, int32_t action);

void sparse_table_free(sparse_table *table);

#endif
