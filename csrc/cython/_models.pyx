# cython: language_level=3, boundscheck=False, wraparound=False
"""The built-in native models as capsules, and the codecs of their boards."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport (
    PyCapsule_Destructor,
    PyCapsule_GetContext,
    PyCapsule_GetDestructor,
    PyCapsule_New,
    PyCapsule_SetContext,
)
from libc.string cimport memcpy

import numpy as np

cdef extern from "mcts_model.h":
    const char *MCTS_MODEL_CAPSULE_NAME

    ctypedef struct mcts_model:
        uint32_t state_bytes
        uint32_t max_actions
        uint32_t num_players

cdef extern from "tic_tac_toe.h":
    ctypedef struct mcts_tic_tac_toe:
        pass

    const mcts_model mcts_tic_tac_toe_model
    const mcts_model mcts_tic_tac_toe_decisive_model
    void mcts_tic_tac_toe_from_cells(const int8_t *cells, mcts_tic_tac_toe *state)
    void mcts_tic_tac_toe_to_cells(const mcts_tic_tac_toe *state, int8_t *cells)

cdef extern from "connect_four.h":
    ctypedef struct mcts_connect_four:
        pass

    const mcts_model mcts_connect_four_model
    const mcts_model mcts_connect_four_decisive_model
    void mcts_connect_four_from_cells(const int8_t *cells, mcts_connect_four *state)
    void mcts_connect_four_to_cells(const mcts_connect_four *state, int8_t *cells)

cdef extern from "cart_pole.h":
    const mcts_model mcts_cart_pole_model

cdef extern from "mountain_car.h":
    const mcts_model mcts_mountain_car_model

cdef extern from "acrobot.h":
    const mcts_model mcts_acrobot_model

cdef extern from "game_2048.h":
    const mcts_model mcts_game_2048_model
    void mcts_game_2048_prepare()

cdef extern from "tabular.h" nogil:
    ctypedef struct mcts_tabular:
        pass

    ctypedef struct mcts_tabular_source:
        int32_t num_states
        int32_t num_actions
        double discount
        const int32_t *row_start
        const double *probabilities
        const int32_t *next_states
        const double *rewards
        const uint8_t *terminated
        const uint8_t *terminal

    mcts_tabular *mcts_tabular_new(const mcts_tabular_source *source)
    void mcts_tabular_free(mcts_tabular *table)
    const mcts_model *mcts_tabular_model(const mcts_tabular *table)
    mcts_tabular_source mcts_tabular_sizes(const mcts_tabular *table, int32_t *num_outcomes)
    void mcts_tabular_read(const mcts_tabular *table, int32_t *row_start, double *probabilities,
                           int32_t *next_states, double *rewards, uint8_t *terminated,
                           uint8_t *terminal)

cdef extern from "factored.h" nogil:
    ctypedef struct mcts_factored:
        pass

    ctypedef struct mcts_factors:
        int32_t count
        const int32_t *scope_start
        const int32_t *scope
        const int64_t *table_start
        const double *tables

    ctypedef struct mcts_factored_source:
        int32_t num_variables
        int32_t num_actions
        double discount
        int32_t max_outcomes
        int32_t deterministic
        mcts_factors probabilities
        mcts_factors rewards

    mcts_factored *mcts_factored_new(const mcts_factored_source *source)
    void mcts_factored_free(mcts_factored *factored)
    const mcts_model *mcts_factored_model(const mcts_factored *factored)


cdef object capsule_of(const mcts_model *model):
    return PyCapsule_New(<void *>model, MCTS_MODEL_CAPSULE_NAME, NULL)


def tic_tac_toe_model(bint decisive=False):
    """The model's capsule; with decisive rollouts or uniform ones."""
    return capsule_of(&mcts_tic_tac_toe_decisive_model if decisive else &mcts_tic_tac_toe_model)


def connect_four_model(bint decisive=False):
    """The model's capsule; with decisive rollouts or uniform ones."""
    return capsule_of(&mcts_connect_four_decisive_model if decisive else &mcts_connect_four_model)


def cart_pole_model():
    """The model's capsule. A state is x, x_dot, theta, theta_dot: the bytes of float64[4]."""
    return capsule_of(&mcts_cart_pole_model)


def mountain_car_model():
    """The model's capsule. A state is position, velocity: the bytes of float64[2]."""
    return capsule_of(&mcts_mountain_car_model)


def acrobot_model():
    """The model's capsule. A state is theta1, theta2, theta1_dot, theta2_dot: float64[4]."""
    return capsule_of(&mcts_acrobot_model)


def game_2048_model():
    """The model's capsule. A state is 16 hexadecimal digits, the exponents of its tiles: uint64."""
    mcts_game_2048_prepare()
    return capsule_of(&mcts_game_2048_model)


# ---- boards: int8 cells, row 0 on top, 0 empty, 1 first player, -1 second ----


def tic_tac_toe_pack(const int8_t[:, ::1] cells):
    """int8[3, 3] -> the bytes of a state."""
    cdef bytes state = PyBytes_FromStringAndSize(NULL, sizeof(mcts_tic_tac_toe))
    require_shape(cells.shape[0], cells.shape[1], 3, 3)
    mcts_tic_tac_toe_from_cells(&cells[0, 0], <mcts_tic_tac_toe *>PyBytes_AS_STRING(state))
    return state


def tic_tac_toe_unpack_rows(rows):
    """The bytes of N states, uint8[N, state_bytes] -> int8[N, 3, 3]."""
    return unpack_rows(rows, sizeof(mcts_tic_tac_toe), np.empty((len(rows), 3, 3), np.int8),
                       tic_tac_toe_cells)


cdef void tic_tac_toe_cells(const void *state, int8_t *cells) noexcept:
    mcts_tic_tac_toe_to_cells(<const mcts_tic_tac_toe *>state, cells)


def tic_tac_toe_unpack(bytes state):
    """The bytes of a state -> int8[3, 3]."""
    cdef int8_t[:, ::1] cells = np.empty((3, 3), dtype=np.int8)
    require_size(state, sizeof(mcts_tic_tac_toe))
    mcts_tic_tac_toe_to_cells(<const mcts_tic_tac_toe *>PyBytes_AS_STRING(state), &cells[0, 0])
    return cells.base


def connect_four_pack(const int8_t[:, ::1] cells):
    """int8[6, 7] -> the bytes of a state."""
    cdef bytes state = PyBytes_FromStringAndSize(NULL, sizeof(mcts_connect_four))
    require_shape(cells.shape[0], cells.shape[1], 6, 7)
    mcts_connect_four_from_cells(&cells[0, 0], <mcts_connect_four *>PyBytes_AS_STRING(state))
    return state


def connect_four_unpack_rows(rows):
    """The bytes of N states, uint8[N, state_bytes] -> int8[N, 6, 7]."""
    return unpack_rows(rows, sizeof(mcts_connect_four), np.empty((len(rows), 6, 7), np.int8),
                       connect_four_cells)


cdef void connect_four_cells(const void *state, int8_t *cells) noexcept:
    mcts_connect_four_to_cells(<const mcts_connect_four *>state, cells)


def connect_four_unpack(bytes state):
    """The bytes of a state -> int8[6, 7]."""
    cdef int8_t[:, ::1] cells = np.empty((6, 7), dtype=np.int8)
    require_size(state, sizeof(mcts_connect_four))
    mcts_connect_four_to_cells(<const mcts_connect_four *>PyBytes_AS_STRING(state), &cells[0, 0])
    return cells.base


cdef object unpack_rows(const uint8_t[:, ::1] rows, Py_ssize_t size, boards,
                        void (*to_cells)(const void *, int8_t *) noexcept):
    """Writes the cells of each state into its board."""
    cdef int8_t[:, :, ::1] cells = boards
    cdef uint64_t[8] state  # aligned
    cdef Py_ssize_t row
    if rows.shape[1] != size or size > <Py_ssize_t>sizeof(state):
        raise ValueError(f"a state has {rows.shape[1]} bytes; must have {size}")
    for row in range(rows.shape[0]):
        memcpy(state, &rows[row, 0], size)
        to_cells(state, &cells[row, 0, 0])
    return boards


cdef int require_shape(Py_ssize_t rows, Py_ssize_t columns, int want_rows,
                       int want_columns) except -1:
    if rows != want_rows or columns != want_columns:
        raise ValueError(
            f"cells have the shape ({rows}, {columns}); must be ({want_rows}, {want_columns})"
        )
    return 0


cdef int require_size(bytes state, Py_ssize_t size) except -1:
    if PyBytes_GET_SIZE(state) != size:
        raise ValueError(f"state has {len(state)} bytes; must have {size}")
    return 0


# ---- tables ----


def tabular_model(
    int32_t num_states,
    int32_t num_actions,
    double discount,
    const int32_t[::1] row_start,
    const double[::1] probabilities,
    const int32_t[::1] next_states,
    const double[::1] rewards,
    const uint8_t[::1] terminated,
    const uint8_t[::1] terminal,
):
    """A table's capsule, which owns the table.

    Args:
      num_states, num_actions, discount: of the model.
      row_start: where the outcomes of row state * num_actions + action begin in the next four,
        and behind the last row where they end. int32[num_states * num_actions + 1], ascending
        from 0.
      probabilities: positive, a row's adding up to 1. float64[K].
      next_states: 0 .. num_states - 1. int32[K].
      rewards: finite. float64[K].
      terminated: 0 or 1. uint8[K].
      terminal: 0 or 1; 1 for states without outcomes. uint8[num_states].
    Raises:
      ValueError: the lengths do not fit together. The values are the caller's to check.
    """
    cdef Py_ssize_t num_outcomes = probabilities.shape[0]
    cdef mcts_tabular_source source
    cdef mcts_tabular *table
    if (
        num_states < 1
        or num_actions < 1
        or row_start.shape[0] != <Py_ssize_t>num_states * num_actions + 1
        or row_start[row_start.shape[0] - 1] != num_outcomes
        or num_outcomes < 1
        or next_states.shape[0] != num_outcomes
        or rewards.shape[0] != num_outcomes
        or terminated.shape[0] != num_outcomes
        or terminal.shape[0] != num_states
    ):
        raise ValueError("the arrays of a table do not fit together")
    source.num_states = num_states
    source.num_actions = num_actions
    source.discount = discount
    source.row_start = &row_start[0]
    source.probabilities = &probabilities[0]
    source.next_states = &next_states[0]
    source.rewards = &rewards[0]
    source.terminated = &terminated[0]
    source.terminal = &terminal[0]
    with nogil:
        table = mcts_tabular_new(&source)
    if table == NULL:
        raise MemoryError
    try:
        capsule = PyCapsule_New(
            <void *>mcts_tabular_model(table), MCTS_MODEL_CAPSULE_NAME, free_table_of
        )
    except BaseException:
        mcts_tabular_free(table)
        raise
    PyCapsule_SetContext(capsule, table)
    return capsule


cdef void free_table_of(object capsule) noexcept:
    mcts_tabular_free(<mcts_tabular *>PyCapsule_GetContext(capsule))


def tabular_arrays(object capsule):
    """What a table was built from: the arrays of `tabular_model`, from row_start to terminal.

    Raises:
      ValueError: the capsule is not one of `tabular_model`.
    """
    cdef mcts_tabular *table
    cdef mcts_tabular_source sizes
    cdef int32_t count = 0
    if PyCapsule_GetDestructor(capsule) != <PyCapsule_Destructor>free_table_of:
        raise ValueError("the capsule is not that of a table")
    table = <mcts_tabular *>PyCapsule_GetContext(capsule)
    with nogil:
        sizes = mcts_tabular_sizes(table, &count)
    cdef Py_ssize_t num_rows = <Py_ssize_t>sizes.num_states * sizes.num_actions
    cdef int32_t[::1] row_start = np.empty(num_rows + 1, np.int32)
    cdef double[::1] probabilities = np.empty(count)
    cdef int32_t[::1] next_states = np.empty(count, np.int32)
    cdef double[::1] rewards = np.empty(count)
    cdef uint8_t[::1] terminated = np.empty(count, np.uint8)
    cdef uint8_t[::1] terminal = np.empty(sizes.num_states, np.uint8)
    with nogil:
        mcts_tabular_read(table, &row_start[0], &probabilities[0], &next_states[0], &rewards[0],
                          &terminated[0], &terminal[0])
    return (row_start.base, probabilities.base, next_states.base, rewards.base, terminated.base,
            terminal.base)


# ---- factored models ----


def factored_model(
    int32_t num_variables,
    int32_t num_actions,
    double discount,
    int32_t max_outcomes,
    bint deterministic,
    tuple probabilities,
    tuple rewards,
):
    """A factored model's capsule, which owns the model.

    Args:
      num_variables: 1 .. 64.
      num_actions, discount: of the model.
      max_outcomes: most outcomes of an action; 0 for a model that is known by samples only.
      deterministic: whether every probability is 0 or 1.
      probabilities, rewards: functions of state and action, each as the four arrays (scope_start,
        scope, table_start, tables) of `mcts_factors` in factored.h: int32[F + 1], int32[K],
        int64[F + 1], float64[T]. There is one probability for each variable.
    Raises:
      ValueError: the lengths do not fit together. The values are the caller's to check.
    """
    cdef mcts_factored_source source
    cdef mcts_factored *factored
    if num_variables < 1 or num_actions < 1 or max_outcomes < 0:
        raise ValueError("a factored model has at least one variable and one action")
    source.num_variables = num_variables
    source.num_actions = num_actions
    source.discount = discount
    source.max_outcomes = max_outcomes
    source.deterministic = deterministic
    fill_factors(&source.probabilities, probabilities)
    fill_factors(&source.rewards, rewards)
    if source.probabilities.count != num_variables:
        raise ValueError("there must be one probability for each variable")
    with nogil:
        factored = mcts_factored_new(&source)
    if factored == NULL:
        raise MemoryError
    try:
        capsule = PyCapsule_New(
            <void *>mcts_factored_model(factored), MCTS_MODEL_CAPSULE_NAME, free_factored_of
        )
    except BaseException:
        mcts_factored_free(factored)
        raise
    PyCapsule_SetContext(capsule, factored)
    return capsule


cdef int fill_factors(mcts_factors *factors, tuple arrays) except -1:
    """Points at the arrays, which the caller keeps."""
    cdef const int32_t[::1] scope_start = arrays[0]
    cdef const int32_t[::1] scope = arrays[1]
    cdef const int64_t[::1] table_start = arrays[2]
    cdef const double[::1] tables = arrays[3]
    cdef Py_ssize_t ends = scope_start.shape[0]
    if (
        ends < 1
        or table_start.shape[0] != ends
        or scope_start[ends - 1] != scope.shape[0]
        or table_start[ends - 1] != tables.shape[0]
    ):
        raise ValueError("the arrays of a factored model do not fit together")
    factors.count = <int32_t>(ends - 1)
    factors.scope_start = &scope_start[0]
    factors.scope = &scope[0] if scope.shape[0] else NULL
    factors.table_start = &table_start[0]
    factors.tables = &tables[0] if tables.shape[0] else NULL
    return 0


cdef void free_factored_of(object capsule) noexcept:
    mcts_factored_free(<mcts_factored *>PyCapsule_GetContext(capsule))


# ---- other evaluations ----

include "evaluated.pxi"
