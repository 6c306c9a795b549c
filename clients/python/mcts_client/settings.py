"""The settings of a search, as a caller gives them by name: `SearchSettings`."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["SearchSettings"]


class SearchSettings(TypedDict, total=False):
    """How to search: what `plan` and `plan_batch` take beside their own arguments.

    What is not given, or None, keeps the model's default. What is "auto" is decided plan by plan,
    from what the model can do and from what the search itself sees.

    Attributes:
      selection: which action a simulation takes next: "auto", "ucb1", "ucb1_tuned", "puct",
        "gumbel", "thompson" or "ments".
      exploration: weight of exploration, 0 or more; values are scaled, so 1 suits any rewards.
      soft_temperature: of "ments" and of soft backups, as a part of the range of values, above 0.
      considered_actions: of "gumbel" at the root, 1 .. 65536.
      gumbel_visits, gumbel_value_scale: of "gumbel", 0 or more: how much values count beside
        priors.
      value_scaling: by which range: that of the values "seen", or the model's own "bounds".
      root_noise: weight, 0 .. 1, of Dirichlet noise in the root's priors, with "puct".
      root_noise_concentration: of that noise, above 0.
      action_widening: 0: a node chooses among all its actions. Above 0, after n visits, among the
        first ceil(action_widening n^widening_exponent).
      outcome_widening: 0: an action leads to whatever the model draws. Above 0, after n visits, to
        at most ceil(outcome_widening n^widening_exponent) outcomes. For one player.
      widening_exponent: of both, 0 .. 1.
      max_depth: steps that a simulation looks ahead, tree and rollout together, 1 .. 65535.
      evaluation: how a new leaf is valued: "auto"; by a "rollout"; by the model's own "value"; as
        "mixed" of both; as a "constant"; or "trial": not at all, the simulation goes on down the
        tree (needs Bellman backups).
      value_weight: of the model's value in "mixed", 0 .. 1; the rest is the rollout's.
      leaf_value: of "constant", in reward units.
      rollout: whose actions: those of the "model" where it has any, else at random; or "random".
      rollout_depth: steps of a rollout at most, 1 .. 65535.
      backup: what a node learns: "auto"; the "mean" of the returns; "bellman": the best action's
        expectation over its outcomes; "max": the same, by how often each was seen; "soft": with a
        soft maximum. All but the mean for one player.
      sharing: which paths lead to one node: "auto"; "none" is a tree; "depth" joins those that
        reach a state after equally many steps; "state" all that reach it, whenever.
      outcome_key: what tells the outcomes of an action apart: "auto"; the next "state"; the
        "observation", so that a node is a history; or "none", so that it is a sequence of actions.
      recommendation: by what the plan's action is best: "auto", "visits", "value" or
        "lower_bound".
      temperature: 0: the best action. Above 0: one drawn, by visits^(1 / temperature).
      discount: per step, above 0 and at most 1, in place of the model's own.
      prove: whether values that are proven count in place of means, in a deterministic game.
      early_stop: whether a search ends once what is left of its budget cannot change the most
        visited action.
      in_flight: simulations in progress at once, 1 .. 4096, of a model that answers in batches.
      threads: that search one tree together, 1 .. 64, of a model that is thread-safe.
      preset: a known algorithm: "auto", "uct", "max_uct", "dp_uct", "graph", "puct", "gumbel",
        "ments", "open_loop" or "pomcp". It sets selection, evaluation, backup, sharing and
        outcome_key; those of them that are given too win.
    """

    selection: str | None
    exploration: float | None
    soft_temperature: float | None
    considered_actions: int | None
    gumbel_visits: float | None
    gumbel_value_scale: float | None
    value_scaling: str | None
    root_noise: float | None
    root_noise_concentration: float | None
    action_widening: float | None
    outcome_widening: float | None
    widening_exponent: float | None
    max_depth: int | None
    evaluation: str | None
    value_weight: float | None
    leaf_value: float | None
    rollout: str | None
    rollout_depth: int | None
    backup: str | None
    sharing: str | None
    outcome_key: str | None
    recommendation: str | None
    temperature: float | None
    discount: float | None
    prove: bool | None
    early_stop: bool | None
    in_flight: int | None
    threads: int | None
    preset: str | None
