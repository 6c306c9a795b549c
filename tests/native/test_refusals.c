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

int main(void) {
  mcts_model good = good_model();
  CHECK(!search_refuses(&good));
  good.struct_size += 64; /* of a later version */
  CHECK(!search_refuses(&good));
  CHECK_REFUSED(m.abi_version = 2, "abi_version");
  CHECK_REFUSED(m.struct_size -= 8, "struct_size");
  CHECK_REFUSED(m.sample = NULL, "sample");
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
  return 0;
}
