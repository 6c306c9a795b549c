"""A walk on 13 places as a batch model, in states of any form and with any capabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcts_service.models import UnbatchedModel

PLACES = 13
START = 5


@dataclass(frozen=True)
class Form:
    """How a place is written as a row, and read from one.

    Attributes:
      write: places int64[N] -> rows [N, ...].
      read: the other way round.
    """

    write: Callable[[np.ndarray], np.ndarray]
    read: Callable[[np.ndarray], np.ndarray]


def _bits(places: np.ndarray) -> np.ndarray:
    return (places[:, None] >> np.arange(4)) & 1 == 1


def _signed(places: np.ndarray) -> np.ndarray:
    """With zeros of either sign in the second column."""
    return np.stack([places / 2, np.where(places % 2, -0.0, 0.0), -1.0 * places], axis=1)


FORMS = {
    "int64": Form(lambda p: p, lambda rows: rows),
    "uint8": Form(lambda p: p.astype(np.uint8), lambda rows: rows.astype(np.int64)),
    "float64": Form(lambda p: p / 4.0, lambda rows: (rows * 4).astype(np.int64)),
    "int8[2, 2]": Form(
        lambda p: np.stack([p, -p, p * 0, p % 3], axis=1).reshape(-1, 2, 2).astype(np.int8),
        lambda rows: rows[:, 0, 0].astype(np.int64),
    ),
    "float64[3]": Form(_signed, lambda rows: (rows[:, 0] * 2).astype(np.int64)),
    "float32[1]": Form(
        lambda p: (p[:, None] / 4).astype(np.float32), lambda rows: (rows[:, 0] * 4).astype(int)
    ),
    "bool[4]": Form(_bits, lambda rows: rows @ (1 << np.arange(4))),
    ">i4[2]": Form(
        lambda p: np.stack([p, p], axis=1).astype(">i4"), lambda rows: rows[:, 1].astype(int)
    ),
    ">f8[1]": Form(lambda p: p[:, None].astype(">f8"), lambda rows: rows[:, 0].astype(int)),
}


class Walk:
    """Steps of one to three places, some of which slip; both ends end it, and places cost.

    Args:
      form: of a state, by its name.
      deterministic: nothing slips.
      masks, values, keys: it has that capability, for one state and for many.
      players: one or two; two take turns by the parity of the place.
    """

    num_actions = 3
    discount = 0.9

    def __init__(
        self,
        form: str = "int64",
        *,
        deterministic: bool = False,
        masks: bool = False,
        values: bool = False,
        keys: bool = False,
        players: int = 1,
    ) -> None:
        self.form, self.deterministic, self.num_players = FORMS[form], deterministic, players
        if masks:
            self.legal_actions_batch, self.legal_actions = self._masks, self._legal
        if values:
            self.evaluate_batch, self.value = self._evaluate, self._value
        if keys:
            self.state_key_batch, self.state_key = self._keys, self._key
        if players == 2:
            self.current_player_batch, self.current_player = self._players, self._player

    def state(self, place: int = START) -> Any:
        return self.form.write(np.array([place]))[0]

    def states(self, *places: int) -> np.ndarray:
        return self.form.write(np.array(places))

    def sample_batch(self, states: np.ndarray, actions: np.ndarray, rng: Any) -> Any:
        places = self.form.read(states)
        steps, extra = actions - 1 + (actions == 1) * 2, np.zeros(len(states))
        if not self.deterministic:
            slips = rng.random(len(states)) < 0.3
            steps = np.where(slips, rng.integers(-1, 2, size=len(states)), steps)
            extra = 0.25 * rng.integers(2, size=len(states))
        places = np.clip(places + steps, 0, PLACES - 1)
        ended = (places == 0) | (places == PLACES - 1)
        rewards = 2.0 * (places == PLACES - 1) - 0.1 * (places % 4) + extra
        if self.num_players == 2:
            rewards = np.stack([rewards, 1.0 - 2.0 * rewards], axis=1)
        return self.form.write(places), rewards, ended

    def is_terminal_batch(self, states: np.ndarray) -> np.ndarray:
        places = self.form.read(states)
        return (places == 0) | (places == PLACES - 1)

    def is_terminal(self, state: Any) -> bool:
        return bool(self.is_terminal_batch(np.asarray(state)[None])[0])

    def _masks(self, states: np.ndarray) -> np.ndarray:
        places = self.form.read(states)
        assert ((places > 0) & (places < PLACES - 1)).all(), "asked where the episode has ended"
        return (places[:, None] + np.arange(3)) % 3 != 2

    def _legal(self, state: Any) -> list[int]:
        return list(np.flatnonzero(self._masks(np.asarray(state)[None])[0]))

    def _evaluate(self, states: np.ndarray) -> tuple[None, np.ndarray]:
        values = self.form.read(states) / PLACES
        return None, values if self.num_players == 1 else np.stack([values, -values], axis=1)

    def _value(self, state: Any) -> Any:
        return self._evaluate(np.asarray(state)[None])[1][0]

    def _keys(self, states: np.ndarray) -> np.ndarray:
        return self.form.read(states) // 2 - 3

    def _key(self, state: Any) -> int:
        return int(self._keys(np.asarray(state)[None])[0])

    def _players(self, states: np.ndarray) -> np.ndarray:
        places = self.form.read(states)
        assert ((places > 0) & (places < PLACES - 1)).all(), "asked where the episode has ended"
        return places % 2

    def _player(self, state: Any) -> int:
        return int(self._players(np.asarray(state)[None])[0])


WHOLE: dict[str, Any] = {"masks": True, "values": True, "keys": True, "players": 2}


class WholeWalk(Walk):
    """A game with every capability, for one state and for many, and `sample` too."""

    def __init__(self, form: str = "int64", **capabilities: Any) -> None:
        super().__init__(form, **(capabilities or WHOLE))
        self.twin = Walk(form, **(capabilities or WHOLE))

    def initial_state(self, rng: Any = None) -> Any:
        return self.state(3 + int(rng.integers(7)) if rng is not None else 5)

    def sample(self, state: Any, action: int, rng: Any) -> Any:
        return UnbatchedModel(self.twin).sample(state, action, rng)

    def is_terminal(self, state: Any) -> bool:
        return self.twin.is_terminal(state)

    def _keys(self, states: np.ndarray) -> np.ndarray:
        return self.form.read(states) - 3
