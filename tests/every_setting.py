"""A value for each setting of a search that is not its default, and all go together."""

from typing import Any

EVERY_SETTING: dict[str, Any] = {
    "selection": "puct",
    "exploration": 0.25,
    "soft_temperature": 0.125,
    "considered_actions": 8,
    "gumbel_visits": 25.0,
    "gumbel_value_scale": 0.5,
    "value_scaling": "bounds",
    "root_noise": 0.5,
    "root_noise_concentration": 0.75,
    "action_widening": 2.0,
    "outcome_widening": 1.5,
    "widening_exponent": 0.25,
    "max_depth": 7,
    "evaluation": "mixed",
    "value_weight": 0.75,
    "leaf_value": -1.0,
    "rollout": "random",
    "rollout_depth": 3,
    "backup": "mean",
    "sharing": "none",
    "outcome_key": "state",
    "recommendation": "visits",
    "temperature": 0.5,
    "discount": 0.875,
    "prove": False,
    "early_stop": False,
    "in_flight": 4,
    "threads": 4,
}
