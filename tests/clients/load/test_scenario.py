"""Mixtures of work from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcts_client import InvalidRequest
from mcts_client._load.scenario import Scenario, read_scenario


def read(folder: Path, text: str) -> Scenario:
    file = folder / "mixed.toml"
    file.write_text(text, encoding="utf-8")
    return read_scenario(file)


def test_a_file_says_everything(tmp_path: Path) -> None:
    scenario = read(
        tmp_path,
        """
        thresholds = ["p99<50ms", "many:errors<1%"]

        [[work]]
        name = "opening"
        weight = 3
        model = "connect_four"
        states = ["", "4455", [[1, 0], [0, 2]], 7, true]
        simulations = 200

        [[work]]
        name = "many"
        model = "taxi"
        model_version = "2"
        mode = "batch"
        rows = 64
        time_limit = 0.05
        max_bytes = 1000000
        horizon = 9
        priority = -3
        search = {preset = "uct", exploration = 0.5}
        """,
    )
    opening, many = scenario.work
    assert (opening.name, opening.weight, opening.mode) == ("opening", 3, "unary")
    # Integers travel as json, as those of --state do, and not as discrete.
    assert opening.states == ("", "4455", [[1.0, 0.0], [0.0, 2.0]], 7.0, True)
    assert [type(state) for state in opening.states[3:]] == [float, bool]
    assert opening.simulations == 200
    assert (many.model, many.model_version, many.mode, many.rows) == ("taxi", "2", "batch", 64)
    assert (many.time_limit, many.max_bytes, many.horizon) == (0.05, 1_000_000, 9)
    assert many.priority == -3
    assert many.search == {"preset": "uct", "exploration": 0.5}
    assert [one.text for one in scenario.thresholds] == ["p99<50ms", "many:errors<1%"]
    assert scenario.thresholds[1].work == "many"
    assert scenario.places[1].endswith("mixed.toml:11: work[1]")


def test_the_example_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "load_test.md").read_text(encoding="utf-8")
    (tmp_path / "boards.jsonl").write_text('"5137"\n"5"\n')
    scenario = read(tmp_path, page.partition("```toml\n")[2].partition("```")[0])
    assert [work.name for work in scenario.work] == ["opening", "many"]
    assert scenario.work[1].states == ("5137", "5")


def test_a_kind_is_called_by_its_model_where_nobody_names_it(tmp_path: Path) -> None:
    assert read(tmp_path, '[[work]]\nmodel = "taxi"\n').work[0].name == "taxi"


def test_states_come_from_rows_of_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "boards.npy", np.arange(12, dtype=np.int8).reshape(2, 6))
    states = read(tmp_path, '[[work]]\nmodel = "m"\nstates_file = "boards.npy"\n').work[0].states
    assert len(states) == 2
    np.testing.assert_array_equal(states[1], np.arange(6, 12))


def test_states_come_from_lines_of_json(tmp_path: Path) -> None:
    (tmp_path / "states.jsonl").write_text('"4455"\n\n[1, 2]\n')
    text = '[[work]]\nmodel = "m"\nstates_file = "states.jsonl"\n'
    assert read(tmp_path, text).work[0].states == ("4455", [1.0, 2.0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: work: is not there; write [[work]]"),
        ("work = 3", "1: work: is not there"),
        ("work = []", "1: work: is not there"),
        ("\nrate = 5\n", "2: rate: is not a setting; settings: thresholds, work"),
        ("[[work]]\nname = 'a'", "1: work[0]: has no model"),
        ("[[work]]\nmodel = 'a'\nspeed = 1", "3: work[0].speed: is not a setting; settings: name"),
        ("[[work]]\nmodel = ''", "2: work[0].model: is ''; must be the name of a model"),
        ("[[work]]\nmodel = 5", "2: work[0].model: is 5"),
        ("[[work]]\nmodel = 'a'\nname = 'b c'", "3: work[0].name: is 'b c'; must be 1 to 64"),
        ("[[work]]\nmodel = 'a'\nweight = 0", "3: work[0].weight: is 0; must be a number above 0"),
        ("[[work]]\nmodel = 'a'\nweight = inf", "3: work[0].weight: is inf"),
        ("[[work]]\nmodel = 'a'\nweight = true", "3: work[0].weight: is True"),
        (
            "[[work]]\nmodel = 'a'\nmode = 'fast'",
            "3: work[0].mode: is 'fast'; must be unary, batch",
        ),
        ("[[work]]\nmodel = 'a'\nrows = 0", "3: work[0].rows: is 0; must be a whole number"),
        ("[[work]]\nmodel = 'a'\npriority = 'high'", "3: work[0].priority: is 'high'; must be an"),
        ("[[work]]\nmodel = 'a'\nstates = []", "3: work[0].states: is []; must be a list of"),
        ("[[work]]\nmodel = 'a'\nstates = 's'", "3: work[0].states: is 's'; must be a list"),
        ("[[work]]\nmodel = 'a'\nsearch = 1", "3: work[0].search: is 1; must be a table"),
        (
            "[[work]]\nmodel = 'a'\n# b\n[[work]]\nmodel = 'b'\nname = 'a'",
            "6: work[1].name: is 'a', which another kind has",
        ),
        ("[[work]]\nmodel = 'a'\nstates_file = 'no.npy'", "3: work[0].states_file: is 'no.npy'"),
        ("[[work]]\nmodel = 'a'\nstates_file = 'bad.jsonl'", "line 2 is not JSON"),
        ("[[work]]\nmodel = 'a'\nstates_file = 'empty.jsonl'", "which is empty"),
        ("[[work]]\nmodel = 'a'\nstates_file = 'number.npy'", "its array is a single number"),
        ("[[work]]\nmodel = 'a'\nstates_file = 'text.npy'", "which holds no states"),
        ("[[work]]\nmodel = 'a'\nstates_file = 7", "3: work[0].states_file: is 7"),
        (
            "[[work]]\nmodel = 'a'\nstates = [1]\nstates_file = 'x.npy'",
            "4: work[0].states_file: stands beside states",
        ),
        ("thresholds = 3\n[[work]]\nmodel = 'a'", "1: thresholds: is 3; must be a list"),
        (
            "thresholds = [\n'p99<5ms',\n'p98<5ms']\n[[work]]\nmodel = 'a'",
            "1: thresholds[1]: is 'p98<5ms'; must be a limit",
        ),
        ("[[work]]\nmodel = \n", "2: is not TOML"),
        ("[[work]]\nmodel = '", "2: is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_key(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "bad.jsonl").write_text("1\n{")
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "number.npy", np.int64(3))
    with pytest.raises(InvalidRequest) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'mixed.toml'}:")
    assert says in str(error.value)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(InvalidRequest, match="which holds no states"):
        read(tmp_path, '[[work]]\nmodel = "m"\nstates_file = "objects.npy"\n')


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"none\.toml: cannot be read: No such file"):
        read_scenario(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidRequest, match=r"bytes\.toml: is not UTF-8"):
        read_scenario(tmp_path / "bytes.toml")
