"""The command `mcts-service`, in this process and in one of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import grpc
import pytest
from patience import eventually
from served_models import Corridor

from benchmarks.chaos.certificates import Authority
from mcts_client import PlannerClient, Tls, serve_model
from mcts_service import MCTS, Budget, SearchConfig, __version__
from mcts_service.cli import main
from mcts_service.models import make
from mcts_service.v1 import planner_pb2, planner_pb2_grpc

COMMAND = [sys.executable, "-c", "import sys; from mcts_service.cli import main; sys.exit(main())"]

MODEL = '''
"""A model of one's own."""
import time


class Walk:
    """A walk to 3."""

    num_actions = 2

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.steps = 0

    def sample(self, state, action, rng):
        time.sleep(self.seconds)
        self.steps += 1
        if self.steps == 200:
            open("warm", "w").close()
        following = state + (1 if action else -1)
        return following, float(following == 3), abs(following) == 3

    def initial_state(self, rng=None):
        return 0


class Streets:
    """Named ways, and one that is a tuple."""

    def actions(self, state):
        return ["north", ("by", "boat"), frozenset()][: 2 + state]

    def sample(self, state, action, rng):
        return 0, float(action == "north"), True

    def initial_state(self, rng=None):
        return 0


class Broken(Walk):
    def sample(self, state, action, rng):
        raise ZeroDivisionError("no")
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a model of one's own, as the working directory."""
    (tmp_path / "my_game.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("my_game", None)


def mistake(capsys, *arguments):
    """The one line that a mistake is answered with."""
    try:
        status = main(arguments)
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    return err.removesuffix("\n")


# ---- help and version -------------------------------------------------------------------


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"mcts-service {__version__}\n"


@pytest.mark.parametrize("command", [[], ["serve"], ["plan"], ["check"], ["check-config"]])
def test_help_shows_examples(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert f"mcts-service {' '.join(command)}".strip() in capsys.readouterr().out


# ---- plan -------------------------------------------------------------------------------


def test_plan_prints_the_planners_own_plan(capsys):
    assert main(["plan", "taxi", "328", "--simulations", "300", "--seed", "5", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    plan = MCTS(make("taxi")).plan(328, Budget(simulations=300), seed=5)
    assert printed["action"] == plan.action
    assert printed["value"] == plan.value
    assert [action["visits"] for action in printed["actions"]] == [
        action.visits for action in plan.actions
    ]
    assert printed["stop_reason"] == "simulations"


def test_plan_prints_a_table_for_people(capsys):
    assert main(["plan", "connect_four", "4455", "--simulations", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("connect_four: take action ")
    assert lines[2].split() == ["action", "visits", "value", "std.", "error"]
    assert len([line for line in lines[3:] if line.startswith("     ")]) == 7
    assert "50 simulations" in lines[-1]


def test_plan_starts_where_the_model_does_when_no_state_is_given(capsys):
    assert main(["plan", "tic_tac_toe", "--simulations", "20", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["actions"]) == 9


def test_what_is_not_known_is_null_in_json(capsys):
    assert main(["plan", "connect_four", "--simulations", "1", "--json"]) == 0
    actions = json.loads(capsys.readouterr().out)["actions"]
    assert sum(action["value"] is None for action in actions) == 6


@pytest.mark.usefixtures("folder")
def test_plan_speaks_in_labels(capsys):
    arguments = ["my_game:Streets", "--simulations", "50", "--json", "--allowed-actions"]
    assert main(["plan", *arguments, '[["by", "boat"], "north"]']) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["action"] == "north"
    assert [row["action"] for row in plan["actions"]] == ["north", ["by", "boat"]]
    assert main(["plan", "my_game:Streets", "1", "--simulations", "9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["actions"][2]["action"] == "frozenset()"


def test_plan_takes_a_model_of_ones_own(folder, capsys):
    arguments = ["my_game:Walk", "2", "--simulations", "50", "--allowed-actions", "1", "--json"]
    assert main(["plan", *arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["action"] == 1
    assert printed["value"] == 1.0


def test_plan_takes_the_settings_of_the_search(folder, capsys):
    settings = ["--exploration", "0.5", "--max-depth", "1", "--horizon", "3", "--time-limit", "9"]
    settings += ["--evaluation", "rollout", "--max-bytes", "1000000", "--simulations", "9"]
    assert main(["plan", "my_game:Walk", *settings, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["depth"] == 1


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        (["--preset", "graph"], SearchConfig.preset("graph")),
        (["--sharing", "depth", "--preset", "graph"], SearchConfig.preset("dp_uct")),
        (["--preset", "dp_uct", "--max-depth", "9", "--exploration", "0.5"],
         SearchConfig.preset("dp_uct", max_depth=9, exploration=0.5)),
        (["--evaluation", "trial", "--backup", "bellman"],
         SearchConfig(evaluation="trial", backup="bellman")),
        (["--sharing", "state"], SearchConfig(sharing="state")),
        (["--outcome-key", "none", "--in-flight", "4"],
         SearchConfig(outcome_key="none", in_flight=4)),
    ],
)  # fmt: skip
def test_plan_takes_another_algorithm_by_name_or_by_its_parts(capsys, settings, config):
    lake = ["frozen_lake_4x4", "0", "--simulations", "100", "--seed", "3", "--json"]
    assert main(["plan", *lake, *settings]) == 0
    printed = json.loads(capsys.readouterr().out)
    plan = MCTS(make("frozen_lake_4x4"), config).plan(0, Budget(simulations=100), seed=3)
    assert printed["recipe"] == plan.recipe
    assert printed["recipe_reason"] == plan.recipe_reason
    assert [(a["visits"], a["value"]) for a in printed["actions"]] == [
        (a.visits, a.value) for a in plan.actions
    ]
    assert printed["reused_simulations"] == 0


def test_plan_says_that_it_knows_the_answer(capsys):
    assert main(["plan", "taxi", "328", "--horizon", "1", "--preset", "dp_uct"]) == 0
    assert "; stopped: solved; dp_uct, seed 0" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["taxy"], "mcts-service plan: model: 'taxy' is not known; known models: acrobot,"),
        (["taxi", "500"], "mcts-service plan: state: is 500; model taxi takes discrete, an int"),
        (["taxi", "[1"], "mcts-service plan: state: is '[1'; model taxi takes discrete"),
        (["cart_pole", "[0, 0, NaN, 0]"], "mcts-service plan: state: has NaN; every number must"),
        (["taxi", "328", "--simulations", "0"], "mcts-service plan: budget.simulations: is 0;"),
        (["taxi", "328", "--simulations", "x"],
         "mcts-service plan: argument --simulations: invalid int value: 'x'; see mcts-service"),
        (["taxi", "328", "--allowed-actions", "9"], "mcts-service plan: allowed_actions[0]: is 9;"),
        (["taxi", "328", "--allowed-actions", "a"],
         "mcts-service plan: argument --allowed-actions: is 'a'; must be integers such as 0,2"),
        (["taxi", "328", "--allowed-actions", "[0"],
         "mcts-service plan: argument --allowed-actions: is '[0'; must be integers such as 0,2"),
        (["taxi", "328", "--exploration", "-1"], "mcts-service plan: exploration: is -1.0; must"),
        (["taxi", "328", "--preset", "grahp"],
         "mcts-service plan: preset: is 'grahp'; must be one of auto, dp_uct, graph, gumbel,"),
        (["taxi", "328", "--root-noise", "2", "--temperature", "-1"],
         "mcts-service plan: root_noise: is 2.0; must be a number from 0 to 1; temperature: is -1"),
        (["taxi", "328", "--preset", "ments", "--backup", "mean"],
         "mcts-service plan: selection: is 'ments', which needs soft values, and backup is"),
        (["taxi", "328", "--preset", ""], "mcts-service plan: preset: is ''; must be one of"),
        (["taxi", "328", "--evaluation", "trial", "--backup", "mean"],
         "mcts-service plan: evaluation: is 'trial', which learns by Bellman backups alone;"),
        (["taxi", "328", "--sharing", "all"],
         "mcts-service plan: sharing: is 'all'; must be one of auto, none, depth, state"),
        (["connect_four", "--preset", "graph"],
         "mcts-service plan: backup: is bellman, which needs a single player; mean would work"),
        (["taxi", "328", "--config", "none.toml"], "mcts-service plan: none.toml: cannot be read"),
        (["no_such_module:Game"],
         "mcts-service plan: factory no_such_module:Game: raised ModuleNotFoundError: No module"),
        (["json:Game"], "mcts-service plan: factory json:Game: raised AttributeError: module"),
        (["json:dumps"], "mcts-service plan: factory json:dumps: raised TypeError: "),
        (["builtins:object"], "mcts-service plan: model object: "),
        (["builtins:"], "mcts-service plan: factory: is 'builtins:'; must be \"module:name\""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(capsys, arguments, message):
    assert mistake(capsys, "plan", *arguments).startswith(message)


def test_no_command_is_a_mistake(capsys):
    assert mistake(capsys).startswith("mcts-service: the following arguments are required: COMMAND")


def test_a_model_that_breaks_is_told_in_one_line(folder, capsys):
    assert "ZeroDivisionError" in mistake(capsys, "plan", "my_game:Broken")


# ---- models and check -------------------------------------------------------------------


def test_models_are_listed_with_their_form(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "state", "actions"]
    (game,) = [line for line in lines if line.startswith("connect_four")]
    assert "int8[6,7]" in game
    assert " 7 " in game


def test_models_of_a_configuration_are_listed_too(folder, capsys):
    Path("server.toml").write_text(
        "[server]\nbuilt_in_models = false\nentry_points = false\n"
        "[[models]]\nname = 'walk'\nfactory = 'my_game:Walk'\n"
    )
    assert main(["models", "--config", "server.toml"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["model", "walk"]


def test_check_passes_a_good_model(folder, capsys):
    assert main(["check", "my_game:Walk"]) == 0


def test_check_names_the_problems_and_fails(folder, capsys):
    assert main(["check", "my_game:Broken"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


# ---- serve ------------------------------------------------------------------------------


@pytest.fixture
def serve(folder):
    """Starts servers in processes of their own; gives the process and its address."""
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        line = process.stdout.readline()
        assert line.startswith("serving on "), process.stderr.read()
        return process, line.removeprefix("serving on ").strip()

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def plan(channel, model, state, simulations, seed=None):
    request = planner_pb2.PlanRequest(
        model=model,
        state=planner_pb2.State(discrete=state),
        budget=planner_pb2.Budget(simulations=simulations),
        seed=seed,
    )
    return planner_pb2_grpc.PlannerServiceStub(channel).Plan.future(request, timeout=120)


def test_a_server_in_its_own_process_gives_the_same_plan_on_every_run(serve):
    plans = []
    for _ in range(2):
        process, address = serve()
        with grpc.insecure_channel(address) as channel:
            response = plan(channel, "taxi", 328, 500, seed=9).result()
        response.ClearField("search_time")
        response.ClearField("queue_time")
        plans.append(response)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert plans[0] == plans[1]
    expected = MCTS(make("taxi")).plan(328, Budget(simulations=500), seed=9)
    assert plans[0].value == expected.value


def write_slow_model():
    Path("server.toml").write_text(
        "server.workers = 1\n[[models]]\nname = 'walk'\nfactory = 'my_game:Walk'\n"
        "arguments = { seconds = 0.001 }\n"
    )


def wait_until_warm():
    """Until the slow model has taken 200 steps; no simulation of it takes so many."""
    eventually(Path("warm").exists)


def test_sigterm_finishes_what_runs_and_exits_with_0(serve):
    write_slow_model()
    process, address = serve("--config", "server.toml")
    with grpc.insecure_channel(address) as channel:
        running = plan(channel, "walk", 0, 300)
        wait_until_warm()
        process.send_signal(signal.SIGTERM)
        assert running.result().simulations == 300
    assert process.wait(60) == 0
    out, err = process.communicate()
    assert out == ""
    assert "Traceback" not in err
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address.split(":"))


def test_a_second_signal_cuts_the_draining_short(serve):
    write_slow_model()
    process, address = serve("--config", "server.toml")
    with grpc.insecure_channel(address) as channel:
        running = plan(channel, "walk", 0, 10_000_000)
        wait_until_warm()
        process.send_signal(signal.SIGTERM)
        while "SIGTERM: finishing what runs" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        response = running.result()
    assert response.stop_reason == planner_pb2.STOP_REASON_CANCELLED
    assert process.wait(60) == 0


def test_a_server_by_a_file_with_all_there_is(serve, tmp_path):
    """TLS, tokens, metrics and a log in JSON, from one file."""
    pair = Authority(tmp_path).issue()
    Path("tokens.toml").write_text(
        "[[tokens]]\nname = 'red'\ntoken = 'the-token-of-the-red-team'\nmodels = ['taxi']\n"
    )
    Path("server.toml").write_text(
        f"""
        tls = {{ certificate = "{pair.certificate}", private_key = "{pair.private_key}" }}
        auth.token_file = "tokens.toml"
        limits.max_streams = 10
        metrics.port = 0
        log = {{ format = "json", requests = "all" }}
        """
    )
    process, address = serve("--config", "server.toml")
    tls = Tls(tmp_path / "authority.pem")
    with PlannerClient(address, tls=tls, token="the-token-of-the-red-team") as client:
        assert client.plan("taxi", 328, simulations=10).simulations == 10
    started = json.loads(process.stderr.readline())
    url = re.fullmatch(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", started["message"])[1]
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert b'mcts_simulations_total{model="taxi"} 10.0' in answer.read()
    request = json.loads(process.stderr.readline())
    assert (request["caller"], request["model"], request["status"]) == ("red", "taxi", "OK")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


# ---- check-config -----------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_a_configuration_that_can_be_served_is_summed_up(capsys):
    Path("server.toml").write_text(
        "server.built_in_models = false\n[[models]]\nname = 'walk'\nfactory = 'my_game:Walk'\n"
    )
    assert main(["check-config", "server.toml"]) == 0
    assert not any(thread.name.startswith("workers-") for thread in threading.enumerate())
    assert capsys.readouterr().out == (
        "server.toml can be served: 1 model, no TLS, no tokens, no metrics\n"
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nport = -1\n", "server.toml:2: server.port: is -1; must be an integer from 0"),
        ("[tls]\ncertificate = 'a'\nprivate_key = 'b'\n",
         "server.toml:2: tls.certificate: 'a' cannot be read: No such file or directory"),
        ("[auth]\ntoken_file = 'a'\n",
         "server.toml:2: auth.token_file: a: cannot be read: No such file or directory"),
        ("server.host = '0.0.0.0'\nauth.token_file = 'a'\n",
         "server.toml:2: auth.token_file: is set, and tokens would travel unencrypted to 0.0.0.0"),
        ("[[models]]\nname = 'walk'\nfactory = 'my_game:Run'\n", "server.toml:1: models[0]"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_served_is_told_why(capsys, text, message):
    Path("server.toml").write_text(text)
    told = mistake(capsys, "check-config", "server.toml")
    assert told.startswith(f"mcts-service check-config: {message}")


def test_a_taken_port_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = mistake(capsys, "serve", "--port", str(port))
    assert message == (
        f"mcts-service serve: port: 127.0.0.1:{port} cannot be listened on: Address already in use"
    )


def test_two_servers_cannot_share_a_port(serve, capsys):
    _, address = serve()
    message = mistake(capsys, "serve", "--port", address.rpartition(":")[2])
    assert message.endswith("cannot be listened on: Address already in use")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "-1"], "mcts-service serve: port: is -1; must be an integer from 0 to 65535"),
        (["--workers", "0"], "mcts-service serve: workers: is 0; must be an integer from 1 to"),
        (["--host", "no such host", "--port", "0"],
         "mcts-service serve: port: no such host:0 cannot be listened on: "),
    ],
)  # fmt: skip
def test_a_mistake_of_serve_is_told_in_one_line(capsys, arguments, message):
    assert mistake(capsys, "serve", *arguments).startswith(message)


def test_a_configuration_that_cannot_be_is_told_with_its_line(folder, capsys):
    Path("server.toml").write_text("[server]\nworkers = -1\n")
    assert mistake(capsys, "serve", "--config", "server.toml") == (
        "mcts-service serve: server.toml:2: server.workers: is -1; "
        "must be an integer from 1 to 1024"
    )


def test_a_log_and_the_served_address_do_not_mix(serve):
    process, address = serve()
    assert address.startswith("127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert out == ""
    assert "SIGTERM" in err
    assert process.returncode == 0


def test_the_server_can_be_reached_over_ipv6(serve):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        address = serve()[1]
    else:
        address = serve("--host", "::1")[1]
        assert address.startswith("[::1]:")
    with grpc.insecure_channel(address) as channel:
        assert plan(channel, "taxi", 328, 1).result().simulations == 1


def test_a_configuration_with_a_simulator_is_checked_by_asking_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with serve_model(Corridor()) as simulator:
        Path("server.toml").write_text(
            "server.built_in_models = false\n"
            f"[[models]]\nname = 'far'\nremote = '{simulator.address}'\n"
        )
        assert main(["check-config", "server.toml"]) == 0
    assert "can be served: 1 model" in capsys.readouterr().out


def test_a_simulator_that_is_not_there_stops_the_start(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("server.toml").write_text(
        "[[models]]\nname = 'far'\nremote = 'unix:/nobody.sock'\n"
        "remote_options = { connect_seconds = 0.1 }\n"
    )
    assert main(["models", "--config", "server.toml"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("mcts-service models: server.toml:1: models[0]: remote: is ")
    assert "no simulator answers there within 0.1 s; start it first, or wait longer" in told
