"""Learned models to files, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mcts_service.checks import shown
from mcts_service.errors import InvalidRequest
from mcts_service.learning.fit.ensemble import Ensemble, Layer, Scalings
from mcts_service.learning.fit.files import Contents, read_file, write_file
from mcts_service.learning.fit.labels import Labels
from mcts_service.learning.fit.linear_gaussian import LinearGaussian
from mcts_service.learning.fit.outcomes import Outcomes
from mcts_service.learning.fit.regression import Scaling
from mcts_service.learning.fit.state_names import names_as_json, names_of_json
from mcts_service.learning.fit.table import LearnedTable
from mcts_service.learning.fit.vector_model import Origin

__all__ = ["load", "save"]

#: Functions that a file cannot hold.
_FUNCTIONS = ("features", "reward", "terminal")
#: What an ensemble scales.
_SCALED = ("states", "changes", "rewards")

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
            return write_file(Path(path), Contents(kind, settings, arrays))
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
    if contents.kind not in _KINDS:
        raise InvalidRequest(
            str(path), f"is of kind {shown(contents.kind)}; must be one of {', '.join(_KINDS)}"
        )
    if kind is not None and kind != contents.kind:
        raise InvalidRequest(str(path), f"is of kind {contents.kind}; must be {kind}")
    given = _required(str(path), contents, functions)
    try:
        return _KINDS[contents.kind][2](contents, given)
    # It holds its checksum, so somebody else has written it.
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidRequest(
            str(path), f"is no {contents.kind} of this release: {type(error).__name__}: {error}"
        ) from error


def _required(path: str, contents: Contents, given: _Functions) -> _Functions:
    """The functions that the model needs, all of them given and no others."""
    needed = contents.settings.get("functions", [])
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
        "discount": table.discount,
        "labels": names,
    }
    columns = ("rows", "next_states", "terminated", "counts", "rewards")
    arrays = {name: getattr(outcomes, name) for name in columns}
    return settings, arrays | {"initial": table.initial_distribution}


def _read_table(contents: Contents, functions: _Functions) -> LearnedTable:
    settings, arrays = contents.settings, contents.arrays
    columns = ("rows", "next_states", "terminated", "counts", "rewards")
    names = settings["labels"]
    return LearnedTable(
        Outcomes(
            settings["num_states"], settings["num_actions"], *(arrays[name] for name in columns)
        ),
        arrays["initial"],
        prior=settings["prior"],
        unseen=settings["unseen"],
        discount=settings["discount"],
        labels=None if names is None else Labels(names_of_json(names)),
    )


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
    return Origin(arrays["initial_states"], arrays["low"], arrays["high"], arrays["taken"])


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
    return LinearGaussian(
        _origin_of(arrays),
        Scaling(arrays["mean"], arrays["scale"]),
        features=functions.get("features", settings["features"]),
        weights=arrays["weights"],
        noise=arrays["noise"],
        reward_weights=arrays["reward_weights"],
        end_weights=arrays.get("end_weights"),
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
    return Ensemble(
        _origin_of(arrays),
        Scalings(*(Scaling(arrays[f"{n}.mean"], arrays[f"{n}.scale"]) for n in _SCALED)),
        [
            Layer(
                arrays[f"layers.{number}.weights"].astype(np.float64),
                arrays[f"layers.{number}.bias"].astype(np.float64),
            )
            for number in range(settings["layers"])
        ],
        probabilistic=settings["probabilistic"],
        log_variance=arrays["log_variance"],
        never_ended=settings["never_ended"],
        discount=settings["discount"],
        reward=functions.get("reward"),
        terminal=functions.get("terminal"),
    )


#: How each kind is written and read.
_KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Contents, _Functions], Any]]] = {
    "table": (LearnedTable, _write_table, _read_table),
    "linear_gaussian": (LinearGaussian, _write_linear, _read_linear),
    "ensemble": (Ensemble, _write_ensemble, _read_ensemble),
}
