/* Expansion: a leaf gets its edges and, where the model knows all outcomes, those too. */
#ifndef MCTS_CORE_EXPAND_H
#define MCTS_CORE_EXPAND_H

#include "arrive.h"
#include "bellman.h"

/* Hangs all outcomes of an edge in the graph. At once where they are few, so that an action
 * has its value before it is tried; else when it is first taken. */
static inline int expand_outcomes(search *s, ref at, uint32_t edge) {
  tree *t = &s->tree;
  transitions_row *row = &s->row;
  node *n = node_at(t, at);
  edges e = edges_at(t, n);
  int32_t count;
  int status =
      ask_transitions(s->model, s->ctx, node_state(t, n), e.action[edge], t->state_size, &count,
                      row->probability, row->state, row->reward, row->terminated, &s->fault);
  if (status < 0) return status;
  for (int32_t i = 0; i < count; i++) {
    unsigned char *state = row->state + (size_t)i * t->state_size;
    ref found;
    if (status < 0) {
      search_release(s, state);
      continue;
    }
    status = outcome_for(s, &e, edge, state, s->cursor.key, n->depth + 1u, row->terminated[i],
                         &found, s->recipe);
    if (status < 0) continue;
    outcome_share *share = outcome_share_of(outcome_at(t, found));
    share->weight += row->probability[i];
    share->reward += row->probability[i] / share->weight * (row->reward[i] - share->reward);
  }
  if (status < 0) { /* some outcomes are no expectation */
    e.child[edge] = 0;
    e.width[edge] = 0;
    return status;
  }
  bellman_read(s, &e, edge, true);
  return MCTS_OK;
}

/* Gives a leaf an edge for each of the first `count` of s->actions. */
static inline int expand_with(search *s, ref at, int32_t count) {
  node *n = node_at(&s->tree, at);
  const void *state = node_state(&s->tree, n);
  int status = ask_player(s->model, s->ctx, state, &n->player, &s->fault);
  if (status < 0) return status;
  if (!node_expand(&s->tree, n, s->actions, (uint32_t)count)) return OUT_OF_BYTES;
  bool all = s->exact && s->model->max_outcomes <= BELLMAN_READ_ALL;
  for (uint32_t i = 0; all && status == MCTS_OK && i < n->count; i++)
    status = expand_outcomes(s, at, i);
  if (status < 0) n->edges = 0; /* half a node is none */
  return status;
}

static inline int expand(search *s, ref at) {
  int32_t count;
  int status = ask_some_actions(s->model, s->ctx, node_state(&s->tree, node_at(&s->tree, at)),
                                s->actions, &count, &s->fault);
  return status < 0 ? status : expand_with(s, at, count);
}

#endif
