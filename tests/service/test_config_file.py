import json
import re
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from every_setting import EVERY_SETTING

from mcts_service.errors import InvalidRequest
from mcts_service.planning import SearchConfig
from mcts_service.service.budgets import BudgetLimits
from mcts_service.service.config import ModelConfig, ServerConfig, ServerSettings
from mcts_service.service.config_file import read_config
from mcts_service.service.loading import load_configured
from mcts_service.service.remote_options import RemoteOptions
from mcts_service.service.sessions import SessionLimits
from mcts_service.service.start_checks import open_certificates, open_tokens
from mcts_service.service.workers import WorkerSettings

if sys.version_info >= (3, 11):
    from tomllib import loads as read_text
else:
    from tomli import loads as read_text

EXAMPLE = Path(__file__).parents[2] / "examples" / "server.toml"


@pytest.fixture
def config_file(tmp_path, monkeypatch):
    """Writes a file named server.toml and gives its name, as seen from its folder."""
    monkeypatch.chdir(tmp_path)

    def write(content):
        data = content if isinstance(content, bytes) else content.encode()
        Path("server.toml").write_bytes(data)
        return "server.toml"

    return write


def test_an_empty_file_gives_the_defaults(config_file):
    assert read_config(config_file("")) == ServerConfig()


def test_a_remote_model_has_an_address_and_options(config_file):
    config = read_config(
        config_file(
            """
            [[models]]
            name = "robot"
            remote = "unix:/run/robot.sock"
            remote_options = { call_seconds = 2.5, in_flight = 12 }
            [[models]]
            name = "arm"
            remote = "[::1]:50061"
            """
        )
    )
    robot, arm = config.models
    assert robot.remote == "unix:/run/robot.sock"
    assert robot.remote_options == RemoteOptions(call_seconds=2.5, in_flight=12)
    assert (arm.remote, arm.remote_options) == ("[::1]:50061", RemoteOptions())


def test_every_table_is_read(config_file):
    config = read_config(
        config_file(
            """
            deadline_margin = { fraction = 0.2 }
            [server]
            port = 0
            workers = 3
            [budget]
            max_simulations = 500
            [sessions]
            max_sessions = 7
            [[models]]
            name = "game"
            factory = "my_game:Game"
            arguments = { size = 3 }
            budget = { default_simulations = 7 }
            search = { exploration = 0.5 }
            """
        )
    )
    assert config.server == ServerSettings(port=0, workers=3)
    assert config.deadline_margin.fraction == 0.2
    assert config.sessions == SessionLimits(max_sessions=7)
    (model,) = config.models
    assert (model.name, model.factory, model.arguments) == ("game", "my_game:Game", {"size": 3})
    assert model.budget == BudgetLimits(default_simulations=7, max_simulations=500)
    assert model.search == SearchConfig(exploration=0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[server]\n\nworkers = -1\n",
         "server.toml:3: server.workers: is -1; must be an integer from 1 to 1024"),
        ("server.port = 70000", "server.toml:1: server.port: is 70000; must be an integer"),
        ("server = { port = 'http' }", "server.toml:1: server.port: is 'http'; must be an integer"),
        ("[server]\nprot = 1\n",
         "server.toml:2: server.prot: is not a setting; settings: host, port, workers"),
        ("# notes\n[sever]\n", "server.toml:2: sever: is not a setting; settings: server,"),
        ("[sessions]\nmax_sessions = 3\nidle_seconds = 0\n",
         "server.toml:3: sessions.idle_seconds: is 0; must be"),
        ("[sessions]\nmax_byte = 3\n",
         "server.toml:2: sessions.max_byte: is not a setting; settings: max_sessions, max_bytes"),
        ("server = 1", "server.toml:1: server: is 1; must be a table"),
        ("[server]\nhost = \"\"\"\nport = -1\n\"\"\"\nport = -2\n",
         "server.toml:5: server.port: is -2"),
        ("[budget]\nmax_simulations = 10\n# more\n\ndefault_simulations = [\n  1,\n]\n",
         "server.toml:5: budget.default_simulations: is [1]; must be an integer"),
        ("[models]\nname = 'a'\n", "server.toml:1: models: is one table; write [[models]]"),
        ("\n[[models]]\nname = 'a'\n", "server.toml:2: models[0]: has no factory, file or"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n\n[[models]]\nfactory = 'c:d'\nname = 'B'\n",
         "server.toml:7: models[1].name: is 'B'; must be 1 to 64 characters of a-z, 0-9, _ and -"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[[models]]\nname = 'a'\nfactory = 'a:b'\n",
         "server.toml:5: models[1].name: is 'a', which another model has"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\nfile = 'a.npz'\n",
         "server.toml:4: models[0].file: is 'a.npz'; must not be there beside a factory"),
        ("[[models]]\nname = 'a'\nfile = 'a.npz'\n[models.arguments]\nsize = 3\n",
         "server.toml:4: models[0].arguments: are given; a file takes none"),
        ("[[models]]\nname = 'a'\nfile = 7\n", "server.toml:3: models[0].file: is 7; must be a"),
        ("[[models]]\nname = 'a'\nfile = ''\n", "server.toml:3: models[0].file: is ''; must be"),
        ("[[models]]\nname = 'a'\nfactory = 'ab'\n",
         "server.toml:3: models[0].factory: is 'ab'; must be \"module:name\""),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\nexploration = -1.0\n",
         "server.toml:5: models[0].search.exploration: is -1.0; must be a finite number >= 0"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\n\npreset = 'grahp'\n",
         "server.toml:6: models[0].search.preset: is 'grahp'; must be one of auto, dp_uct, graph,"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\nsearch = { preset = ['graph'] }\n",
         "server.toml:4: models[0].search.preset: is ['graph']; must be one of auto, dp_uct"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\nsharing = 'all'\n",
         "server.toml:5: models[0].search.sharing: is 'all'; must be one of auto, none, depth"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\npreset = 'graph'\n"
         "backup = 'mean'\n", "server.toml:4: models[0].search.evaluation: is 'trial', which"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\npresets = 'graph'\n",
         "server.toml:5: models[0].search.presets: is not a setting; settings: preset, selection"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\nroot_noise = 1.5\n",
         "server.toml:5: models[0].search.root_noise: is 1.5; must be a number from 0 to 1"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\nrollout_depth = 1.5\n",
         "server.toml:5: models[0].search.rollout_depth: is 1.5; must be an integer"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\npreset = 'ments'\n"
         "selection = 'uct'\n", "server.toml:6: models[0].search.selection: is 'uct'; must be one"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.search]\npreset = 'ments'\n"
         "backup = 'max'\n", "server.toml:4: models[0].search.selection: is 'ments', which needs"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.budget]\nsimulations = 1\n",
         "server.toml:5: models[0].budget.simulations: is not a setting; settings: default_"),
        ("[worker_processes]\nreplicas = 0\n",
         "server.toml:2: worker_processes.replicas: is 0; must be an integer from 1 to 1024"),
        ("[worker_processes]\nwarm_spares = -1\n",
         "server.toml:2: worker_processes.warm_spares: is -1; must be an integer from 0 to 1024"),
        ("[worker_processes]\nmax_memory_bytes = 5\n",
         "server.toml:2: worker_processes.max_memory_bytes: is 5; must be an integer from 167"),
        ("[worker_processes]\noverrun_seconds = 'x'\n",
         "server.toml:2: worker_processes.overrun_seconds: is 'x'; must be a number"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\nisolation = 'fork'\n",
         "server.toml:4: models[0].isolation: is 'fork'; must be \"thread\" or \"process\""),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\nisolation = 'thread'\n"
         "[models.worker_processes]\nreplicas = 2\n",
         "server.toml:5: models[0].worker_processes: are set; must not be there where isolation"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.worker_processes]\nreplica = 2\n",
         "server.toml:5: models[0].worker_processes.replica: is not a setting; settings: replicas"),
        ("[tls]\ncertificate = 'a.pem'\n", "server.toml:1: tls.private_key: is missing; a"),
        ("[tls]\ncertificates = 'a.pem'\n",
         "server.toml:2: tls.certificates: is not a setting; settings: certificate, private_key"),
        ("[auth]\nopen_health = 1\n", "server.toml:2: auth.open_health: is 1; must be true or"),
        ("[auth]\ntoken_file = ''\n", "server.toml:2: auth.token_file: is ''; must be a text"),
        ("[limits]\n\nmax_streams = 0\n", "server.toml:3: limits.max_streams: is 0; must be an"),
        ("[metrics]\nport = 70000\n", "server.toml:2: metrics.port: is 70000; must be an integer"),
        ("[log]\nformat = 'xml'\n", "server.toml:2: log.format: is 'xml'; must be one of text,"),
        ("[[models]]\nname = 'a'\nremote = 'localhost'\n",
         "server.toml:3: models[0].remote: is 'localhost'; must be \"host:port\", or"),
        ("[[models]]\nname = 'a'\nremote = 'localhost:70000'\n",
         "server.toml:3: models[0].remote: is 'localhost:70000'; must be"),
        ("[[models]]\nname = 'a'\nremote = 'unix:walk.sock'\n",
         "server.toml:3: models[0].remote: is 'unix:walk.sock'; must be"),
        ("[[models]]\nname = 'a'\nremote = 'a:1'\nfactory = 'a:b'\n",
         "server.toml:3: models[0].remote: is 'a:1'; must not be beside a factory"),
        ("[[models]]\nname = 'a'\nfile = 'a.npz'\nremote = 'a:1'\n",
         "server.toml:4: models[0].remote: is 'a:1'; must not be beside a file"),
        ("[[models]]\nname = 'a'\nremote = 'a:1'\narguments = { x = 1 }\n",
         "server.toml:4: models[0].arguments: are given; a remote model takes none"),
        ("[[models]]\nname = 'a'\nfactory = 'a:b'\n[models.remote_options]\nattempts = 2\n",
         "server.toml:4: models[0].remote_options: are given, and no remote"),
        ("[[models]]\nname = 'a'\nremote = 'a:1'\n[models.remote_options]\nattempts = 0\n",
         "server.toml:5: models[0].remote_options.attempts: is 0; must be an integer from 1"),
        ("[[models]]\nname = 'a'\nremote = 'a:1'\n[models.remote_options]\nseconds = 1\n",
         "server.toml:5: models[0].remote_options.seconds: is not a setting; settings: connect_"),
        ("[server]\nport = \n", "server.toml:2: is not TOML: Invalid value"),
        ("[server]\nport = 1\nport = 2\n", "server.toml:3: is not TOML: Cannot overwrite"),
        ("[server]\nhost = '''", "server.toml:2: is not TOML: "),
        (b"[server]\nhost = '\xff'\n", "server.toml:2: is not UTF-8"),
    ],
)  # fmt: skip
def test_an_error_names_the_file_the_line_and_the_key(config_file, content, message):
    with pytest.raises(InvalidRequest) as caught:
        read_config(config_file(content))
    assert str(caught.value).startswith(message)


def test_worker_processes_of_a_model_are_those_of_the_server_with_its_changes(config_file):
    config = read_config(
        config_file(
            """
            [worker_processes]
            replicas = 2
            overrun_seconds = 0.5
            [[models]]
            name = "plain"
            factory = "my_game:Game"
            isolation = "thread"
            [[models]]
            name = "changed"
            factory = "my_game:Game"
            isolation = "process"
            worker_processes = { replicas = 3, max_memory_bytes = 1_000_000_000 }
            """
        )
    )
    plain, changed = config.models
    assert config.worker_processes == WorkerSettings(replicas=2, overrun_seconds=0.5)
    assert (plain.isolation, plain.worker_processes) == ("thread", None)
    assert changed.isolation == "process"
    assert changed.worker_processes == WorkerSettings(
        replicas=3, overrun_seconds=0.5, max_memory_bytes=1_000_000_000
    )


def test_paths_are_relative_to_the_file(tmp_path):
    path = tmp_path / "server.toml"
    path.write_text(
        """
        tls = { certificate = "a.pem", private_key = "/keys/a.key" }
        auth.token_file = "tokens.toml"
        """
    )
    config = read_config(path)
    assert config.tls.certificate == str(tmp_path / "a.pem")
    assert config.tls.private_key == "/keys/a.key"
    assert config.auth.token_file == str(tmp_path / "tokens.toml")


def test_what_is_found_wrong_later_is_placed_too(config_file):
    """Files are opened when the server starts; their errors have a line and a key as well."""
    text = """
        [auth]
        token_file = "tokens.toml"
        [tls]
        certificate = "a.pem"
        private_key = "a.key"
        """
    config = read_config(config_file(text))
    with pytest.raises(InvalidRequest) as caught:
        open_certificates(config)
    assert str(caught.value).startswith("server.toml:5: tls.certificate: 'a.pem' cannot be read:")
    with pytest.raises(InvalidRequest) as caught:
        open_tokens(config)
    assert str(caught.value).startswith("server.toml:3: auth.token_file: tokens.toml: cannot be")


def test_a_preset_comes_first_wherever_it_stands(config_file):
    config = read_config(
        config_file(
            """
            [[models]]
            name = "game"
            factory = "my_game:Game"
            [models.search]
            sharing = "depth"
            preset = "graph"
            max_depth = 9
            """
        )
    )
    (model,) = config.models
    assert model.search == SearchConfig.preset("dp_uct", max_depth=9)


def test_every_setting_of_a_search_is_read(config_file):
    lines = [f"{setting} = {json.dumps(value)}" for setting, value in EVERY_SETTING.items()]
    tables = ["[[models]]", "name = 'a'", "factory = 'a:b'", "[models.search]", *lines]
    (model,) = read_config(config_file("\n".join(tables))).models
    assert model.search == SearchConfig(**EVERY_SETTING)


def test_the_example_lists_every_setting_of_a_search():
    text = EXAMPLE.read_text().partition("[models.search]")[2].partition("[[models]]")[0]
    settings = re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE)
    assert sorted(settings) == sorted([*EVERY_SETTING, "preset"])


def test_the_example_lists_every_other_setting_with_its_default():
    text = EXAMPLE.read_text()
    for table, settings in vars(ServerConfig()).items():
        if table in ("models", "place"):
            continue
        part = text.partition(f"[{table}]\n")[2].partition("\n[")[0]
        lines = re.findall(r"^(?:# )?(\w+ = [^#\n]+)", part, re.MULTILINE)
        shown = read_text("\n".join(lines))
        assert shown.keys() == vars(settings).keys(), table
        for setting, value in vars(settings).items():
            # No default has a file, or depends on the machine, and is shown as an example.
            assert value in (shown[setting], None) or setting == "workers"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidRequest, match=r"none\.toml: cannot be read: No such file"):
        read_config(tmp_path / "none.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidRequest, match="cannot be read: Is a directory"):
        read_config(tmp_path)


def test_the_example_shows_the_defaults_and_its_model_can_be_served():
    config = read_config(EXAMPLE)
    assert config.server == ServerConfig().server
    assert config.deadline_margin == ServerConfig().deadline_margin
    assert config.budget == ServerConfig().budget
    assert config.worker_processes == ServerConfig().worker_processes
    assert config.sessions == ServerConfig().sessions
    (model,) = config.models
    assert model.search == SearchConfig()
    entry = load_configured(model)
    assert entry.name == "acrobot"
    assert entry.limits.default_simulations == 100
    assert entry.state_spec.kind == "tensor"


def settings_of(kind, where=""):
    """(table, key) of each setting, by the dataclasses that hold them."""
    for one in fields(kind):
        if not one.metadata.get("is_setting", True):
            continue
        inner = TABLES.get((kind, one.name))
        if inner is None:
            yield where, one.name
        else:
            yield from settings_of(inner, f"{where}.{one.name}".lstrip("."))


TABLES = {
    (ServerConfig, one.name): type(getattr(ServerConfig(), one.name))
    for one in fields(ServerConfig)
    if is_dataclass(getattr(ServerConfig(), one.name))
} | {
    (ServerConfig, "models"): ModelConfig,
    (ModelConfig, "remote_options"): RemoteOptions,
}


def test_the_example_has_every_setting_in_its_table():
    table, found = "", set()
    for line in EXAMPLE.read_text().splitlines():
        if header := re.match(r"(?:# )?\[+([\w.]+)\]+", line):
            table = header[1]
        elif setting := re.match(r"(?:# )?(\w+) = ", line):
            found.add((table, setting[1]))
    tables = {"models.arguments", "models.budget", "models.search", "models.worker_processes"}
    wanted = {
        (where, name)
        for where, name in settings_of(ServerConfig)
        if f"{where}.{name}" not in tables
        and (where, name) not in (("models", "file"), ("", "place"))
    }
    assert sorted(wanted - found) == []
