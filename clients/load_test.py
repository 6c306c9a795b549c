"""Load test of a planning server: latency as a caller sees it, at a rate that is kept.

`python clients/load_test.py` in a checkout and the command `mcts-load-test` are this file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import selectors
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args

from mcts_client import InvalidRequest, MCTSServiceError, UnknownModel
from mcts_client._load.run import EXAMPLE, run
from mcts_client._load.settings import Arrivals, LoadSettings
from mcts_client._load.show import table
from mcts_client._load.summary import Summary

__all__ = ["main"]

_DESCRIPTION = """\
Calls Plan on a server, over and over, and says how long the answers took.

Open loop (--rate): calls start by a schedule that is drawn beforehand, whatever becomes of the
earlier ones, as independent callers do. A latency counts from the intended start: a server that
stalls shows in every call that it kept waiting.
Closed loop (--concurrency): that many callers, each waiting for its answer before it calls
again. It finds the greatest throughput; its latencies leave out the callers who would have come
meanwhile, so compare servers by the open loop.
"""

_EPILOG = """\
examples:
  the greatest throughput of connect four with 1,000 simulations a plan
    mcts-load-test --target localhost:50051 --model connect_four \\
        --simulations 1000 --concurrency 8 --duration 10
  the latency at half of it
    mcts-load-test --target localhost:50051 --model connect_four \\
        --simulations 1000 --rate 200 --duration 30 --connections 4
  from a state of one's own, with 20 ms a plan, results to a file
    mcts-load-test --target localhost:50051 --model tic_tac_toe --state '"5137"' \\
        --time-limit 0.02 --rate 50 --arrivals constant --duration 10 --json result.json

the JSON report (rates a second; a number that does not exist is null):
  target, model, loop ("open" or "closed"), arrivals, asked_rate, concurrency, connections,
  timeout_seconds, warmup_seconds, seed,
  simulations, time_limit_seconds           what was asked
  interrupted, measured_seconds             whether and how long it ran, warm-up excluded
  calls, unfinished                         sent after the warm-up; still in flight at Ctrl-C
  statuses                                  {gRPC status name: calls}
  warmup_statuses                           the same of the warm-up's calls, counted nowhere else
  first_messages                            {gRPC status name: the first error text}
  achieved_rate                             calls sent, by the time that sending them took
  generator_lag_seconds                     {p50, p99, max}: how late the load test itself was
  throughput, simulations_per_second        of OK answers within the measured time
  latency_seconds                           {"ok": L, "all": L}, L = {count, p50, p90, p99,
                                            p99.9, max}, exact, from the intended start

exit status: 0, or 1 if no call succeeded, or 2 for wrong arguments.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      arguments: of the command line, without the program's name; None: those of the process.

    Returns:
      The exit status.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        settings = _settings(given)
        _check_writable(given.json)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    try:
        summary = _in_event_loop(run(settings, given.state, sys.stderr))
    except (InvalidRequest, UnknownModel) as error:
        parser.error(str(error))
    except MCTSServiceError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    except asyncio.CancelledError:
        parser.exit(1, f"{parser.prog}: stopped before the first call\n")
    print(table(summary))
    if given.json is not None:
        given.json.write_text(json.dumps(summary.as_json(), indent=2, allow_nan=False) + "\n")
    return 0 if summary.ok.count else 1


def _in_event_loop(test: Coroutine[Any, Any, Summary]) -> Summary:
    """Runs to the end, or to Ctrl-C, which cancels `test`."""
    # Other selectors round waiting times up to whole milliseconds, and calls would start late.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    try:
        task = loop.create_task(test)
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        return loop.run_until_complete(task)
    finally:
        loop.close()


def _settings(given: argparse.Namespace) -> LoadSettings:
    names = (field.name for field in fields(LoadSettings))
    return LoadSettings(**{name: getattr(given, name) for name in names})


def _check_writable(path: Path | None) -> None:
    """Raises OSError now rather than when the results are there to be lost."""
    if path is not None:
        path.open("a").close()


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mcts-load-test",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_work(parser)
    _add_load(parser)
    return parser


def _add_work(parser: argparse.ArgumentParser) -> None:
    work = parser.add_argument_group("what is asked of the server")
    work.add_argument("--target", required=True, metavar="HOST:PORT")
    work.add_argument("--model", required=True, help="a name from ListModels")
    work.add_argument(
        "--state",
        type=_json,
        default=EXAMPLE,
        metavar="JSON",
        help="where to plan from, sent as json; default: the model's own example",
    )
    budget = work.add_mutually_exclusive_group()
    budget.add_argument(
        "--simulations", type=_whole(1), metavar="N", help="of a plan; default: the model's own"
    )
    budget.add_argument("--time-limit", type=_above_zero, metavar="S", help="seconds of a plan")
    work.add_argument(
        "--timeout",
        type=_above_zero,
        default=10.0,
        metavar="S",
        help="a call's deadline in seconds (default 10)",
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    load = parser.add_argument_group("how it is asked")
    loop = load.add_mutually_exclusive_group(required=True)
    loop.add_argument("--rate", type=_above_zero, metavar="R", help="open loop: calls a second")
    loop.add_argument(
        "--concurrency", type=_whole(1), metavar="N", help="closed loop: calls in flight"
    )
    load.add_argument(
        "--arrivals",
        choices=get_args(Arrivals),
        default="poisson",
        help="of the open loop: at random (default) or evenly",
    )
    load.add_argument(
        "--duration", type=_above_zero, required=True, metavar="S", help="seconds to measure"
    )
    load.add_argument(
        "--warmup",
        type=_at_least_zero,
        default=2.0,
        metavar="S",
        help="seconds before that, which are not counted (default 2)",
    )
    load.add_argument(
        "--connections", type=_whole(1), default=1, metavar="N", help="to spread calls over (1)"
    )
    load.add_argument(
        "--seed", type=_whole(0), default=0, help="of the arrivals, and of the first plan (0)"
    )
    load.add_argument("--json", type=Path, metavar="FILE", help="where to write the report")


def _json(text: str) -> Any:
    try:
        # Numbers stay json all the way: an int would be sent as a discrete state.
        return json.loads(text, parse_int=float)
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


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r}; must be a whole number from {least} on")
        return int(text)

    return whole


if __name__ == "__main__":
    sys.exit(main())
