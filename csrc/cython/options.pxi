# The settings of a search, from words to the core's numbers.

cdef dict SELECTIONS = {
    "ucb1": <int>SELECTION_UCB1,
    "ucb1_tuned": <int>SELECTION_UCB1_TUNED,
    "puct": <int>SELECTION_PUCT,
    "gumbel": <int>SELECTION_GUMBEL,
    "thompson": <int>SELECTION_THOMPSON,
    "ments": <int>SELECTION_MENTS,
}
cdef dict EVALUATIONS = {
    "rollout": <int>EVALUATION_ROLLOUT,
    "value": <int>EVALUATION_VALUE,
    "trial": <int>EVALUATION_TRIAL,
    "mixed": <int>EVALUATION_MIXED,
    "constant": <int>EVALUATION_CONSTANT,
}
cdef dict ROLLOUTS = {
    "model": <int>ROLLOUT_MODEL,
    "random": <int>ROLLOUT_RANDOM,
    "decisive": <int>ROLLOUT_DECISIVE,
}
cdef dict BACKUPS = {
    "mean": <int>BACKUP_MEAN,
    "bellman": <int>BACKUP_BELLMAN,
    "max": <int>BACKUP_MAX,
    "soft": <int>BACKUP_SOFT,
}
cdef dict SHARINGS = {
    "none": <int>SHARING_NONE, "depth": <int>SHARING_DEPTH, "state": <int>SHARING_STATE,
}
cdef dict OUTCOME_KEYS = {
    "state": <int>OUTCOME_STATE,
    "observation": <int>OUTCOME_OBSERVATION,
    "none": <int>OUTCOME_NONE,
}
cdef dict RECOMMENDATIONS = {
    "auto": <int>RECOMMEND_DUE,
    "visits": <int>RECOMMEND_VISITS,
    "value": <int>RECOMMEND_VALUE,
    "lower_bound": <int>RECOMMEND_LOWER_BOUND,
}


cdef search_options options_of(dict settings) except *:
    """The core's options; each setting as `SearchConfig` has it, with defaults of plain UCT."""
    cdef search_options o
    cdef dict left = dict(settings)
    take = left.pop
    o.selection = <search_selection><int>SELECTIONS[take("selection", "ucb1")]
    o.exploration = take("exploration", 1.0)
    o.soft_temperature = take("soft_temperature", 0.05)
    o.considered = take("considered_actions", 16)
    o.gumbel_visits = take("gumbel_visits", 50.0)
    o.gumbel_value_scale = take("gumbel_value_scale", 0.1)
    o.scale_by_bounds = take("value_scaling", "seen") == "bounds"
    o.action_widening = take("action_widening", 0.0)
    o.outcome_widening = take("outcome_widening", 0.0)
    o.widening_exponent = take("widening_exponent", 0.5)
    o.max_depth = take("max_depth", 1)
    o.evaluation = <search_evaluation><int>EVALUATIONS[take("evaluation", "rollout")]
    o.value_weight = take("value_weight", 0.5)
    o.leaf_value = take("leaf_value", 0.0)
    o.rollout = <search_rollout><int>ROLLOUTS[take("rollout", "model")]
    o.rollout_depth = take("rollout_depth", None) or 0
    o.backup = <search_backup><int>BACKUPS[take("backup", "mean")]
    o.sharing = <search_sharing><int>SHARINGS[take("sharing", "none")]
    o.outcome_key = <search_outcome_key><int>OUTCOME_KEYS[take("outcome_key", "state")]
    o.recommendation = <search_recommendation><int>RECOMMENDATIONS[take("recommendation", "auto")]
    o.in_flight = take("in_flight", 1)
    o.threads = take("threads", 1)
    o.discount = take("discount", None) or 0.0
    o.prove = take("prove", False)
    o.early_stop = take("early_stop", False)
    if left:
        raise TypeError(f"unknown settings: {', '.join(left)}")
    return o
