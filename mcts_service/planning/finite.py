"""What the solvers solve: any finite distribution model, as a sparse table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mcts_service._solvers import Predecessors, SparseTable
from mcts_service.checks import require_number, shown
from mcts_service.errors import InvalidRequest
from mcts_service.labels import is_labelled
from mcts_service.models.labelled_table import LabelledTable
from mcts_service.models.pass_on import PassesOn
from mcts_service.models.tabular import TabularModel
from mcts_service.models.tabulate import tabulate

__all__ = ["FiniteProblem", "finite_problem", "require_ends", "require_transitions", "table_of"]


@dataclass(frozen=True, eq=False)
class FiniteProblem:
    """A table and what a step discounts by.

    Attributes:
      table: of its states, actions and outcomes.
      discount: from 0 to 1.
      index: the number of a state of the model in the table.
      name: a state's number -> the state, as messages call it.
    """

    table: SparseTable
    discount: float
    index: Callable[[Any], int]
    name: Callable[[int], str]

    def first_values(self, initial_values: Any, field: str = "initial_values") -> np.ndarray:
        """Where an iteration begins: float64[num_states], 0 in terminal states.

        Args:
          initial_values: float64[num_states]; None: 0.
          field: what messages call them.
        Raises:
          InvalidRequest: they are no numbers, of another shape, or not finite.
        """
        size = self.table.num_states
        if initial_values is None:
            return np.zeros(size)
        try:
            values = np.array(initial_values, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidRequest(
                field, f"is {shown(initial_values)}; must be {size} finite numbers"
            ) from None
        if values.shape != (size,):
            raise InvalidRequest(
                field, f"has the shape {values.shape}; must be {size} finite numbers"
            )
        if not np.isfinite(values).all():
            state = int(np.argmin(np.isfinite(values)))
            raise InvalidRequest(field, f"is {values[state]} in state {state}; must be finite")
        values[~self.acts()] = 0.0
        return values

    def acts(self) -> np.ndarray:
        """Where there is something to do: bool[num_states], False in terminal states."""
        return np.diff(self.table.rows()[0]) > 0


def finite_problem(
    model: Any, discount: float | None = None, *, has_horizon: bool = False
) -> FiniteProblem:
    """The problem of a model, at its own discount or another.

    Args:
      model: a TabularModel, a TabulatedModel, a table that was learned, or what is made around one
        of these; or any DistributionModel with finitely many states, which is tabulated from its
        `initial_state` on. Or a FiniteProblem, so that who solves a model several times compiles it
        once.
      discount: per step, from 0 to 1; None: the model's own, 1 if it has none.
      has_horizon: whether it ends after some steps, whatever the policy.
    Raises:
      InvalidRequest: the model has no `transitions`, or several players, or labels in place of
        numbered actions; or the discount is out of range; or it is 1, there is no horizon, and a
        state from which no policy ends.
    """
    if isinstance(model, FiniteProblem):
        problem = model if discount is None else replace(model, discount=_rate(discount))
    else:
        problem = _compiled(model, require_transitions(model, discount))
    if problem.discount * problem.table.greatest_mass >= 1.0 and not has_horizon:
        require_ends(problem)
    return problem


def _compiled(model: Any, rate: float) -> FiniteProblem:
    known = _table_in(model) or tabulate(model)
    if isinstance(known, LabelledTable):
        states = known.states
        return FiniteProblem(
            table_of(known.table), rate, known.index, lambda number: shown(states[number])
        )
    return FiniteProblem(table_of(known), rate, _number_in(known), str)


def _table_in(model: Any) -> TabularModel | LabelledTable[Any] | None:
    """The compiled table that a model is, or is made around; so its states keep their numbers.

    None where what is around it has outcomes, actions or ends of its own: those count.
    """
    while isinstance(model, PassesOn):
        if any(_has_own(model, name) for name in ("transitions", "legal_actions", "is_terminal")):
            return None
        model = model.model
    return model if isinstance(model, (TabularModel, LabelledTable)) else None


def _has_own(model: PassesOn, name: str) -> bool:
    return name in vars(model) or hasattr(type(model), name)


def table_of(model: TabularModel) -> SparseTable:
    """The solvers' own copy of a table."""
    rows = model.rows()
    return SparseTable.of_arrays(
        rows.num_states,
        rows.num_actions,
        rows.row_start.astype(np.int32),
        rows.probabilities,
        rows.next_states.astype(np.int32),
        rows.rewards,
        rows.terminated.astype(np.uint8),
        model.terminal_states().astype(np.uint8),
    )


def require_transitions(model: Any, discount: float | None) -> float:
    """Checks that a model tells its outcomes, for one player. Returns the discount to expect by.

    Raises:
      InvalidRequest: says what the model lacks, and what would give it; or the discount is out of
        range.
    """
    kind = type(model).__name__
    if is_labelled(model):
        raise InvalidRequest(
            "model", f"{kind} labels its actions; must number them, from 0 to num_actions - 1"
        )
    if not callable(getattr(model, "transitions", None)) and _table_in(model) is None:
        raise InvalidRequest(
            "model",
            f"{kind} has no transitions(state, action): a solver expects over all outcomes, and a "
            "model that can only be sampled does not tell how probable they are; must give "
            "transitions, or be learned as a table from samples, or be planned with by MCTS",
        )
    players = getattr(model, "num_players", 1)
    if players != 1:
        raise InvalidRequest("model", f"has {players} players; must have one")
    own = getattr(model, "discount", 1.0) if discount is None else discount
    return _rate(own)


def _rate(discount: Any) -> float:
    return require_number("discount", discount, 0.0, 1.0)


def _number_in(model: TabularModel) -> Callable[[Any], int]:
    return lambda state: model.unpack_state(model.pack_state(state))


def require_ends(problem: FiniteProblem) -> None:
    """Refuses a state from which no policy ends, undiscounted."""
    policy = np.zeros(problem.table.num_states, np.int32)
    reached = Predecessors(problem.table).ending_policy(policy)
    if not reached.all():
        state = problem.name(int(np.argmin(reached)))
        raise InvalidRequest(
            "discount",
            f"is 1, and no policy ends from state {state}, so that its return has no limit; must "
            "be below 1, or every state have a way to an end",
        )
