"""Learned models to files, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mcts_service.checks import require_bool, require_integer, require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.ensemble import Ensemble, Layer, Scalings
from mcts_service.learning.fit.feature_functions import feature_function
from mcts_service.learning.fit.files import Contents, read_file, write_file
from mcts_service.learning.fit.held_arrays import held, require
from mcts_service.learning.fit.labels import Labels
from mcts_service.learning.fit.linear_gaussian import LinearGaussian
from mcts_service.learning.fit.outcomes import Outcomes
from mcts_service.learning.fit.regression import Scaling
from mcts_service.learning.fit.state_names import names_as_json, names_of_json
from mcts_service.learning.fit.table import LearnedTable
from mcts_service.learning.fit.unseen import require_unseen
from mcts_service.learning.fit.vector_model import Origin

__all__ = ["load", "save"]

#: Functions that a file cannot hold.
_FUNCTIONS = ("features", "reward", "terminal")
#: States and actions of a table.
_MOST_NUMBERS = 2**31 - 2
#: What an ensemble scales.
_SCALED = ("states", "changes", "rewards")

#: What a reader trips over.
_WRONG = (
    KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, MemoryError,
    RecursionError,
)  # fmt: skip

_Functions: TypeAlias = Mapping[str, Any]


def save(model: Any, path: str | Path) -> None:
    """Writes a learned model to a file, whole or not at all. The file runs no code when it is read.

    Functions of one's own (features, reward, terminal) are not written; `load` must be given them
    again.

    Args:
      model: from `fit_table`, `fit_linear_gaussian` or `fit_ensemble`.
      path: ends in ".safetensors" for an ensemble, and in ".npz" for all else.
    Raises:
      InvalidRequest: the model is none of these, has states that a file cannot hold, or the file
        cannot be written.
    """
    for kind, (model_type, write, _) in _KINDS.items():
        if isinstance(model, model_type):
            settings, arrays = write(model)
            return write_file(Contents(kind, settings, arrays), Path(path))
    raise InvalidRequest("model", f"is {shown(model)}; must be a learned model")


def load(path: str | Path, *, kind: str | None = None, **functions: Any) -> Any:
    """The learned model of a file.

    Args:
      path: of a file that `save` has written.
      kind: "table", "linear_gaussian" or "ensemble", if it must be of one; None: any.
      functions: `features`, `reward` and `terminal`, where the model was fitted with functions.
    Returns:
      The model: a `LearnedTable`, `LinearGaussian` or `Ensemble`.
    Raises:
      InvalidRequest: the file cannot be read, is none of these, was cut or changed, is of another
        version or kind, or needs a function that is not given.
    """
    contents = read_file(Path(path))
    if not isinstance(contents.kind, str) or contents.kind not in _KINDS:
        raise InvalidRequest(
            str(path), f"is of kind {shown(contents.kind)}; must be one of {', '.join(_KINDS)}"
        )
    if kind is not None and kind != contents.kind:
        raise InvalidRequest(str(path), f"is of kind {contents.kind}; must be {kind}")
    given = _required(str(path), contents, functions)
    try:
        return _KINDS[contents.kind][2](contents, given)
    # It holds its checksum, so somebody else has written it.
    except _WRONG as error:
        raise InvalidRequest(
            str(path), f"is no {contents.kind} of this release: {type(error).__name__}: {error}"
        ) from error


def _required(path: str, contents: Contents, given: _Functions) -> _Functions:
    """The functions that the model needs, all of them given and no others."""
    needed = contents.settings.get("functions", [])
    if not isinstance(needed, list) or any(name not in _FUNCTIONS for name in needed):
        raise InvalidRequest(path, f"names the functions {shown(needed)}; must name {_FUNCTIONS}")
    for name in needed:
        if name not in given:
            raise InvalidRequest(
                name, f"is missing; {path} was fitted with a function, which load must be given"
            )
    for name in given:
        if name not in needed:
            raise InvalidRequest(name, f"is given; {path} was not fitted with a function of it")
    return given


def _functions_of(model: Any) -> list[str]:
    return [name for name in _FUNCTIONS if callable(getattr(model, name, None))]


# ---- tables


def _write_table(table: LearnedTable) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    outcomes = table.outcomes
    names = None if table.labels is None else names_as_json(table.labels.states)
    settings = {
        "num_states": outcomes.num_states,
        "num_actions": outcomes.num_actions,
        "prior": table.prior,
        "unseen": table.unseen,
        "reward_range": list(outcomes.reward_range),
        "discount": table.discount,
        "labels": names,
    }
    columns = ("rows", "next_states", "terminated", "counts", "rewards")
    arrays = {name: getattr(outcomes, name) for name in columns}
    return settings, arrays | {"initial": table.initial_distribution}


def _read_table(contents: Contents, functions: _Functions) -> LearnedTable:
    settings, arrays = contents.settings, contents.arrays
    outcomes = _outcomes_of(settings, arrays)
    initial = held(arrays, "initial", np.float64, [outcomes.num_states])
    require((initial >= 0).all() and initial.any(), "initial", "is no distribution")
    require_unseen(settings["unseen"])
    names = settings["labels"]
    labels = None if names is None else Labels(names_of_json(names))
    if labels is not None:
        require(len(labels) == outcomes.num_states, "labels", "are not one for each state")
    return LearnedTable(
        outcomes,
        initial,
        prior=require_number("prior", settings["prior"], 0, np.inf),
        unseen=settings["unseen"],
        discount=settings["discount"],
        labels=labels,
    )


def _outcomes_of(settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Outcomes:
    """Those of a file, in range and in their order."""
    size = require_integer("num_states", settings["num_states"], 1, _MOST_NUMBERS)
    num_actions = require_integer("num_actions", settings["num_actions"], 1, _MOST_NUMBERS)
    rows = held(arrays, "rows", np.int64, [None])
    shape = rows.shape
    next_states = held(arrays, "next_states", np.int64, shape)
    require((rows >= 0).all() and (rows < size * num_actions).all(), "rows", "are out of range")
    in_range = (next_states >= 0).all() and (next_states < size).all()
    require(in_range, "next_states", "are out of range")
    rewards = held(arrays, "rewards", np.float64, shape)
    outcomes = Outcomes(
        size,
        num_actions,
        rows,
        next_states,
        held(arrays, "terminated", np.bool_, shape),
        held(arrays, "counts", np.int64, shape),
        rewards,
        _reward_range_of(settings["reward_range"], rewards),
    )
    require((outcomes.counts >= 1).all(), "counts", "are less than 1")
    require(outcomes.is_ordered, "rows", "are not in order, or have an outcome twice")
    return outcomes


def _reward_range_of(found: Any, rewards: np.ndarray) -> tuple[float, float]:
    """The worst and the best single reward of a file, whose means are `rewards`."""
    worst, best = (require_number("reward_range", of, -np.inf, np.inf) for of in found)
    # A mean of equal rewards may be off by rounding.
    rounding = 1e-9 * float(np.abs(rewards).max())
    within = worst <= rewards.min() + rounding and rewards.max() <= best + rounding
    require(within and bool(np.isfinite([worst, best]).all()), "reward_range", "is no such range")
    return worst, best


# ---- models of vectors


def _origin_arrays(origin: Origin) -> dict[str, np.ndarray]:
    """What a model knows of its data, for a file."""
    return {
        "initial_states": origin.initial_states,
        "low": origin.low,
        "high": origin.high,
        "taken": origin.taken,
    }


def _origin_of(arrays: Mapping[str, np.ndarray]) -> Origin:
    """The same, from a file."""
    initial_states = held(arrays, "initial_states", np.float64, [None, None])
    shape = initial_states.shape[1:]
    low = held(arrays, "low", np.float64, shape)
    high = held(arrays, "high", np.float64, shape)
    require((low <= high).all(), "low", "is above high")
    taken = held(arrays, "taken", np.int64, [None])
    require((taken >= 0).all(), "taken", "is less than 0")
    return Origin(initial_states, low, high, taken)


def _scaling_of(arrays: Mapping[str, np.ndarray], size: int | None, prefix: str = "") -> Scaling:
    """Of so many columns, from a file."""
    mean = held(arrays, f"{prefix}mean", np.float64, [size])
    scale = held(arrays, f"{prefix}scale", np.float64, mean.shape)
    require((scale > 0).all(), f"{prefix}scale", "is not above 0")
    return Scaling(mean, scale)


def _write_linear(model: LinearGaussian) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    settings = {
        "features": None if callable(model.features) else model.features,
        "discount": model.discount,
        "functions": _functions_of(model),
    }
    arrays = _origin_arrays(model.origin) | {
        "mean": model.scaling.mean,
        "scale": model.scaling.scale,
        "weights": model.weights,
        "noise": model.noise,
        "reward_weights": model.reward_weights,
    }
    if model.end_weights is not None:
        arrays["end_weights"] = model.end_weights
    return settings, arrays


def _read_linear(contents: Contents, functions: _Functions) -> LinearGaussian:
    settings, arrays = contents.settings, contents.arrays
    origin = _origin_of(arrays)
    (size,), (count,) = origin.low.shape, origin.taken.shape
    features = functions.get("features", settings["features"])
    columns = size + feature_function(features)(origin.initial_states[:1]).shape[1]
    noise = held(arrays, "noise", np.float64, [size, size])
    is_triangle = (noise == np.tril(noise)).all() and (np.diag(noise) > 0).all()
    require(is_triangle, "noise", "is no lower triangle with a diagonal above 0")
    ends = "end_weights" in arrays
    return LinearGaussian(
        origin,
        _scaling_of(arrays, columns),
        features=features,
        weights=held(arrays, "weights", np.float64, [count, columns + 1, size]),
        noise=noise,
        reward_weights=held(arrays, "reward_weights", np.float64, [count, 2 * columns + 1]),
        end_weights=held(arrays, "end_weights", np.float64, [columns + 1]) if ends else None,
        discount=settings["discount"],
        reward=functions.get("reward"),
        terminal=functions.get("terminal"),
    )


def _write_ensemble(model: Ensemble) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    settings = {
        "layers": len(model.layers),
        "probabilistic": model.probabilistic,
        "never_ended": model.never_ended,
        "discount": model.discount,
        "functions": _functions_of(model),
    }
    arrays = _origin_arrays(model.origin) | {"log_variance": model.log_variance}
    for name in _SCALED:
        scaling = getattr(model.scalings, name)
        arrays |= {f"{name}.mean": scaling.mean, f"{name}.scale": scaling.scale}
    for number, layer in enumerate(model.layers):
        # As they were trained: a float32 is a float64 without loss, and back.
        arrays[f"layers.{number}.weights"] = layer.weights.astype(np.float32)
        arrays[f"layers.{number}.bias"] = layer.bias.astype(np.float32)
    return settings, arrays


def _read_ensemble(contents: Contents, functions: _Functions) -> Ensemble:
    settings, arrays = contents.settings, contents.arrays
    for name in ("probabilistic", "never_ended"):
        require_bool(name, settings[name])
    origin = _origin_of(arrays)
    (size,), (count,) = origin.low.shape, origin.taken.shape
    columns = zip(_SCALED, (size, size, 1), strict=True)
    return Ensemble(
        origin,
        Scalings(*(_scaling_of(arrays, length, f"{name}.") for name, length in columns)),
        _layers_of(settings, arrays, size + count, 2 * size + 2),
        probabilistic=settings["probabilistic"],
        log_variance=held(arrays, "log_variance", np.float64, [size]),
        never_ended=settings["never_ended"],
        discount=settings["discount"],
        reward=functions.get("reward"),
        terminal=functions.get("terminal"),
    )


def _layers_of(
    settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray], inputs: int, outputs: int
) -> list[Layer]:
    """Those of a file, each taking what the one before gives."""
    layers: list[Layer] = []
    count = require_integer("layers", settings["layers"], 1, len(arrays))
    members, size = None, inputs
    for number in range(count):
        shape = [members, size, outputs if number == count - 1 else None]
        weights = held(arrays, f"layers.{number}.weights", np.float32, shape)
        members, _, size = weights.shape
        bias = held(arrays, f"layers.{number}.bias", np.float32, [members, size])
        layers.append(Layer(weights.astype(np.float64), bias.astype(np.float64)))
    return layers


#: How each kind is written and read.
_KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Contents, _Functions], Any]]] = {
    "table": (LearnedTable, _write_table, _read_table),
    "linear_gaussian": (LinearGaussian, _write_linear, _read_linear),
    "ensemble": (Ensemble, _write_ensemble, _read_ensemble),
}
