from collections.abc import Callable
from typing import Any

import numpy as np

def tic_tac_toe_model(decisive: bool = False) -> Any:
    """The model's capsule; with decisive rollouts or uniform ones."""

def connect_four_model(decisive: bool = False) -> Any:
    """The model's capsule; with decisive rollouts or uniform ones."""

def cart_pole_model() -> Any:
    """The model's capsule. A state is x, x_dot, theta, theta_dot: the bytes of float64[4]."""

def mountain_car_model() -> Any:
    """The model's capsule. A state is position, velocity: the bytes of float64[2]."""

def acrobot_model() -> Any:
    """The model's capsule. A state is theta1, theta2, theta1_dot, theta2_dot: float64[4]."""

def game_2048_model() -> Any:
    """The model's capsule. A state is 16 hexadecimal digits, the exponents of its tiles: uint64."""

def tic_tac_toe_pack(cells: np.ndarray) -> bytes:
    """int8[3, 3] -> the bytes of a state."""

def tic_tac_toe_unpack(state: bytes) -> np.ndarray:
    """The bytes of a state -> int8[3, 3]."""

def connect_four_pack(cells: np.ndarray) -> bytes:
    """int8[6, 7] -> the bytes of a state."""

def connect_four_unpack(state: bytes) -> np.ndarray:
    """The bytes of a state -> int8[6, 7]."""

def tic_tac_toe_unpack_rows(rows: np.ndarray) -> np.ndarray:
    """The bytes of N states, uint8[N, state_bytes] -> int8[N, 3, 3]."""

def connect_four_unpack_rows(rows: np.ndarray) -> np.ndarray:
    """The bytes of N states, uint8[N, state_bytes] -> int8[N, 6, 7]."""

def tabular_model(
    num_states: int,
    num_actions: int,
    discount: float,
    row_start: np.ndarray,
    probabilities: np.ndarray,
    next_states: np.ndarray,
    rewards: np.ndarray,
    terminated: np.ndarray,
    terminal: np.ndarray,
) -> Any:
    """A table's capsule, which owns the table."""

def tabular_arrays(
    capsule: Any,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a table was built from: the arrays of `tabular_model`, from row_start to terminal."""

def factored_model(
    num_variables: int,
    num_actions: int,
    discount: float,
    max_outcomes: int,
    deterministic: bool,
    probabilities: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    rewards: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> Any:
    """A factored model's capsule, which owns the model."""

def evaluated_by_table(inner: Any, values: np.ndarray | None, priors: np.ndarray | None) -> Any:
    """The capsule of a model with states 0 .. n - 1, evaluated by a table."""

def evaluated_by_function(
    inner: Any,
    function: Callable[[np.ndarray], tuple[np.ndarray | None, np.ndarray | None]],
    gives_values: bool,
    gives_priors: bool,
) -> Any:
    """The capsule of a model that a Python function evaluates, with the GIL."""
