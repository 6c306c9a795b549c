/* A struct that cannot be searched is refused in words, each for its own reason. */
#include "planning_root.h"

static mcts_model good_model(void) {
  handle_model h;
  handle_model_begin_whole(&h);
  return h.model;
}

#define CHECK_REFUSED(change, word)             \
  do {                                          \
    mcts_model m = good_model();                \
    change;                                     \
    const char *reason = search_refuses(&m);    \
    CHECK(reason && strstr(reason, word));      \
  } while (0)

/* Options that do not go with a model of one player, whose states are carried or not. */
static void check_options(search_options options, const char *option) {
  handle_model h;
  handle_model_begin_ring(&h, 13);
  const char *reason = search_refuses_options(&h.model, options);
  CHECK(option ? reason && strncmp(reason, option, strlen(option)) == 0 : !reason);
}

static void options_are_refused_by_name(void) {
  search_options o = WIDE_OUTCOMES;
  check_options(o, NULL);
  o.outcome_key = OUTCOME_OBSERVATION;
  check_options(o, "outcome_widening:");
  o = WIDE_ACTIONS;
  o.outcome_key = OUTCOME_NONE;
  check_options(o, "action_widening:");
  o = PUCT_BY_ROLLOUT;
  check_options(o, NULL);
  o.outcome_key = OUTCOME_NONE;
  check_options(o, "selection:");
  o = MENTS;
  check_options(o, NULL);
  o.backup = BACKUP_MAX;
  check_options(o, "selection:");
  o = TUNED;
  o.backup = BACKUP_BELLMAN;
  check_options(o, "selection:");
  check_options(GUMBEL, "selection:");
  check_options(MIXED, "evaluation:");
  check_options(CONSTANT, NULL);
}

int main(void) {
  mcts_model good = good_model();
  CHECK(!search_refuses(&good));
  good.struct_size += 64; /* of a later version */
  CHECK(!search_refuses(&good));
  CHECK_REFUSED(m.abi_version = 2, "abi_version");
  CHECK_REFUSED(m.struct_size -= 8, "struct_size");
  CHECK_REFUSED(m.sample = NULL, "sample");
  CHECK_REFUSED(m.flags |= MCTS_MODEL_STEP_EVALUATES, "step_batch is missing");
  CHECK_REFUSED(m.discount = 0.0, "discount");
  CHECK_REFUSED(m.discount = 1.5, "discount");
  CHECK_REFUSED(m.discount = NAN, "discount");
  CHECK_REFUSED(m.state_bytes = 0, "state_bytes");
  CHECK_REFUSED(m.state_bytes = UINT32_MAX, "state_bytes");
  CHECK_REFUSED(m.key = NULL, "key");
  CHECK_REFUSED(m.key_bytes = 0, "key");
  CHECK_REFUSED(m.key_bytes = UINT32_MAX, "key_bytes");
  CHECK_REFUSED(m.max_actions = 0, "max_actions");
  CHECK_REFUSED(m.max_actions = UINT32_MAX, "max_actions");
  CHECK_REFUSED(m.num_actions = 4, "num_actions");
  CHECK_REFUSED((m.num_actions = 0, m.actions = NULL), "num_actions");
  CHECK_REFUSED(m.num_players = 0, "num_players");
  CHECK_REFUSED(m.num_players = 256, "num_players");
  CHECK_REFUSED(m.player = NULL, "player");
  CHECK_REFUSED(m.action_bytes = 8, "action_bytes");
  CHECK_REFUSED(m.observation_bytes = UINT32_MAX, "observation_bytes");
  CHECK_REFUSED(m.leave = NULL, "enter and leave");
  CHECK_REFUSED(m.release = NULL, "retain and release");
  CHECK_REFUSED(m.evaluate = NULL, "evaluate");
  CHECK_REFUSED(m.flags |= MCTS_MODEL_PRIORS; m.evaluate = NULL, "evaluate");
  options_are_refused_by_name();
  return 0;
}
