"""Load test of a planning server: latency as a caller sees it, at a rate that is kept.

`python clients/load_test.py` in a checkout and the command `mcts-load-test` are this file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from mcts_client import InvalidRequest, MCTSServiceError, UnknownModel
from mcts_client._load.arguments import FILES, load_test_of, make_parser
from mcts_client._load.csv_files import seconds_csv, steps_csv
from mcts_client._load.hdr_log import hdr_log
from mcts_client._load.html_report import html_report
from mcts_client._load.json_report import json_report
from mcts_client._load.result import Result
from mcts_client._load.run import run
from mcts_client._load.table import table

__all__ = ["main"]

_DESCRIPTION = """\
Calls a server for plans, over and over, and says how long the answers took.

Open loop (--rate): calls start by a schedule that is drawn beforehand, whatever becomes of the
earlier ones, as independent callers do. A latency counts from the intended start: a server that
stalls shows in every call that it kept waiting.
Steps (--steps): open loops at doubling or given rates until one is not kept, then between the
two, to the greatest rate that is.
Closed loop (--concurrency): that many callers, each waiting for its answer before it calls
again. It finds the greatest throughput; its latencies leave out the callers who would have come
meanwhile, so compare servers by the open loop.
"""

_EPILOG = """\
examples:
  a server's first model, 200 times a second
    mcts-load-test localhost:50051 --rate 200
  the greatest rate at which 99 of 100 plans are back within 50 ms, and a report
    mcts-load-test localhost:50051 --model connect_four --simulations 1000 \\
        --steps --duration 5 --threshold 'p99<50ms' --processes 2 --html report.html
  the greatest throughput of connect four with 1,000 simulations a plan
    mcts-load-test localhost:50051 --model connect_four --simulations 1000 \\
        --concurrency 8 --duration 10
  from a state of one's own, with 20 ms a plan, results to a file
    mcts-load-test localhost:50051 --model tic_tac_toe --state '"5137"' \\
        --time-limit 0.02 --rate 50 --arrivals constant --duration 10 --json result.json
  a mixture of work, as docs/load_test.md describes it
    mcts-load-test localhost:50051 --scenario mixed.toml --rate 100

a rate of --steps is kept if OK answers came in time at 95 % of it, at most 1 % of the answers
were errors, p99 was at most ten times that of the first rate, and the client was not late. A
threshold on latencies or on errors takes the place of these.

the client was late if 1 % of the calls started later than --max-lag, or than a tenth of p99 where
that is more: then the figures are the client's own, and the test fails.

the JSON report (rates a second; a number that does not exist is null):
  target, model, loop ("open" or "closed"), arrivals, asked_rate, concurrency, processes,
  connections, timeout_seconds, attempts, warmup_seconds, seed,
  simulations, time_limit_seconds, work     what was asked; of a mixture only work has it
  interrupted, measured_seconds             whether and how long it ran, warm-up excluded
  calls, unfinished                         sent after the warm-up; still in flight at Ctrl-C
  statuses                                  {gRPC status name: calls}
  warmup_statuses                           the same of the warm-up's calls, counted nowhere else
  first_messages                            {gRPC status name: the first error text}
  retries, deadline_misses                  attempts beyond the first; answers after --timeout
  achieved_rate                             calls sent, by the time that sending them took
  generator_lag_seconds, generator_was_late {p50, p99, max}: how late the load test itself was
  throughput, simulations_per_second        of OK answers within the measured time
  latency_seconds                           {"ok": L, "all": L}, L = {count, p50, p90, p95, p99,
                                            p99.9, max}, exact, from the intended start
  by_work                                   {name: {calls, failed, latency_seconds}}
  thresholds, failures, machine, started_at
  rule, is_bounded_by_client, steps         of --steps; all figures above are then those of the
                                            greatest rate kept

exit status: 0, or 1 if the test failed (no call succeeded, a threshold is broken, the client was
late, no rate was kept), or 2 for wrong arguments.
"""

_WRITERS: dict[str, Callable[[Result], str]] = {
    "json": json_report,
    "html": html_report,
    "hdr_log": hdr_log,
    "seconds_csv": seconds_csv,
    "steps_csv": steps_csv,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      arguments: of the command line, without the program's name; None: those of the process.

    Returns:
      The exit status.
    """
    parser = make_parser(_DESCRIPTION, _EPILOG)
    given = parser.parse_args(arguments)
    try:
        test = load_test_of(given)
        _check_writable(given)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    try:
        result = run(test, sys.stderr)
    except (InvalidRequest, UnknownModel) as error:
        parser.error(str(error))
    except MCTSServiceError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(1, f"{parser.prog}: stopped before there was a result\n")
    for option in FILES:
        if (path := getattr(given, option)) is not None:
            path.write_text(_WRITERS[option](result), encoding="utf-8")
    print(table(result))
    return 1 if result.failures else 0


def _check_writable(given: argparse.Namespace) -> None:
    """Raises OSError now rather than when the results are there to be lost."""
    for option in FILES:
        if (path := getattr(given, option)) is not None:
            path.open("a").close()


if __name__ == "__main__":
    sys.exit(main())
