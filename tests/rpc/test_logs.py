"""What a server logs of its calls, and what it never does."""

import io
import json
import logging
import re
import threading

import grpc
import pytest
from served_models import Corridor, Faulty, entry_of

from mcts_service.errors import InvalidRequest
from mcts_service.service.auth import AuthSettings
from mcts_service.service.logs import JsonFormatter, LogSettings, set_up_logging
from mcts_service.service.registry import Registry
from mcts_service.v1 import planner_pb2

REGISTRY = Registry([entry_of(Corridor(), "corridor"), entry_of(Faulty("raises"), "faulty")])
RED = "the-token-of-the-red-team"


@pytest.fixture
def log():
    """What is logged meanwhile, as lines of JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("mcts_service")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(before)


def logging_server(server_of, **settings):
    return server_of(REGISTRY, tables={"log": LogSettings(**settings)})


def requests_in(lines):
    return [line for line in lines if line["logger"] == "mcts_service.requests"]


def test_a_named_request_has_a_line(server_of, log):
    with logging_server(server_of) as served:
        served.plan("corridor")
        served.plan("corridor", request_id="move-7")
        served.error("corridor", -1, request_id="move-8")
    first, second = requests_in(log())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert (first["level"], first["method"]) == ("INFO", "/mcts_service.v1.PlannerService/Plan")
    assert (first["model"], first["request_id"]) == ("corridor", "move-7")
    assert (first["caller"], first["status"]) == ("ipv4:127.0.0.1", "OK")
    assert 0 < first["duration"] < 60
    assert (second["request_id"], second["status"]) == ("move-8", "INVALID_ARGUMENT")


def test_every_request_has_a_line_and_an_id_when_told_so(server_of, log):
    with logging_server(server_of, requests="all") as served:
        for _ in range(3):
            served.plan("corridor")
        served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
    lines = requests_in(log())
    assert len({line["request_id"] for line in lines}) == 4
    assert "model" not in lines[3]


def test_no_request_has_a_line_when_told_so(server_of, log):
    with logging_server(server_of, requests="off") as served:
        served.plan("corridor", request_id="move-7")
    assert requests_in(log()) == []


def test_lines_are_left_out_at_a_rate_that_would_hurt(server_of, log):
    with logging_server(server_of, requests="all", max_requests_per_second=2) as served:
        for _ in range(200):
            served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
        while not (told := [x for x in log() if "more requests have no line" in x["message"]]):
            served.stub.ListModels(planner_pb2.ListModelsRequest(), timeout=60)
    assert sum("status" in line for line in requests_in(log())) < 200
    assert re.fullmatch(r"\d+ more requests have no line", told[0]["message"])


def test_an_internal_error_is_found_by_the_callers_id_and_by_the_one_it_is_told(server_of, log):
    with logging_server(server_of) as served:
        named = served.error("faulty", request_id="move-9").details()
        unnamed = served.error("faulty").details()
    told = [re.search(r"internal error (\w+):", text)[1] for text in (named, unnamed)]
    errors = [line for line in log() if line["level"] == "ERROR"]
    assert [line["error_id"] for line in errors] == told
    assert [line["request_id"] for line in errors] == ["move-9", told[1]]
    assert all("Traceback (most recent call last)" in line["traceback"] for line in errors)
    assert all(line["model"] == "faulty" for line in errors)
    # The line at the end of the request has the same id, drawn or not.
    assert [line["request_id"] for line in requests_in(log())] == ["move-9", told[1]]


def test_the_name_of_a_token_is_the_caller_and_the_token_is_nowhere(server_of, log, tmp_path):
    path = tmp_path / "tokens.toml"
    path.write_text(f"[[tokens]]\nname = 'red'\ntoken = '{RED}'\nmodels = '*'\n")
    tables = {"auth": AuthSettings(str(path)), "log": LogSettings(requests="all")}
    with server_of(REGISTRY, tables=tables) as served:
        for token in (RED, RED + "x"):
            call = served.stub.Plan
            state = planner_pb2.State(discrete=4)
            request = planner_pb2.PlanRequest(model="faulty", state=state)
            with pytest.raises(grpc.RpcError):
                call(request, metadata=[("authorization", f"Bearer {token}")], timeout=60)
    lines = requests_in(log())
    assert [(line["caller"], line["status"]) for line in lines] == [
        ("red", "INTERNAL"),
        ("ipv4:127.0.0.1", "UNAUTHENTICATED"),
    ]
    assert RED not in json.dumps(log())


def test_states_are_not_logged(server_of, log):
    with logging_server(server_of, requests="all") as served:
        state = planner_pb2.State(json={"string_value": "a-state-of-nobodys-business"})
        served.error("corridor", state, request_id="a")
        served.plan("corridor", request_id="b")
    assert len(requests_in(log())) == 2
    assert "nobodys-business" not in json.dumps(log())


@pytest.mark.parametrize("request_id", ["a\nb", 'a"b', "é\u2028", "\x1b[31m"])
def test_an_id_cannot_forge_a_line(server_of, log, request_id, caplog):
    caplog.set_level(logging.INFO, "mcts_service")
    with logging_server(server_of) as served:
        served.plan("corridor", request_id=request_id)
    (line,) = requests_in(log())
    assert line["request_id"] == request_id
    (record,) = [r for r in caplog.records if r.name == "mcts_service.requests"]
    assert len(record.getMessage().splitlines()) == 1
    assert "\x1b" not in record.getMessage()


# ---- setting up -------------------------------------------------------------------------


@pytest.fixture
def root_logger():
    """Puts the logging of this process back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_go_to_standard_error(form, root_logger, capsys):
    set_up_logging(LogSettings(format=form, level="warning"))
    logging.getLogger("mcts_service").info("too little")
    logging.getLogger("mcts_service").warning("enough")
    err = capsys.readouterr().err
    assert "too little" not in err
    if form == "json":
        assert json.loads(err)["message"] == "enough"
    else:
        assert err.endswith("WARNING mcts_service: enough\n")


def test_a_line_is_one_line_of_ascii_whatever_is_in_it():
    record = logging.LogRecord("a", logging.INFO, "", 0, "%s\n\ud800é", ("x",), None)
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["message"] == "x\n\ud800é"


def test_lines_of_other_threads_know_of_no_call():
    lines = []
    record = logging.LogRecord("a", logging.INFO, "", 0, "m", (), None)
    thread = threading.Thread(target=lambda: lines.append(JsonFormatter().format(record)))
    thread.start()
    thread.join()
    assert set(json.loads(lines[0])) == {"time", "level", "logger", "message"}


@pytest.mark.parametrize("setting", ["format", "level", "requests", "max_requests_per_second"])
@pytest.mark.parametrize("value", ["", "loud", 0, None, []])
def test_a_setting_that_cannot_be_is_named(setting, value):
    with pytest.raises(InvalidRequest) as caught:
        LogSettings(**{setting: value})
    assert caught.value.violations[0].field == setting
