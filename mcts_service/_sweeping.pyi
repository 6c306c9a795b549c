"""Types of prioritized sweeping and Dyna; see csrc/cython/_sweeping.pyx."""

import numpy as np

class Sweeper:
    """Prioritized sweeping over what was observed."""

    def __init__(
        self,
        q: np.ndarray,
        *,
        counts: bool,
        discount: float,
        step_size: float,
        threshold: float,
    ) -> None: ...
    @property
    def num_queued(self) -> int: ...
    def observe(
        self,
        state: int,
        action: int,
        reward: float,
        next_state: int,
        terminated: bool,
        times: int = 1,
    ) -> None: ...
    def sweep(self, updates: int) -> int: ...
    def error(self, state: int, action: int) -> float: ...
    def outcomes(self, state: int, action: int) -> list[tuple[float, int, float, bool]]: ...

class Dyna:
    """Dyna-Q, or Dyna-Q+ where there is a bonus."""

    def __init__(
        self,
        q: np.ndarray,
        *,
        counts: bool,
        discount: float,
        step_size: float,
        bonus: float | None,
    ) -> None: ...
    def learn(
        self, state: int, action: int, reward: float, next_state: int, terminated: bool
    ) -> None: ...
    def plan(self, steps: int, seed: int) -> None: ...
    def outcomes(self, state: int, action: int) -> list[tuple[float, int, float, bool]]: ...

def epsilon_greedy(q: np.ndarray, state: int, epsilon: float, explore: float, which: float) -> int:
    """An action of a state with a legal one."""
