"""The models that speed is measured on are sound, and those that exist several times are one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from models.grid10 import FORMS
from models.latent import LatentTable, NumpyLatent, native_latent
from models.native_grids import native_grid10, native_grid1000
from programs import Programs
from same_model import check_same_models
from sides.our_batches import Trees

from mcts_service.testing import assert_model

MODELS = {
    "grid10": lambda programs: native_grid10(programs.grid10, own_rollout=True),
    "grid10 by steps": lambda programs: native_grid10(programs.grid10, own_rollout=False),
    "grid1000": lambda programs: native_grid1000(programs.grid1000, knows_outcomes=True),
    "grid1000 by samples": lambda programs: native_grid1000(
        programs.grid1000, knows_outcomes=False
    ),
    "latent": lambda programs: native_latent(programs.latent),
    "latent in NumPy": lambda programs: NumpyLatent(programs.latent),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_keeps_the_contract(name: str, programs: Programs) -> None:
    assert_model(MODELS[name](programs))


@pytest.mark.parametrize("form", FORMS)
def test_a_python_model_keeps_the_contract(form: str) -> None:
    assert_model(FORMS[form]())


def test_models_that_exist_several_times_are_one(programs: Programs) -> None:
    check_same_models(programs)


def test_another_model_is_found_out(programs: Programs) -> None:
    with pytest.raises(ValueError, match="grid10"):
        check_same_models(replace(programs, grid10=programs.latent))


@pytest.mark.parametrize("state", [0, 999, 500 * 1000 + 499, 480 * 1000 + 480, 999_999])
@pytest.mark.parametrize("action", range(4))
def test_probabilities_of_the_million_cells_are_those_of_samples(
    state: int, action: int, programs: Programs
) -> None:
    model: Any = native_grid1000(programs.grid1000, knows_outcomes=True)
    rng = np.random.default_rng(1)
    draws = 2_000
    found = Counter(model.sample(state, action, rng) for _ in range(draws))
    packed = model.pack_state(state)
    outcomes = model.handle.transitions(packed, action)
    known = {
        (model.unpack_state(following), rewards[0], terminated): probability
        for probability, following, rewards, terminated in outcomes
    }
    assert sum(known.values()) == pytest.approx(1.0)
    assert set(found) == set(known)
    # Six standard errors: a false alarm in 10^7 runs.
    for outcome, probability in known.items():
        error = (probability * (1 - probability) / draws) ** 0.5
        assert found[outcome] / draws == pytest.approx(probability, abs=6 * error + 1e-9)


def test_latent_numbers_are_distributions(programs: Programs) -> None:
    table = LatentTable.of(programs.latent)
    following, priors = table.column("next", np.int64), table.column("prior", np.float64)
    assert (following.min(), following.max()) == (0, 63)
    assert priors.sum(axis=1) == pytest.approx(np.ones(64), abs=1e-6)
    assert (table.column("value", np.float64) >= 0).all()


@pytest.mark.parametrize(("preset", "most"), [("puct", 108), ("gumbel", 138)])
def test_trees_of_a_latent_model_are_small(preset: str, most: int, programs: Programs) -> None:
    """Bytes a simulation, 8 of which are the state: what is not known of a node takes no room."""
    counts = Trees(preset, batch=32, simulations=50, library=str(programs.latent)).counts()
    assert counts["bytes"] < most
