"""Decision-time planning: `Plan(state) -> action`, by tree search over any sample model.

    from mcts_service import MCTS, Budget
    from mcts_service.models import make

    model = make("connect_four")
    plan = MCTS(model).plan(model.initial_state(), Budget(simulations=10_000))
    plan.action

Names are loaded when they are first used, so that a client that needs only the wire contract
(`mcts_service.v1`) loads no compiled module.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcts_service.headers import get_include
    from mcts_service.planning import (
        MCTS,
        ActionStatistics,
        Budget,
        CancelFlag,
        Plan,
        SearchConfig,
        StopReason,
    )

__version__ = "0.1.0"

__all__ = [
    "MCTS",
    "ActionStatistics",
    "Budget",
    "CancelFlag",
    "Plan",
    "SearchConfig",
    "StopReason",
    "get_include",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        home = "headers" if name == "get_include" else "planning"
        return getattr(import_module(f"mcts_service.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
