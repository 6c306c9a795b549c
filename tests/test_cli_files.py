"""The command line plans with a learned model's file, and checks it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from played import Played

from mcts_service.cli import main
from mcts_service.learning.data import collect
from mcts_service.learning.fit import fit_table, save
from mcts_service.models import make
from mcts_service.policies import Uniform


@pytest.fixture
def file(tmp_path):
    played = collect(Played(make("frozen_lake_4x4")), Uniform(4), 120, np.random.default_rng(0))
    save(fit_table(played, 16, 4), tmp_path / "Lake 2.npz")
    return str(tmp_path / "Lake 2.npz")


def test_a_file_is_planned(file, capsys):
    assert main(["plan", file, "0", "--simulations", "50"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("lake_2: take action ")
    assert "\nwarning: " in printed
    assert main(["plan", file, "0", "--simulations", "50", "--json"]) == 0
    assert "never seen" in json.loads(capsys.readouterr().out)["warnings"][0]


def test_a_file_is_checked(file, capsys):
    assert main(["check", file]) == 0
    assert "ok" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["plan", "check"])
def test_a_file_that_is_not_there_is_named(command, capsys):
    assert main([command, "nowhere.npz"]) == 2
    assert "nowhere.npz: cannot be read: No such file" in capsys.readouterr().err
