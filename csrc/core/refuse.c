/* What no search is made of: models that lack something, and options that do not go with them. */
#include "search.h"

const char *search_refuses(const mcts_model *m) {
  if (m->abi_version != MCTS_MODEL_ABI_VERSION) return "abi_version is not 1";
  if (m->struct_size < sizeof(mcts_model))
    return "struct_size is below sizeof(mcts_model) of version 1";
  if (!m->sample) return "sample is missing";
  if (!(m->discount > 0.0 && m->discount <= 1.0)) return "discount is not in (0, 1]";
  if (!(ask_is_sound(m->min_return) && ask_is_sound(m->max_return)))
    return "min_return or max_return is not a finite number of at most 1e140 in size";
  if (m->min_return > m->max_return) return "min_return is above max_return";
  if (m->state_bytes == 0 || m->state_bytes > (1u << 24))
    return "state_bytes is not from 1 to 16777216";
  if ((m->key_bytes > 0) != (m->key != NULL)) return "key and key_bytes do not go together";
  if (m->key_bytes > (1u << 24)) return "key_bytes is above 16777216";
  if (m->max_actions == 0 || m->max_actions > (1u << 24))
    return "max_actions is not from 1 to 16777216";
  if (m->num_actions > m->max_actions) return "num_actions is above max_actions";
  if (m->num_actions == 0 && !m->actions) return "num_actions is 0 and actions is missing";
  if (m->num_players == 0 || m->num_players > UINT8_MAX) return "num_players is not from 1 to 255";
  if (m->num_players > 1 && !m->player) return "player is missing in a game";
  if (m->action_bytes > 0) return "action_bytes above 0 is not searched by this version";
  if (m->observation_bytes > (1u << 24)) return "observation_bytes is above 16777216";
  if (m->transitions && (m->max_outcomes == 0 || m->max_outcomes > (1u << 24)))
    return "transitions is there and max_outcomes is not from 1 to 16777216";
  if ((m->enter != NULL) != (m->leave != NULL)) return "enter and leave do not go together";
  if ((m->retain != NULL) != (m->release != NULL)) return "retain and release do not go together";
  if ((m->context_new != NULL) != (m->context_free != NULL))
    return "context_new and context_free do not go together";
  if ((m->flags & (MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS)) && !m->evaluate)
    return "the flags promise values or priors, and evaluate is missing";
  if ((m->flags & MCTS_MODEL_STEP_EVALUATES) && !m->step_batch)
    return "the flags promise steps that evaluate, and step_batch is missing";
  return NULL;
}

/* ---- options: what one of them needs or does, and what would work in its place ------------------ */

static const char *refuses_backup(const mcts_model *m, search_options o) {
  bool mean = o.backup == BACKUP_MEAN, values = m->flags & MCTS_MODEL_VALUES;
  bool asks = o.evaluation == EVALUATION_VALUE || o.evaluation == EVALUATION_MIXED;
  if (!mean && m->num_players > 1) return "backup: needs a single player; mean would work";
  if (o.evaluation == EVALUATION_TRIAL && mean)
    return "evaluation: learns by bellman backups alone; rollout would work";
  if (asks && !values)
    return "evaluation: asks for values, and the model has no value(state); rollout would work";
  bool decides = (m->flags & MCTS_MODEL_DETERMINISTIC) && m->min_return < m->max_return;
  if (o.rollout == ROLLOUT_DECISIVE && !decides)
    return "rollout: needs a deterministic model with return_bounds; random would work";
  if (o.scale_by_bounds && !(m->min_return < m->max_return))
    return "value_scaling: needs return_bounds, and the model has none; seen would work";
  return NULL;
}

static const char *refuses_selection(const mcts_model *m, search_options o) {
  bool of_returns = o.selection == SELECTION_UCB1_TUNED || o.selection == SELECTION_THOMPSON;
  bool weighs = o.selection == SELECTION_PUCT || o.selection == SELECTION_GUMBEL;
  bool knows = m->flags & (MCTS_MODEL_VALUES | MCTS_MODEL_PRIORS);
  if (o.selection == SELECTION_GUMBEL && !knows)
    return "selection: needs priors or values, and the model has no prior(state) and no "
           "value(state); ucb1 would work";
  if (o.selection == SELECTION_MENTS && o.backup != BACKUP_SOFT)
    return "selection: needs the backup soft; ucb1 would work";
  if (of_returns && o.backup != BACKUP_MEAN)
    return "selection: needs the spread of returns, and so the backup mean; ucb1 would work";
  if (weighs && o.outcome_key != OUTCOME_STATE)
    return "selection: weighs the priors of states, and so needs the outcome_key state; ucb1 would "
           "work";
  if (o.outcome_widening > 0.0 && m->num_players > 1)
    return "outcome_widening: needs a single player; 0 would work";
  if (o.outcome_widening > 0.0 && o.outcome_key != OUTCOME_STATE)
    return "outcome_widening: needs the outcome_key state; 0 would work";
  if (o.action_widening > 0.0 && o.outcome_key != OUTCOME_STATE)
    return "action_widening: needs the outcome_key state; 0 would work";
  return NULL;
}

static const char *refuses_outcomes(const mcts_model *m, search_options o) {
  if (o.outcome_key == OUTCOME_STATE) return NULL;
  if (o.outcome_key == OUTCOME_OBSERVATION && m->observation_bytes == 0)
    return "outcome_key: needs observations, and the model gives none; none or state would work";
  if (o.sharing != SHARING_NONE)
    return "sharing: joins equal states, and so needs the outcome_key state; none would work";
  if (m->num_actions == 0)
    return "outcome_key: needs a model that numbers its actions for all states alike; state would "
           "work";
  return NULL;
}

static const char *refuses_threads(const mcts_model *m, search_options o) {
  if (o.threads <= 1) return NULL;
  if (!(m->flags & MCTS_MODEL_THREAD_SAFE) || m->enter)
    return "threads: needs a model that says that it is thread-safe; 1 would work";
  if (o.outcome_key != OUTCOME_STATE)
    return "threads: needs the outcome_key state; 1 would work";
  if (o.sharing != SHARING_NONE)
    return "threads: needs a tree, and so the sharing none; 1 would work";
  if (o.backup != BACKUP_MEAN) return "threads: needs the backup mean; 1 would work";
  if (o.selection == SELECTION_GUMBEL)
    return "threads: cannot take the turns of gumbel; 1 would work";
  if (o.outcome_widening > 0.0)
    return "threads: needs outcome_widening 0; 1 would work";
  if (o.in_flight > 1) return "threads: needs in_flight 1; 1 would work";
  return NULL;
}

const char *search_refuses_options(const mcts_model *m, search_options o) {
  const char *refusal = refuses_selection(m, o); /* first: Gumbel's asks for more than a value */
  if (!refusal) refusal = refuses_backup(m, o);
  if (!refusal) refusal = refuses_outcomes(m, o);
  return refusal ? refusal : refuses_threads(m, o);
}
