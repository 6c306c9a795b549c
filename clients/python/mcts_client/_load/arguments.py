"""The command line of the load test, and the load test that it asks for."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args

from mcts_client._load.hdr_log import require_hdrhistogram
from mcts_client._load.run import LoadTest
from mcts_client._load.scenario import Scenario, as_json_state, read_scenario
from mcts_client._load.settings import Arrivals, LoadSettings
from mcts_client._load.steps import FIRST_RATE, Steps
from mcts_client._load.thresholds import Threshold
from mcts_client._load.work import Mode, Work

__all__ = ["FILES", "load_test_of", "make_parser"]

#: Options that name a file to write.
FILES = ("json", "html", "hdr_log", "seconds_csv", "steps_csv")
#: Options of the one kind of work that the command line describes.
_WORK = ("model", "state", "simulations", "time_limit", "mode", "rows", "priority")
_NOT_GIVEN = object()  # a state may be None, JSON's null


def load_test_of(given: argparse.Namespace) -> LoadTest:
    """What the arguments ask for.

    Raises:
      ValueError: they do not go together, or a file cannot be read.
    """
    if (given.target is None) == (given.target_option is None):
        raise ValueError("give the server once, as HOST:PORT")
    if given.hdr_log is not None:
        require_hdrhistogram()
    steps = _steps(given)
    if steps is None and given.rate is None and given.concurrency is None:
        raise ValueError("one of --rate, --concurrency and --steps must be given")
    values: dict[str, Any] = {
        field.name: getattr(given, field.name) for field in fields(LoadSettings)
    }
    values["target"] = given.target or given.target_option
    if steps is not None:
        values["rate"] = steps.rates[0] if steps.rates else steps.first
    scenario = _scenario(given)
    names = [one.name for one in scenario.work] if scenario else []
    thresholds = tuple(Threshold.parse(text, names) for text in given.threshold)
    return LoadTest(LoadSettings(**values), scenario, steps, thresholds)


def _steps(given: argparse.Namespace) -> Steps | None:
    if given.steps is None:
        return None
    if given.concurrency is not None:
        raise ValueError("--steps are rates, so --concurrency cannot stand beside them")
    if given.steps and given.rate is not None:
        raise ValueError("--rate is the first of rates that double; it cannot stand beside a list")
    return Steps(given.rate or FIRST_RATE, given.steps, given.precision)


def _scenario(given: argparse.Namespace) -> Scenario | None:
    alone = [name for name in _WORK if getattr(given, name) not in (None, _NOT_GIVEN)]
    if given.scenario is not None:
        if alone:
            option = alone[0].replace("_", "-")
            raise ValueError(f"--{option} stands in the scenario; it cannot stand beside one")
        return read_scenario(given.scenario)
    if given.model is None:
        if alone:
            raise ValueError(f"--{alone[0].replace('_', '-')} needs a --model")
        return None
    values = {name: getattr(given, name) for name in alone if name != "state"}
    if given.state is not _NOT_GIVEN:
        values["states"] = (given.state,)
    return Scenario((Work(name=given.model, **values),))


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see --help)\n")


def make_parser(description: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of `mcts-load-test`."""
    parser = _Parser(
        prog="mcts-load-test",
        usage="mcts-load-test HOST:PORT (--rate R | --concurrency N | --steps [R,R,...]) [options]",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", nargs="?", metavar="HOST:PORT", help="the server")
    parser.add_argument(
        "--target", dest="target_option", metavar="HOST:PORT", help="the same, as an option"
    )
    _add_load(parser)
    _add_work(parser)
    _add_client(parser)
    _add_results(parser)
    return parser


def _add_load(parser: argparse.ArgumentParser) -> None:
    load = parser.add_argument_group("how much is asked")
    loop = load.add_mutually_exclusive_group()
    loop.add_argument("--rate", type=_above_zero, metavar="R", help="open loop: calls a second")
    loop.add_argument(
        "--concurrency", type=_whole(1), metavar="N", help="closed loop: calls in flight"
    )
    load.add_argument(
        "--steps",
        nargs="?",
        type=_rates,
        const=(),
        metavar="R,R,...",
        help="open loop at these rates, or at doubling ones, to the greatest that is kept",
    )
    load.add_argument(
        "--precision",
        type=_above_zero,
        default=0.1,
        metavar="P",
        help="of --steps: how close that rate is to one that is not kept (default 0.1)",
    )
    load.add_argument(
        "--arrivals",
        choices=get_args(Arrivals),
        default="poisson",
        help="of the open loop: at random (default) or evenly",
    )
    load.add_argument(
        "--duration",
        type=_above_zero,
        default=10.0,
        metavar="S",
        help="seconds to measure, of each step (default 10)",
    )
    load.add_argument(
        "--warmup",
        type=_at_least_zero,
        default=2.0,
        metavar="S",
        help="seconds before that, which are not counted (default 2)",
    )


def _add_work(parser: argparse.ArgumentParser) -> None:
    work = parser.add_argument_group("what is asked of the server")
    work.add_argument("--model", help="a name from ListModels; default: its first, 100 simulations")
    work.add_argument(
        "--state",
        type=_json,
        default=_NOT_GIVEN,
        metavar="JSON",
        help="where to plan from, sent as json; default: the model's own example",
    )
    budget = work.add_mutually_exclusive_group()
    budget.add_argument(
        "--simulations", type=_whole(1), metavar="N", help="of a plan; default: the model's own"
    )
    budget.add_argument("--time-limit", type=_above_zero, metavar="S", help="seconds of a call")
    work.add_argument(
        "--mode",
        choices=get_args(Mode),
        help="of a call: one plan (default), a batch, or one on a stream",
    )
    work.add_argument("--rows", type=_whole(1), metavar="N", help="states of a batch (default 16)")
    work.add_argument(
        "--priority", type=_integer, metavar="N", help="of a call, from -100 to 100 (default 0)"
    )
    work.add_argument(
        "--scenario", type=Path, metavar="TOML", help="a mixture of work, in place of all these"
    )
    work.add_argument(
        "--timeout",
        type=_above_zero,
        default=10.0,
        metavar="S",
        help="a call's deadline in seconds (default 10)",
    )


def _add_client(parser: argparse.ArgumentParser) -> None:
    client = parser.add_argument_group("who asks")
    client.add_argument(
        "--processes", type=_whole(1), default=1, metavar="N", help="that make the calls (1)"
    )
    client.add_argument(
        "--connections", type=_whole(1), metavar="N", help="to spread calls over (one a process)"
    )
    client.add_argument(
        "--attempts", type=_whole(1), default=1, metavar="N", help="of a call: 2 is one retry (1)"
    )
    client.add_argument(
        "--max-lag",
        type=_above_zero,
        default=0.01,
        metavar="S",
        help="seconds that a call may start late before the test fails; see below (0.01)",
    )
    client.add_argument(
        "--seed",
        type=_whole(0),
        default=0,
        metavar="N",
        help="of the arrivals and the mixture, and of the first plan (0)",
    )
    client.add_argument("--tls", action="store_true", help="connect encrypted")
    for option, what in (
        ("--tls-ca", "who signed the server's certificate, in PEM; default: public authorities"),
        ("--tls-certificate", "of this client, in PEM, for a server that asks for one"),
        ("--tls-key", "its key"),
        ("--token-file", "has the token that goes with every call"),
    ):
        client.add_argument(option, metavar="FILE", help=what)


def _add_results(parser: argparse.ArgumentParser) -> None:
    results = parser.add_argument_group("what comes of it")
    results.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="LIMIT",
        help="that must hold, or the test fails: 'p99<50ms', 'errors<0.1%%', 'rate>=500'",
    )
    for option, what in (
        ("--html", "a report with plots, in one file"),
        ("--json", "all figures; see below"),
        ("--seconds-csv", "a row a second"),
        ("--steps-csv", "a row a step"),
        ("--hdr-log", "an HdrHistogram log (needs the extra `load`)"),
    ):
        results.add_argument(option, type=Path, metavar="FILE", help=what)


def _rates(text: str) -> tuple[float, ...]:
    return tuple(_above_zero(part) for part in text.split(","))


def _json(text: str) -> Any:
    try:
        return as_json_state(json.loads(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not JSON ({error}); a string needs quotes of its own: '\"4455\"'"
        ) from error


def _above_zero(text: str) -> float:
    if (value := _finite(text)) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}; must be above 0")
    return value


def _at_least_zero(text: str) -> float:
    if (value := _finite(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text!r}; must be 0 or more")
    return value


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r}; must be a number")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}; must be an integer") from error


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r}; must be a whole number from {least} on")
        return int(text)

    return whole
