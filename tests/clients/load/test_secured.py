"""The load test on a server that is locked: TLS with certificates on both sides, and tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcts_client.load_test import main

from benchmarks.chaos.certificates import Authority

TOKEN = "the-token-of-the-load-test"


@pytest.fixture
def locked(start_real_server: Callable[..., Any], tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The server's address, and the options that let a load test in."""
    authority = Authority(tmp_path)
    server, client = authority.issue(), authority.issue("load-test")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "tokens.toml").write_text(
        f"[[tokens]]\nname = 'load'\ntoken = '{TOKEN}'\nmodels = ['tic_tac_toe']\n"
    )
    config = tmp_path / "server.toml"
    config.write_text(
        f"[auth]\ntoken_file = '{tmp_path}/tokens.toml'\n[tls]\n"
        + "".join(f"{key} = '{path}'\n" for key, path in server.names.items())
        + f"client_ca = '{authority.certificate}'\nrequire_client_certificate = true\n"
    )
    options = {
        "--tls-ca": str(authority.certificate),
        "--tls-certificate": str(client.certificate),
        "--tls-key": str(client.private_key),
        "--token-file": str(tmp_path / "token"),
    }
    return start_real_server("--config", str(config)).target, options


def run(target: str, options: dict[str, str], *more: str) -> int:
    given = [word for pair in options.items() for word in pair]
    load = ["--rate", "20", "--duration", "0.5", "--warmup", "0", "--max-lag", "60"]
    return main([target, "--tls", *load, *given, *more])


@pytest.mark.parametrize("mode", ["unary", "batch", "stream"])
def test_it_is_let_in(
    locked: tuple[str, dict[str, str]], mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*locked, "--model", "tic_tac_toe", "--mode", mode, "--processes", "2") == 0
    assert "UN" not in capsys.readouterr().out.partition("errors")[2]


@pytest.mark.parametrize(
    ("missing", "status", "said"),
    [
        ("--token-file", 1, "a valid bearer token is needed"),
        ("--tls-ca", 1, "certificate_verify_failed"),
        ("--tls-key", 2, "tls: has one of certificate and private_key"),
    ],
)
def test_what_is_missing_is_told(
    locked: tuple[str, dict[str, str]],
    missing: str,
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target, options = locked
    del options[missing]
    with pytest.raises(SystemExit) as caught:
        run(target, options, "--model", "tic_tac_toe")
    assert caught.value.code == status
    assert said in capsys.readouterr().err.lower()
