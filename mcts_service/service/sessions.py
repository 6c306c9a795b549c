"""The trees that callers' sessions have left, for the next request of each to go on from.

A cache: a request carries its state in any case, and one whose session is not here is planned
afresh. There is one `Sessions` for each place where searches run: one in a server's process for all
models that search in its threads, and one in each process that has a model of its own, to which
requests of a session must then be sent again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial

from mcts_service.checks import require_integer, require_number
from mcts_service.errors import MCTSServiceError
from mcts_service.planning import MCTS, KeptTree, SearchConfig
from mcts_service.service.entry import ModelEntry
from mcts_service.service.query import PlanQuery

__all__ = ["SessionLimits", "Sessions"]

#: Bytes of a tree whose root is moved in less time than a search takes that is run at once.
_SMALL_BYTES = 2**18

_Key = tuple[str, str, ModelEntry, SearchConfig]


@dataclass(frozen=True)
class SessionLimits:
    """What sessions may take, in each place where searches run: table [sessions].

    Attributes:
      max_sessions: kept at once; the one that was used longest ago gives way. 0: none are.
      max_bytes: of their trees, together.
      idle_seconds: after so long without a request a session is given up.
    """

    max_sessions: int = 1024
    max_bytes: int = 2**30
    idle_seconds: float = 300.0

    def __post_init__(self) -> None:
        require_integer("max_sessions", self.max_sessions, 0, 1_000_000)
        require_integer("max_bytes", self.max_bytes, 0, 2**48)
        require_number("idle_seconds", self.idle_seconds, 0.001, 86_400)


@dataclass(eq=False)
class _Session:
    """One of them.

    Attributes:
      planner: whose tree it is; kept with it, whatever else is planned meanwhile.
      used: when it was last, in seconds of time.monotonic().
      tree: lent to one plan at a time.
      bytes: that count for it.
    """

    planner: MCTS
    used: float
    tree: KeptTree = field(default_factory=KeptTree)
    bytes: int = 0


class Sessions:
    """Keeps trees from request to request, within limits. Any number of threads may use it.

    What is to be given up is given up by a thread of its own, which is there from the first session
    on: to free a large tree takes a while, and nobody is to wait for it.

    Attributes:
      hits, misses: plans of sessions that went on from a tree, and that began afresh.
    """

    def __init__(self, limits: SessionLimits | None = None) -> None:
        """Keeps none yet."""
        self._limits = limits or SessionLimits()
        self.hits = self.misses = 0
        # The one that was used longest ago first.
        self._kept: OrderedDict[_Key, _Session] = OrderedDict()
        self._bytes = 0
        self._left: list[_Session] = []
        self._changed = threading.Condition()
        self._keeper: threading.Thread | None = None
        self._is_closed = False

    @property
    def count(self) -> int:
        """Sessions that are kept."""
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """What their trees hold, between plans."""
        return self._bytes

    def of(self, query: PlanQuery, planner: MCTS) -> tuple[MCTS, KeptTree | None]:
        """What a plan is to be made by, and with: a session's planner, and its tree.

        Args:
          planner: of the query's model by the query's config: that of a session that is new, or
            of a query that is of none, which has no tree.
        """
        if not query.session_id or not self._limits.max_sessions:
            return planner, None
        key, now = _key(query), time.monotonic()
        with self._changed:
            if self._is_closed:
                return planner, None
            session = self._kept.get(key)
            if session is None:
                session = self._kept[key] = _Session(planner, now)
                session.tree = KeptTree(partial(self._planned, key, session))
                self._wake_for_first()
            self._touch(key, session, now)
            self._shrink()
        return session.planner, session.tree

    def is_small(self, query: PlanQuery) -> bool:
        """Whether a plan of the query does not have to move a large tree first."""
        if not query.session_id:
            return True
        session = self._kept.get(_key(query))
        return session is None or session.bytes <= _SMALL_BYTES

    def close(self) -> None:
        """Gives all of them up, and keeps no more."""
        with self._changed:
            self._is_closed = True
            self._left.extend(self._kept.values())
            self._kept.clear()
            self._bytes = 0
            self._changed.notify()

    # ---- with the lock held

    def _touch(self, key: _Key, session: _Session, now: float) -> None:
        session.used = now
        self._kept.move_to_end(key)

    def _shrink(self) -> None:
        """Gives up the one that was used longest ago until the limits hold."""
        limits = self._limits
        while len(self._kept) > limits.max_sessions or self._bytes > limits.max_bytes:
            self._give_up(next(iter(self._kept)))

    def _give_up(self, key: _Key) -> None:
        session = self._kept.pop(key)
        self._bytes -= session.bytes
        self._left.append(session)
        self._changed.notify()

    def _wake_for_first(self) -> None:
        """Has the thread wait for the first session's end: until now it waited for nothing."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="sessions", daemon=True)
            self._keeper.start()
        elif len(self._kept) == 1:
            self._changed.notify()

    def _give_up_idle(self) -> float | None:
        """Seconds until there may be more of them; None: there are no sessions."""
        now, idle = time.monotonic(), self._limits.idle_seconds
        while self._kept:
            key, session = next(iter(self._kept.items()))
            if now - session.used < idle:
                return session.used + idle - now
            if session.tree.is_lent:
                self._touch(key, session, now)
            else:
                self._give_up(key)
        return None

    # ---- at the end of a plan

    def _planned(self, key: _Key, session: _Session, reused: bool) -> None:
        with self._changed:
            self.hits += reused
            self.misses += not reused
            if self._kept.get(key) is session:
                size = session.tree.bytes
                self._bytes += size - session.bytes
                session.bytes = size
                self._touch(key, session, time.monotonic())
                self._shrink()
            elif not self._is_closed:  # given up meanwhile, and then it could not be freed
                self._left.append(session)
                self._changed.notify()

    # ---- in the thread

    def _keep(self) -> None:
        """Gives up what is idle, and frees what was given up, until the end."""
        while True:
            with self._changed:
                seconds = self._give_up_idle()
                if not self._left:
                    if self._is_closed:
                        return
                    self._changed.wait(seconds)
                left, self._left = self._left, []
            while left:
                session = left.pop()
                with contextlib.suppress(MCTSServiceError):  # of a model that cannot be entered
                    session.planner.forget(session.tree)
                del session


def _key(query: PlanQuery) -> _Key:
    return query.caller, query.session_id, query.model, query.config
