"""The command `mcts-service`: serve, plan, models, check, check-config."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mcts_service import __version__
from mcts_service.cli_settings import add_settings, given_settings
from mcts_service.errors import InvalidRequest, MCTSServiceError

# What a command needs is imported when it runs, so that --help and --version are quick.
if TYPE_CHECKING:
    from mcts_service.planning import Plan
    from mcts_service.service.config import ServerConfig
    from mcts_service.service.entry import ModelEntry
    from mcts_service.service.remote_options import RemoteOptions

__all__ = ["main"]

_DESCRIPTION = """\
Decision-time planning: send a state, get the best action and why.

  mcts-service serve                          serve the built-in models on 127.0.0.1:50051
  mcts-service serve --config server.toml     and your own (see examples/server.toml)
  mcts-service plan taxi 328                  one plan, from the shell
  mcts-service models                         what can be planned
  mcts-service check my_game:Game             does a model of yours keep the contract?
  mcts-service check-config server.toml       can this configuration be served?
"""

_SERVE = """\
Serves models over gRPC until SIGTERM or Ctrl-C, then finishes what runs and exits with 0.
Prints "serving on HOST:PORT" on a line of its own once calls are accepted.

  mcts-service serve --port 0                          any free port, told on that line
  mcts-service serve --host 0.0.0.0 --config server.toml

Options given here win over the configuration file.
"""

_PLAN = """\
Plans once, in this process, and prints what the search found.

  mcts-service plan tic_tac_toe                        from the model's initial state
  mcts-service plan connect_four 4455 --simulations 50000
  mcts-service plan cart_pole '[0, 0, 0.05, 0]' --time-limit 0.1
  mcts-service plan frozen_lake_8x8 0 --preset graph   joins paths that meet; for one player
  mcts-service plan my_game:Game '[3, 4]' --json       a model of yours, as module:factory
  mcts-service plan lake.npz 0                         a learned model, by its file
  mcts-service plan my_game:Streets --allowed-actions '["north", "east"]'

The state is written as JSON: a number, nested lists, or what the model documents.
"""

_CHECK = """\
Checks that a model keeps the contract of a sample model, and names what is wrong, one line
each. Exits with 1 if there is anything.

  mcts-service check my_game:Game
  mcts-service check lake.npz
"""

_CHECK_CONFIG = """\
Checks all that a configuration file says and names, as `serve` would at its start: settings,
certificates, tokens and models. Nothing listens. Says what is wrong with its file, line and key.

  mcts-service check-config server.toml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
      arguments: of the command line; None: those of this process.
    Returns:
      The exit status: 0, 1 if a check found problems, 2 for a mistake of the user's.
    """
    parsed = _parser().parse_args(arguments)
    # As `python -m` does: models of one's own lie where one works.
    sys.path.insert(0, os.getcwd())
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        status = run(parsed)
        sys.stdout.flush()
        return status
    except MCTSServiceError as error:
        print(f"mcts-service {parsed.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


# ---- commands ---------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> int:
    import asyncio

    from mcts_service.rpc.server import serve
    from mcts_service.service.loading import load_models
    from mcts_service.service.logs import set_up_logging
    from mcts_service.service.metrics import observing
    from mcts_service.service.start_checks import placed

    config = _config(options.config)
    given = {
        key: getattr(options, key)
        for key in ("host", "port", "workers")
        if getattr(options, key) is not None
    }
    settings = dataclasses.replace(config.server, **given)
    config = dataclasses.replace(config, server=settings)
    set_up_logging(config.log)
    with contextlib.ExitStack() as at_end:
        registry = at_end.enter_context(contextlib.closing(load_models(config, _connect)))
        with placed(config, "metrics"):
            names = [entry.name for entry in registry.entries]
            observer = at_end.enter_context(observing(config.metrics, names))
        asyncio.run(serve(config, registry, _announce, observer))
    return 0


def _announce(host: str, port: int) -> None:
    address = f"[{host}]" if ":" in host else host
    print(f"serving on {address}:{port}", flush=True)


def _plan(options: argparse.Namespace) -> int:
    from mcts_service.planning import MCTS, Budget
    from mcts_service.service.search_changes import changed_search

    entry = _entry(options.model, options.config)
    search = changed_search(entry.config, options.preset, given_settings(options))
    plan = MCTS(entry.model, search).plan(
        _state(entry, options.state),
        Budget(options.simulations, options.time_limit, options.max_bytes),
        horizon=options.horizon,
        seed=options.seed,
        allowed_actions=options.allowed_actions,
    )
    print(_plan_as_json(plan) if options.json else "\n".join(_plan_as_text(entry, plan)))
    return 0


def _check_config(options: argparse.Namespace) -> int:
    from mcts_service.service.loading import load_models
    from mcts_service.service.metrics import require_installed
    from mcts_service.service.start_checks import open_certificates, open_tokens, placed

    config = _config(options.file)
    certificates, tokens = open_certificates(config), open_tokens(config)
    if tokens is not None:
        tokens.close()
    with placed(config, "metrics"):
        require_installed(config.metrics)
    with contextlib.closing(load_models(config, _connect)) as registry:
        models = _count(len(registry.entries), "model")
    found = [
        models,
        "no TLS" if certificates is None else "mutual TLS" if config.tls.client_ca else "TLS",
        "no tokens" if tokens is None else _count(len(tokens.current), "token"),
        "no metrics" if config.metrics.port is None else "metrics",
    ]
    print(f"{options.file} can be served: {', '.join(found)}")
    return 0


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _models(options: argparse.Namespace) -> int:
    from mcts_service.service.loading import load_models
    from mcts_service.service.states import form

    entries = load_models(_config(options.config), _connect, in_process=True).entries
    rows = [
        (
            entry.name,
            form(entry.state_spec),
            str(entry.action_spec.num_actions or "-"),
            entry.description,
        )
        for entry in entries
    ]
    print("\n".join(_table(("model", "state", "actions", ""), rows, "<<><")))
    return 0


def _check(options: argparse.Namespace) -> int:
    from mcts_service.learning.fit import load
    from mcts_service.models import make
    from mcts_service.service.loading import build_model
    from mcts_service.testing import check_model

    if _is_file(options.model):
        model = load(options.model)
    elif ":" in options.model:
        model = build_model(options.model, {})
    else:
        model = make(options.model)
    report = check_model(model)
    print(report)
    return 0 if report.ok else 1


# ---- what commands have in common -------------------------------------------------------


def _config(path: str | None) -> ServerConfig:
    from mcts_service.service.config import ServerConfig
    from mcts_service.service.config_file import read_config

    return ServerConfig() if path is None else read_config(path)


def _connect(address: str, options: RemoteOptions) -> Any:
    """The model that a simulator elsewhere is. gRPC is imported for nothing less."""
    from mcts_service.rpc.remote_model import connect

    return connect(address, options)


def _entry(model: str, config_path: str | None) -> ModelEntry:
    """The model of that name, of a file, or the one that "module:factory" gives."""
    from mcts_service.service.config import ModelConfig
    from mcts_service.service.loading import load_configured, load_models

    if _is_file(model):
        return load_configured(ModelConfig(name=_name_of(Path(model).stem), file=model))
    if ":" in model:
        return load_configured(ModelConfig(name=_name_of(model), factory=model))
    return load_models(_config(config_path), _connect, in_process=True).find(model)


def _is_file(model: str) -> bool:
    """True if the text names a learned model's file, by its ending."""
    return model.endswith((".npz", ".safetensors"))


def _name_of(factory: str) -> str:
    """A name for what "my_game:Game" gives: "game"."""
    name = factory.rpartition(":")[2].lower()
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)[:64] or "model"


def _state(entry: ModelEntry, text: str | None) -> Any:
    """The state that a person wrote, or else the model's initial one."""
    from mcts_service.service.states import expected, json_state

    if text is None and entry.example is None:
        raise InvalidRequest("state", f"is missing; {expected(entry)}")
    if text is None:
        return entry.example
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError:
        value = text
    # No number is an array: 4455 is then a text for the model's own reader.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and entry.state_spec.kind == "tensor":
        value = text
    return json_state(entry, value, "state")


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest("state", f"has {name}; every number must be finite")


def _plan_as_json(plan: Plan) -> str:
    """The plan as one object; what is not known is null."""

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [known(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    # A label may be anything that is hashable.
    return json.dumps(known(dataclasses.asdict(plan)), indent=2, default=str)


def _plan_as_text(entry: ModelEntry, plan: Plan) -> Iterable[str]:
    yield f"{entry.name}: take action {plan.action}, worth {plan.value:.4g}"
    yield ""
    best_first = sorted(plan.actions, key=lambda action: -action.visits)
    rows = [
        (str(a.action), f"{a.visits:,}", _number(a.value), _number(a.standard_error))
        for a in best_first
    ]
    yield from _table(("action", "visits", "value", "std. error"), rows, ">>>>")
    yield ""
    yield "line of play: " + " ".join(str(step.action) for step in plan.principal_variation)
    rate = plan.simulations / plan.search_time if plan.search_time > 0 else math.inf
    yield (
        f"{plan.simulations:,} simulations in {plan.search_time:.3g} s ({rate:,.0f}/s), "
        f"{plan.nodes:,} nodes, depth {plan.depth}, {plan.bytes / 2**20:.1f} MiB; "
        f"stopped: {plan.stop_reason.value}; {plan.recipe}, seed {plan.seed}"
    )
    yield from (f"warning: {warning}" for warning in plan.warnings)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> Iterable[str]:
    """Lines of columns; `align` has < or > for each."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, align, widths, strict=True)
        yield "  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip()


# ---- the command line -------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and shows its examples as they are written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="mcts-service", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"mcts-service {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve models over gRPC", description=_SERVE))
    _add_plan(commands.add_parser("plan", help="plan once and print it", description=_PLAN))
    models = commands.add_parser("models", help="list the models", description="Lists the models.")
    _add_config(models)
    models.set_defaults(run=_models)
    check = commands.add_parser("check", help="check a model of yours", description=_CHECK)
    check.add_argument("model", metavar="MODEL", help="module:factory, a file, or a name")
    check.set_defaults(run=_check)
    check_config = commands.add_parser(
        "check-config", help="check a configuration file", description=_CHECK_CONFIG
    )
    check_config.add_argument("file", metavar="FILE", help="a TOML file")
    check_config.set_defaults(run=_check_config)
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    _add_config(serve)
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="0 for any free one (default: 50051)")
    serve.add_argument(
        "--workers", type=int, help="searches that run at once (default: one for each core)"
    )
    serve.set_defaults(run=_serve)


def _add_plan(plan: argparse.ArgumentParser) -> None:
    plan.add_argument("model", metavar="MODEL", help="a name, module:factory, or a file")
    plan.add_argument("state", metavar="STATE", nargs="?", help="JSON (default: an initial state)")
    _add_config(plan)
    plan.add_argument("--simulations", type=int, metavar="N", help="stop after so many")
    plan.add_argument("--time-limit", type=float, metavar="SECONDS", help="stop after so long")
    plan.add_argument("--max-bytes", type=int, metavar="N", help="stop when the tree is so large")
    plan.add_argument("--horizon", type=int, metavar="STEPS", help="steps left")
    plan.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")
    plan.add_argument(
        "--allowed-actions", type=_actions, metavar="A,B", help="choose among these only"
    )
    plan.add_argument("--json", action="store_true", help="print JSON")
    add_settings(plan)
    plan.set_defaults(run=_plan)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="a TOML file with more models")


def _actions(text: str) -> list[Any]:
    from mcts_service.service.label_codec import label_from_json

    try:
        if text.startswith("["):
            labels: list[Any] = json.loads(text)
            return [label_from_json(label, "allowed_actions") for label in labels]
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"is {text!r}; must be integers such as 0,2, or labels as a list of JSON"
        ) from None
