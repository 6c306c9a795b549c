import numpy as np

class SparseTable:
    """Expected rewards, and where each action goes on to."""

    @staticmethod
    def of_arrays(
        num_states: int,
        num_actions: int,
        row_start: np.ndarray,
        probabilities: np.ndarray,
        next_states: np.ndarray,
        rewards: np.ndarray,
        terminated: np.ndarray,
        terminal: np.ndarray,
    ) -> SparseTable:
        """The table of outcomes one behind the other; the arguments as in `tabular_model`."""

    @property
    def num_states(self) -> int: ...
    @property
    def num_actions(self) -> int: ...
    @property
    def num_rows(self) -> int: ...
    @property
    def num_entries(self) -> int: ...
    @property
    def longest_row(self) -> int: ...
    @property
    def least_mass(self) -> float: ...
    @property
    def greatest_mass(self) -> float: ...
    def rows(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(state_start, row_action, row_start, row_reward, probability, next_state): copies."""

    def for_policy(self) -> SparseTable:
        """An empty table of one action, with room for any policy of this one."""

    def follow(self, table: SparseTable, policy: np.ndarray) -> None:
        """Fills a table of `table.for_policy()` with what a policy does."""

    def mix(self, weights: np.ndarray) -> SparseTable:
        """The table of one action that takes each action with its probability."""

    def policy_rows(self, policy: np.ndarray) -> np.ndarray:
        """1 for the rows that a policy takes, 0 for the others: uint8[num_rows]."""

    def count_steps(self) -> None:
        """Rewards every step with 1, but for one that stays where it is for certain."""

    def back_up(
        self,
        discount: float,
        values: np.ndarray,
        new_values: np.ndarray,
        q: np.ndarray | None = None,
        policy: np.ndarray | None = None,
        threads: int = 1,
        chain: SparseTable | None = None,
    ) -> tuple[float, float, float]:
        """Every state once, from the values as they were. The same for any number of threads."""

    def sweep(
        self,
        discount: float,
        values: np.ndarray,
        backwards: bool = False,
        policy: np.ndarray | None = None,
    ) -> tuple[float, float, float]:
        """Every state once, in place: each sees what those before it have become."""

    def sweep_listed(
        self, discount: float, values: np.ndarray, states: np.ndarray
    ) -> tuple[float, float, float]:
        """The states of a list, one after the other, in place."""

class Predecessors:
    """From where each state is reached; keeps its table alive."""

    def __init__(self, table: SparseTable) -> None: ...
    def ending_policy(self, policy: np.ndarray, allowed: np.ndarray | None = None) -> np.ndarray:
        """Writes actions by which an episode ends from wherever it can; says from where."""

    def endless(self, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where an episode can be kept for ever, and the actions that surely stay there."""

class Prioritized:
    """Backups in the order of how much they may change."""

    def __init__(self, links: Predecessors, discount: float, values: np.ndarray) -> None: ...
    def run(self, threshold: float, most_backups: int) -> int:
        """Backs up until no residual is above the threshold, at most so often; says how often."""
