"""A learned model is served by its file, named in the configuration; nothing else is opened."""

from __future__ import annotations

import numpy as np
import pytest
from played import Played

from mcts_client import PlannerClient
from mcts_service import MCTS, Budget
from mcts_service.errors import InvalidRequest, UnknownModel
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_linear_gaussian, fit_table, save
from mcts_service.models import make
from mcts_service.policies import Uniform
from mcts_service.service.config_file import read_config
from mcts_service.service.loading import load_models

CONFIGURATION = """
[server]
built_in_models = false
entry_points = false

[[models]]
name = "lake"
file = "models/lake.npz"
version = "7"

[[models]]
name = "pole"
file = "models/pole.npz"
"""


@pytest.fixture
def folder(tmp_path):
    """A configuration and the files that it names, beside it."""
    (tmp_path / "models").mkdir()
    rng = np.random.default_rng(0)
    lake = collect(Played(make("frozen_lake_4x4")), Uniform(4), 120, rng)
    pole = collect(Played(make("cart_pole")), Uniform(2), 300, rng)
    save(fit_table(lake, 16, 4), tmp_path / "models" / "lake.npz")
    save(fit_linear_gaussian(pole, 2), tmp_path / "models" / "pole.npz")
    (tmp_path / "server.toml").write_text(CONFIGURATION)
    return tmp_path


def test_a_saved_model_is_served_and_planned_as_in_process(folder, server_of):
    registry = load_models(read_config(folder / "server.toml"))
    with server_of(registry) as served, PlannerClient(served.address) as client:
        plan = client.plan("lake", 0, simulations=300, seed=1)
        own = MCTS(registry.find("lake").model).plan(0, Budget(simulations=300), seed=1)
        assert (plan.action, plan.value) == (own.action, own.value)
        assert plan.model.version == "7"
        assert "were never seen in the data" in plan.warnings[0]
        assert plan.warnings == tuple(own.warnings)
        plans = client.plan_batch("lake", [0, 14], simulations=100, seeds=[1, 2])
        assert plans.warnings.keys() <= {0, 1}
        assert "were never seen in the data" in plans.warnings[0][0]
        action = client.plan("pole", np.array([0.0, 0.0, 0.1, 0.0]), simulations=200).action
        assert action in (0, 1)


def test_a_name_of_a_file_is_no_name_of_a_model(folder, server_of):
    registry = load_models(read_config(folder / "server.toml"))
    for name in ("models/lake.npz", str(folder / "models" / "lake.npz"), "../lake.npz"):
        with pytest.raises((UnknownModel, InvalidRequest)):
            registry.find(name)
        with server_of(registry) as served:
            error = served.error(model=name)
            assert error.code().name in ("NOT_FOUND", "INVALID_ARGUMENT")


def test_a_damaged_file_stops_the_start_by_file_line_and_key(folder):
    path = folder / "models" / "lake.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidRequest) as caught:
        load_models(read_config(folder / "server.toml"))
    assert str(caught.value).startswith(
        f"{folder / 'server.toml'}:6: models[0]: file: {path}: is d"
    )
    path.unlink()
    with pytest.raises(InvalidRequest, match=r"models\[0\]: file: .*lake\.npz: cannot be read"):
        load_models(read_config(folder / "server.toml"))
