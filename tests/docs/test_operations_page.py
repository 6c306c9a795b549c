"""What docs/operations.md says of settings, metrics and logs is so."""

from __future__ import annotations

import configparser
import json
import logging
import re
import sys
from pathlib import Path

import grpc
import pytest

from mcts_service.cli import main
from mcts_service.rpc.status import STATUS_CODES
from mcts_service.service.config_file import read_config
from mcts_service.service.logs import JsonFormatter
from mcts_service.service.observer import EngineState
from mcts_service.service.prometheus import PrometheusObserver

if sys.version_info >= (3, 11):
    from tomllib import loads
else:
    from tomli import loads

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def test_every_block_is_looked_at_below() -> None:
    kinds = ["sh", "text", "ini", "toml", "promql", "toml", "json"]
    assert [kind for kind, _ in BLOCKS] == kinds


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_settings_can_be_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    config = read_config(path)
    ((table, settings),) = loads(text).items()
    assert {key: getattr(getattr(config, table), key) for key in settings} == settings


def test_a_mistake_is_told_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("server.toml").write_text("\n" * 5 + "[server]\nworkers = -1\n")
    [command] = blocks("sh")
    assert main(command.split()[1:]) == 2
    assert capsys.readouterr().err == blocks("text")[0]


def test_the_unit_starts_what_there_is() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    [text] = blocks("ini")
    unit.read_string(text)
    command = unit["Service"]["ExecStart"].split()
    assert command[1:] == ["serve", "--config", "server.toml"]
    assert unit["Service"]["ExecStartPre"].split()[1:] == ["check-config", "server.toml"]


def test_the_metrics_are_all_there_are() -> None:
    observer = PrometheusObserver([])
    observer.engine_is(EngineState)
    families = {family.name: family.type for family in observer.registry.collect()}
    ours = {
        f"{name}_total" if kind == "counter" else name
        for name, kind in families.items()
        if name.startswith("mcts_")
    }
    table = PAGE.partition("## Metrics")[2].partition("What to watch")[0]
    assert set(re.findall(r"`(mcts_\w+)`", table)) == ours
    watched = set(re.findall(r"mcts_\w+", blocks("promql")[0]))
    assert {name.removesuffix("_bucket") for name in watched} <= ours


def test_a_line_of_the_log_has_the_fields_of_the_page() -> None:
    [text] = blocks("json")
    shown = json.loads(text)
    record = logging.LogRecord(
        shown["logger"], logging.INFO, "", 0, shown["message"].replace("%", "%%"), None, None
    )
    record.created = 1772357400.123
    for field in ("method", "model", "request_id", "caller", "status", "duration"):
        setattr(record, field, shown[field])
    assert json.loads(JsonFormatter().format(record)) == shown


def test_every_status_is_in_the_table() -> None:
    table = PAGE.partition("## When something is wrong")[2]
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.M))
    assert {code.name for code in STATUS_CODES.values()} <= listed
    assert listed <= {code.name for code in grpc.StatusCode}
