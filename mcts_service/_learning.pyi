import numpy as np

class Tiling:
    def __init__(
        self,
        low: np.ndarray,
        high: np.ndarray,
        scale: np.ndarray,
        shifts: np.ndarray,
        strides: np.ndarray,
        first: np.ndarray,
    ) -> None: ...
    def active(self, states: np.ndarray) -> np.ndarray: ...

class OnlineSteps:
    def __init__(
        self, active: np.ndarray, actions: np.ndarray, rewards: np.ndarray, terminated: bool
    ) -> None: ...
    def td(self, parameters: np.ndarray, discount: float, step_size: float) -> None: ...
    def sarsa(self, parameters: np.ndarray, discount: float, step_size: float) -> None: ...
    def expected_sarsa(
        self, parameters: np.ndarray, discount: float, step_size: float, epsilon: float
    ) -> None: ...
    def q_learning(self, parameters: np.ndarray, discount: float, step_size: float) -> None: ...
