"""Reads an MDP over boolean variables out of RDDL, by pyRDDLGym's own simulator.

One action, or none, is taken a step, as the planning competitions of 2011 and 2014 have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyRDDLGym.core.compiler.model import RDDLLiftedModel
from pyRDDLGym.core.parser.parser import RDDLParser
from pyRDDLGym.core.parser.reader import RDDLReader
from pyRDDLGym.core.simulator import RDDLSimulator
from rddlrepository.core.manager import RDDLRepoManager

__all__ = ["RDDLProblem"]

NOTHING = "noop"


class _ExactSimulator(RDDLSimulator):
    """Gives the probability of each Bernoulli variable in place of a draw."""

    def _sample_bernoulli(self, expr: Any, subs: Any) -> Any:
        [probability] = expr.args
        return self._sample(probability, subs)


@dataclass(frozen=True)
class _Fluent:
    """A grounded variable: an element of one of the simulator's tensors.

    Attributes:
      tensor: its name there.
      index: of the element.
      name: as people write it: "running(c1)".
    """

    tensor: str
    index: tuple[int, ...]
    name: str


class RDDLProblem:
    """An instance of the repository.

    Attributes:
      variables, actions: their names; action 0 does nothing.
      initial: bool[num_variables].
      horizon, discount: of the instance.
    """

    def __init__(self, domain: str, instance: str) -> None:
        """The instance of a domain by the repository's names for both."""
        info = RDDLRepoManager(rebuild=False).get_problem(domain)
        parser = RDDLParser(lexer=None, verbose=False)
        parser.build()
        text = RDDLReader(info.get_domain(), info.get_instance(instance)).rddltxt
        model = RDDLLiftedModel(parser.parse(text))
        self._simulator = _ExactSimulator(model, keep_tensors=True)
        start, _ = self._simulator.reset()
        self._next = dict(model.next_state)
        self._states = _fluents(model, start)
        self._actions = _fluents(model, self._simulator.noop_actions)
        self.variables = [fluent.name for fluent in self._states]
        self.actions = [NOTHING, *(fluent.name for fluent in self._actions)]
        self.initial = np.array([start[f.tensor][f.index] for f in self._states], bool)
        self.horizon, self.discount = int(model.horizon), float(model.discount)

    def evaluate(self, state: np.ndarray, action: int) -> tuple[np.ndarray, float]:
        """What the problem's expressions say of a step.

        Args:
          state: bool[num_variables].
          action: 0 .. len(actions) - 1.
        Returns:
          The probability of each variable to be true next, float64[num_variables]; the reward.
        """
        simulator = self._simulator
        values = {name: np.copy(value) for name, value in simulator.noop_actions.items()}
        if action > 0:
            chosen = self._actions[action - 1]
            values[chosen.tensor][chosen.index] = True
        for name in self._next:
            values[name] = np.copy(simulator.init_values[name])
        for fluent, value in zip(self._states, state, strict=True):
            values[fluent.tensor][fluent.index] = value
        simulator.subs.update(values)
        after = {name: simulator._sample(expression, simulator.subs)
                 for name, expression, _ in simulator.cpfs}  # fmt: skip
        probabilities = [float(after[self._next[f.tensor]][f.index]) for f in self._states]
        return np.array(probabilities), float(simulator.sample_reward())


def _fluents(model: Any, tensors: dict[str, Any]) -> list[_Fluent]:
    """Every element of the tensors, in the order of their names and indices."""
    found = []
    for tensor, values in tensors.items():
        objects = [model.type_to_objects[kind] for kind in model.variable_params[tensor]]
        for index in np.ndindex(np.shape(values)):
            arguments = [names[place] for names, place in zip(objects, index, strict=True)]
            name = f"{tensor}({', '.join(arguments)})" if arguments else tensor
            found.append(_Fluent(tensor, index, name))
    return found
