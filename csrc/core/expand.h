/* Expansion: a leaf gets its edges and, where the model knows all outcomes, those too. */
#ifndef MCTS_CORE_EXPAND_H
#define MCTS_CORE_EXPAND_H

#include "arrive.h"
#include "bellman.h"
#include "widen.h"

/* Hangs all outcomes of an edge in the graph. At once where they are few, so that an action
 * has its value before it is tried; else when it is first taken. */
static inline int expand_outcomes(search *s, ref at, uint32_t edge) {
  tree *t = &s->tree;
  transitions_row *row = &s->row;
  node *n = node_at(t, at);
  edges e = edges_at(t, n);
  int32_t count;
  int status =
      ask_transitions(s->model, s->ctx, node_state(t, n), edge_action(t, &e, edge), s->state_size,
                      &count, row->probability, row->state, row->reward, row->terminated, &s->fault);
  if (status < 0) return status;
  for (int32_t i = 0; i < count; i++) {
    unsigned char *state = row->state + (size_t)i * s->state_size;
    ref found;
    if (status < 0) {
      search_release(s, state);
      continue;
    }
    status = outcome_for(s, &e, edge, state, n->depth + 1u, row->terminated[i], &found, s->recipe);
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

/* Gives a leaf that stands for `state` an edge for each of the first `count` of s->actions. */
static inline int expand_with(search *s, ref at, const void *state, int32_t count) {
  uint8_t player;
  int status = ask_player(s->model, s->ctx, state, &player, &s->fault);
  if (status < 0) return status;
  if (!node_expand(&s->tree, at, player, s->actions, (uint32_t)count)) return OUT_OF_BYTES;
  bool all = s->exact && s->model->max_outcomes <= BELLMAN_READ_ALL;
  for (int32_t i = 0; all && status == MCTS_OK && i < count; i++)
    status = expand_outcomes(s, at, (uint32_t)i);
  if (status < 0) node_collapse(&s->tree, node_at(&s->tree, at));
  return status;
}

static inline int expand(search *s, ref at, const void *state) {
  int32_t count;
  int status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  return status < 0 ? status : expand_with(s, at, state, count);
}

/* ---- nodes that stand for many states ------------------------------------------------------ */

/* Keeps of the first `count` of s->actions what the request allows; both lists ascend. */
static inline int32_t expand_keep_allowed(search *s, int32_t count, const int32_t *allowed,
                                          uint32_t num_allowed) {
  int32_t kept = 0;
  for (int32_t i = 0; i < count; i++)
    for (uint32_t k = 0; k < num_allowed; k++)
      if (s->actions[i] == allowed[k]) s->actions[kept++] = allowed[k];
  return kept;
}

/* Marks in s->legal which of a node's edges are legal in `state`, and leaves in s->actions the
 * actions, as many as returned, that it has no edge for. */
static inline uint32_t expand_mark_legal(search *s, const node *n, int32_t count) {
  edges e = edges_at(&s->tree, n);
  uint32_t missing = 0;
  memset(s->legal, 0, s->model->max_actions * sizeof *s->legal);
  for (int32_t k = 0; k < count; k++) {
    uint32_t i = 0;
    while (i < e.count && edge_action(&s->tree, &e, i) != s->actions[k]) i++;
    if (i < e.count) s->legal[i] = true;
    else s->actions[missing++] = s->actions[k];
  }
  return missing;
}

/* Before a choice at a node that a simulation carries its `state` to: makes sure that there is
 * an edge for every action that is legal there, and marks those. */
static inline int expand_carried(search *s, ref at, const void *state) {
  const node *n = node_at(&s->tree, at);
  int32_t count;
  int status = ask_some_actions(s->model, s->ctx, state, s->actions, &count, &s->fault);
  if (status < 0) return status;
  if (at == s->tree.root && s->allowed)
    count = expand_keep_allowed(s, count, s->allowed, s->num_allowed);
  if (!node_is_expanded(n)) {
    memset(s->legal, 1, (size_t)count * sizeof *s->legal);
    return expand_with(s, at, state, count);
  }
  uint8_t player;
  status = ask_player(s->model, s->ctx, state, &player, &s->fault);
  if (status < 0) return status;
  const block_head *head = block_at(&s->tree, n->block);
  if (player != head->player)
    return fault_set(&s->fault, s->model, s->ctx, "player",
                     "depends on more than the history, which this search does not plan for",
                     MCTS_OK);
  uint32_t known = head->count, missing = expand_mark_legal(s, n, count);
  if (missing == 0) return MCTS_OK;
  if (!node_widen(&s->tree, at, s->actions, missing)) return OUT_OF_BYTES;
  for (uint32_t i = known; i < known + missing; i++) s->legal[i] = true;
  return MCTS_OK;
}

#endif
