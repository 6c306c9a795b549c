"""The file of tokens, and whom each stands for."""

import hashlib
import logging
from datetime import datetime, timedelta, timezone

import pytest
from patience import eventually

from mcts_service.errors import InvalidRequest, Unauthenticated
from mcts_service.service.tokens import WatchedTokens, read_tokens

TOKEN = "a-token-of-the-red-team"
HASHED = hashlib.sha256(TOKEN.encode()).hexdigest()


@pytest.fixture
def token_file(tmp_path, monkeypatch):
    """Writes a file named tokens.toml and gives its name, as seen from its folder."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "tokens.toml").write_text(text)
        return "tokens.toml"

    return write


def entry(**values):
    values = {"name": "'red'", "models": "'*'", "sha256": f"'{HASHED}'"} | values
    lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
    return "\n".join(["[[tokens]]", *lines, ""])


def test_a_token_is_known_by_its_hash_and_by_itself(token_file):
    for given in ({}, {"sha256": None, "token": f"'{TOKEN}'"}, {"sha256": f"'{HASHED.upper()}'"}):
        caller = read_tokens(token_file(entry(**given))).caller_of(TOKEN)
        assert (caller.name, caller.models) == ("red", None)


def test_a_token_may_be_for_some_models_only(token_file):
    tokens = read_tokens(token_file(entry(models="['taxi', 'maze']")))
    assert tokens.caller_of(TOKEN).models == {"taxi", "maze"}


def test_two_tokens_may_have_one_name(token_file):
    other = entry(sha256=None, token="'the-next-one-of-the-red-team'")
    tokens = read_tokens(token_file(entry() + other))
    assert tokens.caller_of(TOKEN) == tokens.caller_of("the-next-one-of-the-red-team")


@pytest.mark.parametrize("token", ["", TOKEN + "x", TOKEN[:-1], HASHED, "\udc80", "red"])
def test_any_other_token_is_refused_in_the_same_words(token_file, token):
    with pytest.raises(Unauthenticated, match=r"^a valid bearer token is needed$"):
        read_tokens(token_file(entry())).caller_of(token)


def test_a_token_is_refused_from_its_expiry_on(token_file):
    def at(moment):
        return read_tokens(token_file(entry(expires=moment.isoformat())))

    now = datetime.now(timezone.utc)
    assert at(now + timedelta(hours=1)).caller_of(TOKEN).name == "red"
    with pytest.raises(Unauthenticated, match=r"^a valid bearer token is needed$"):
        at(now - timedelta(seconds=1)).caller_of(TOKEN)


def test_an_empty_file_lets_nobody_in(token_file):
    with pytest.raises(Unauthenticated):
        read_tokens(token_file("")).caller_of(TOKEN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (entry(name="''"), "tokens.toml:2: tokens[0].name: is ''; must be a text that is"),
        (entry(name="'a b'"), "tokens.toml:2: tokens[0].name: is 'a b'; must be 1 to 64 letters"),
        (entry(name=None), "tokens.toml:1: tokens[0]: has no name, which it must have"),
        (entry(models=None), "tokens.toml:1: tokens[0]: has no models, which it must have"),
        (entry(models="'taxi'"), "tokens.toml:3: tokens[0].models: is 'taxi'; must be \"*\", or a"),
        (entry(models="['A']"), "tokens.toml:3: tokens[0].models: is 'A'; must be 1 to 64"),
        (entry(sha256=None), "tokens.toml:1: tokens[0].sha256: must be there, or a token in its"),
        (entry(token=f"'{TOKEN}'"), "tokens.toml:4: tokens[0].sha256: must be there, or a token"),
        (entry(sha256="'abc'"), "tokens.toml:4: tokens[0].sha256: must be 64 hexadecimal digits"),
        (entry(sha256="7"), "tokens.toml:4: tokens[0].sha256: must be 64 hexadecimal digits"),
        (entry(sha256=None, token="'short'"), "tokens.toml:4: tokens[0].token: must be 16 or more"),
        (entry(sha256=None, token=f"'{TOKEN} '"), "tokens.toml:4: tokens[0].token: must be 16 or"),
        (entry(expires="2027-01-31"), "tokens.toml:5: tokens[0].expires: must be a time with its"),
        (entry(expires="2027-01-31T00:00:00"), "tokens.toml:5: tokens[0].expires: must be a time"),
        (entry(expiry="1"), "tokens.toml:5: tokens[0].expiry: is not a setting; settings: name"),
        (entry() + entry(name="'blue'"), "tokens.toml:5: tokens[1]: is the same token as one"),
        ("[tokens]\n", "tokens.toml:1: tokens: is no list of tables; write [[tokens]]"),
        ("[[token]]\n", "tokens.toml:1: token: is not a setting; settings: tokens"),
        ("[[tokens]\n", "tokens.toml:1: is not TOML"),
    ],
)  # fmt: skip
def test_an_error_names_the_file_the_line_and_the_key_and_no_secret(token_file, text, message):
    with pytest.raises(InvalidRequest) as caught:
        read_tokens(token_file(text))
    assert str(caught.value).startswith(message)
    assert TOKEN not in str(caught.value)
    assert HASHED not in str(caught.value)


def test_more_tokens_than_a_call_can_be_compared_with_are_refused(token_file):
    digests = (hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(1001))
    text = "\n".join(entry(sha256=f"'{digest}'") for digest in digests)
    with pytest.raises(InvalidRequest, match="has 1001 tables; must have 1000 at most"):
        read_tokens(token_file(text))


# ---- a file that changes ----------------------------------------------------------------


@pytest.fixture
def watched(token_file):
    """The tokens of a file that is looked at often."""
    tokens = WatchedTokens(token_file(entry()), interval_seconds=0.01)
    yield tokens
    tokens.close()


def test_a_changed_file_is_read_anew(watched, token_file):
    token_file(entry(models="['taxi']"))
    eventually(lambda: watched.current.caller_of(TOKEN).models == {"taxi"})


def test_a_broken_file_changes_nothing_and_is_told(watched, token_file, caplog):
    caplog.set_level(logging.INFO)
    token_file("[[tokens]]\nname = 'blue'\n")
    eventually(lambda: "the tokens stay as they are: tokens.toml:1: tokens[0]" in caplog.text)
    assert watched.current.caller_of(TOKEN).name == "red"
    token_file("")
    eventually(lambda: len(watched.current) == 0)
    assert "the tokens were read anew: there are 0" in caplog.text


def test_a_file_that_is_gone_changes_nothing(watched, tmp_path, caplog):
    (tmp_path / "tokens.toml").unlink()
    eventually(lambda: "the tokens stay as they are: tokens.toml: cannot be read" in caplog.text)
    assert watched.current.caller_of(TOKEN).name == "red"
