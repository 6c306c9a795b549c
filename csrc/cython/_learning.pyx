# cython: language_level=3, boundscheck=False, wraparound=False
"""Learning along whole trajectories, and the features of many states at once."""

from libc.stdint cimport int32_t, int64_t

import numpy as np

cdef extern from "tiles.h" nogil:
    ctypedef struct mcts_tiling:
        int64_t dimensions
        int64_t tilings
        const double *low
        const double *high
        const double *scale
        const double *shifts
        const int64_t *strides
        const int64_t *first

    int64_t mcts_active_tiles(
        const mcts_tiling *tiling, int64_t count, const double *states, int64_t *active) noexcept

cdef extern from "online.h" nogil:
    ctypedef struct mcts_steps:
        int64_t count
        int64_t num_active
        const int64_t *active
        const int64_t *actions
        const double *rewards
        int32_t terminated

    ctypedef struct mcts_rule:
        double step_size
        double discount
        int64_t num_actions
        double *values

    void mcts_online_td(
        const mcts_rule *rule, const mcts_steps *steps, double *parameters) noexcept
    void mcts_online_sarsa(
        const mcts_rule *rule, const mcts_steps *steps, double *parameters) noexcept
    void mcts_online_expected_sarsa(
        const mcts_rule *rule, const mcts_steps *steps, double epsilon, double *parameters) noexcept
    void mcts_online_q_learning(
        const mcts_rule *rule, const mcts_steps *steps, double *parameters) noexcept


cdef class Tiling:
    """Grids over a box, as tiles.h has them. The arrays must not change."""

    cdef const double[::1] low, high, scale
    cdef const double[:, ::1] shifts
    cdef const int64_t[::1] strides, first
    cdef mcts_tiling tiling

    def __init__(
        self,
        const double[::1] low,
        const double[::1] high,
        const double[::1] scale,
        const double[:, ::1] shifts,
        const int64_t[::1] strides,
        const int64_t[::1] first,
    ):
        cdef int64_t dimensions = low.shape[0], tilings = first.shape[0]
        require(
            dimensions > 0 and tilings > 0
            and high.shape[0] == scale.shape[0] == strides.shape[0] == dimensions
            and shifts.shape[0] == tilings and shifts.shape[1] == dimensions
        )
        self.low, self.high, self.scale = low, high, scale
        self.shifts, self.strides, self.first = shifts, strides, first
        self.tiling = mcts_tiling(
            dimensions, tilings, &low[0], &high[0], &scale[0], &shifts[0, 0], &strides[0], &first[0]
        )

    def active(self, const double[:, ::1] states):
        """The active tiles of states [N, D]: int64[N, tilings].

        Raises:
          ValueError: a state is not finite; its one argument is the number of that state.
        """
        require(states.shape[1] == self.tiling.dimensions)
        cdef int64_t count = states.shape[0], done = 0
        found = np.empty((count, self.tiling.tilings), dtype=np.int64)
        cdef int64_t[:, ::1] active = found
        if count > 0:
            with nogil:
                done = mcts_active_tiles(&self.tiling, count, &states[0, 0], &active[0, 0])
        if done < count:
            raise ValueError(done)
        return found

    def __reduce__(self):
        return Tiling, (
            np.asarray(self.low),
            np.asarray(self.high),
            np.asarray(self.scale),
            np.asarray(self.shifts),
            np.asarray(self.strides),
            np.asarray(self.first),
        )


cdef class OnlineSteps:
    """A trajectory as linear values see it. What is handed over must not change.

    Every number of `active` and of `actions` must be within the parameters that are learned by
    it: nothing here looks.
    """

    cdef const int64_t[:, ::1] active
    cdef const int64_t[::1] actions
    cdef const double[::1] rewards
    cdef mcts_steps steps

    def __init__(
        self,
        const int64_t[:, ::1] active,
        const int64_t[::1] actions,
        const double[::1] rewards,
        bint terminated,
    ):
        cdef int64_t count = rewards.shape[0]
        require(
            count > 0 and active.shape[0] == count + 1 and active.shape[1] > 0
            and actions.shape[0] == count
        )
        self.active, self.actions, self.rewards = active, actions, rewards
        self.steps = mcts_steps(
            count, active.shape[1], &active[0, 0], &actions[0], &rewards[0], terminated
        )

    def td(self, double[::1] parameters, double discount, double step_size):
        """TD(0) of state values, parameters [num_features], in place."""
        cdef mcts_rule rule = mcts_rule(step_size, discount, 1, NULL)
        require(parameters.shape[0] > 0)
        with nogil:
            mcts_online_td(&rule, &self.steps, &parameters[0])

    def sarsa(self, double[:, ::1] parameters, double discount, double step_size):
        """Sarsa of action values, parameters [num_features, num_actions], in place."""
        cdef mcts_rule rule = mcts_rule(step_size, discount, parameters.shape[1], NULL)
        require(parameters.shape[0] > 0 and parameters.shape[1] > 0)
        with nogil:
            mcts_online_sarsa(&rule, &self.steps, &parameters[0, 0])

    def expected_sarsa(
        self, double[:, ::1] parameters, double discount, double step_size, double epsilon
    ):
        """Expected Sarsa by the epsilon-greedy policy, likewise."""
        require(parameters.shape[0] > 0 and parameters.shape[1] > 0)
        cdef double[::1] values = np.empty(parameters.shape[1])
        cdef mcts_rule rule = mcts_rule(step_size, discount, parameters.shape[1], &values[0])
        with nogil:
            mcts_online_expected_sarsa(&rule, &self.steps, epsilon, &parameters[0, 0])

    def q_learning(self, double[:, ::1] parameters, double discount, double step_size):
        """Q-learning, likewise."""
        require(parameters.shape[0] > 0 and parameters.shape[1] > 0)
        cdef double[::1] values = np.empty(parameters.shape[1])
        cdef mcts_rule rule = mcts_rule(step_size, discount, parameters.shape[1], &values[0])
        with nogil:
            mcts_online_q_learning(&rule, &self.steps, &parameters[0, 0])


cdef int require(bint holds) except -1:
    if not holds:
        raise ValueError("the arrays are not of the shapes that belong together")
    return 0
