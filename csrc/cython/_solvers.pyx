# cython: language_level=3, boundscheck=False, wraparound=False
"""Sweeps over sparse tables: what value and policy iteration are put together from.

All of it lets go of the GIL, and asks every few milliseconds whether a signal has come.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from cpython.exc cimport PyErr_CheckSignals

import numpy as np

cdef extern from "sparse_table.h" nogil:
    ctypedef struct sparse_source:
        int32_t num_states
        int32_t num_actions
        const int32_t *row_start
        const double *probabilities
        const int32_t *next_states
        const double *rewards
        const uint8_t *terminated
        const uint8_t *terminal

    ctypedef struct sparse_table:
        int32_t num_states
        int32_t num_actions
        int32_t num_rows
        int32_t num_entries
        int32_t *state_start
        int32_t *row_action
        int32_t *row_start
        double *row_reward
        uint8_t *row_ends
        double *probability
        int32_t *next_state
        double least_mass
        double greatest_mass
        int32_t longest_row
        int32_t row_capacity
        int32_t entry_capacity

    sparse_table *sparse_table_new(const sparse_source *source)
    sparse_table *sparse_table_for_policy(const sparse_table *table)
    int32_t sparse_table_follow(sparse_table *chain, const sparse_table *table,
                                const int32_t *policy)
    void sparse_table_clear(sparse_table *chain)
    int64_t sparse_table_policy_entries(const sparse_table *table)
    sparse_table *sparse_table_mix(const sparse_table *table, const double *weights)
    void sparse_table_free(sparse_table *table)

cdef extern from "sweep.h" nogil:
    ctypedef struct sweep_change:
        double least
        double greatest
        double largest

    ctypedef struct sweep_job:
        const sparse_table *table
        double discount
        const double *values
        double *new_values
        double *q
        int32_t *policy
        sparse_table *chain

    void sweep_nothing(sweep_change *change)
    void sweep_states(const sweep_job *job, int32_t begin, int32_t end, int backwards,
                      sweep_change *change)
    void sweep_by_threads(const sweep_job *job, int32_t begin, int32_t end, int32_t num_threads,
                          sweep_change *change)
    void sweep_listed(const sweep_job *job, const int32_t *states, int64_t count,
                      sweep_change *change)

cdef extern from "predecessors.h" nogil:
    ctypedef struct predecessors:
        int64_t num_links

    predecessors *predecessors_new(const sparse_table *table)
    void predecessors_free(predecessors *links)
    int32_t ending_policy(const sparse_table *table, const predecessors *links,
                          const uint8_t *allowed, int32_t *policy, uint8_t *reached,
                          int32_t *pending)
    void endless_states(const sparse_table *table, const predecessors *links, uint8_t *inside,
                        uint8_t *stays, int32_t *left, int32_t *pending)

cdef extern from "prioritized.h" nogil:
    ctypedef struct prioritized:
        pass

    prioritized *prioritized_new(const sparse_table *table, const predecessors *links,
                                 double discount, double *values)
    void prioritized_free(prioritized *p)
    int64_t prioritized_run(prioritized *p, double threshold, int64_t most_backups)

# Entries between two looks for a signal: a few milliseconds of work.
cdef int64_t BURST = 1 << 21
# Backups between two.
cdef int64_t BACKUPS = 1 << 15
# Below so many entries a sweep is over before a thread has begun.
cdef int64_t WORTH_THREADS = 1 << 16


cdef class SparseTable:
    """Expected rewards, and where each action goes on to. See `csrc/solvers/sparse_table.c`.

    Attributes:
      num_states, num_actions: of the table.
      num_rows: legal actions of all states that are not terminal.
      num_entries: outcomes that go on, those of an action that lead to one state counted once.
      longest_row: the most such outcomes of an action.
      least_mass, greatest_mass: over the rows, the probability to go on.
    """

    cdef sparse_table *table
    cdef int64_t policy_entries  # -1: not counted yet

    def __cinit__(self):
        self.table = NULL
        self.policy_entries = -1

    def __dealloc__(self):
        sparse_table_free(self.table)

    @staticmethod
    def of_arrays(
        int32_t num_states,
        int32_t num_actions,
        const int32_t[::1] row_start,
        const double[::1] probabilities,
        const int32_t[::1] next_states,
        const double[::1] rewards,
        const uint8_t[::1] terminated,
        const uint8_t[::1] terminal,
    ):
        """The table of outcomes one behind the other; the arguments as in `tabular_model`.

        Raises:
          ValueError: the lengths do not fit together. The values are the caller's to check.
        """
        cdef sparse_source source
        cdef Py_ssize_t count = probabilities.shape[0]
        if (
            num_states < 1
            or num_actions < 1
            or row_start.shape[0] != <Py_ssize_t>num_states * num_actions + 1
            or row_start[row_start.shape[0] - 1] != count
            or count < 1
            or next_states.shape[0] != count
            or rewards.shape[0] != count
            or terminated.shape[0] != count
            or terminal.shape[0] != num_states
        ):
            raise ValueError("the arrays of a table do not fit together")
        source.num_states = num_states
        source.num_actions = num_actions
        source.row_start = &row_start[0]
        source.probabilities = &probabilities[0]
        source.next_states = &next_states[0]
        source.rewards = &rewards[0]
        source.terminated = &terminated[0]
        source.terminal = &terminal[0]
        cdef SparseTable made = SparseTable.__new__(SparseTable)
        with nogil:
            made.table = sparse_table_new(&source)
        return made.whole()

    cdef SparseTable whole(self):
        if self.table == NULL:
            raise MemoryError
        return self

    @property
    def num_states(self):
        return self.table.num_states

    @property
    def num_actions(self):
        return self.table.num_actions

    @property
    def num_rows(self):
        return self.table.num_rows

    @property
    def num_entries(self):
        return self.table.num_entries

    @property
    def longest_row(self):
        return self.table.longest_row

    @property
    def least_mass(self):
        return self.table.least_mass

    @property
    def greatest_mass(self):
        return self.table.greatest_mass

    def rows(self):
        """(state_start, row_action, row_start, row_reward, probability, next_state): copies.

        int32[num_states + 1], int32[num_rows], int32[num_rows + 1], float64[num_rows],
        float64[num_entries], int32[num_entries].
        """
        cdef sparse_table *table = self.table
        return (
            copied_int32(table.state_start, table.num_states + 1),
            copied_int32(table.row_action, table.num_rows),
            copied_int32(table.row_start, table.num_rows + 1),
            copied_double(table.row_reward, table.num_rows),
            copied_double(table.probability, table.num_entries),
            copied_int32(table.next_state, table.num_entries),
        )

    # ---- of a policy ----

    def for_policy(self):
        """An empty table of one action, with room for any policy of this one."""
        cdef SparseTable chain = SparseTable.__new__(SparseTable)
        with nogil:
            chain.table = sparse_table_for_policy(self.table)
        return chain.whole()

    def follow(self, SparseTable table, const int32_t[::1] policy):
        """Fills a table of `table.for_policy()` with what a policy does.

        Args:
          policy: a legal action of each state that has one. int32[num_states].
        Raises:
          ValueError: the action of a state is not legal, the tables are not of one size, or this
            one has no room for every policy of the other.
        """
        cdef int32_t wrong
        if policy.shape[0] != table.table.num_states or self.table.num_actions != 1:
            raise ValueError("the policy and the tables do not fit together")
        self.require_room(table)
        with nogil:
            wrong = sparse_table_follow(self.table, table.table, &policy[0])
        if wrong >= 0:
            raise ValueError(f"action {policy[wrong]} is not legal in state {wrong}")

    cdef int require_room(self, SparseTable table) except -1:
        """Checks that whatever a policy does in the other table can be written into this one."""
        cdef int64_t needed
        if self.table.num_states != table.table.num_states or self is table:
            raise ValueError("the tables do not fit together")
        if table.table.num_actions == 1:  # it may be filled anew, and has one policy alone
            needed = table.table.num_entries
        else:
            if table.policy_entries < 0:
                table.policy_entries = sparse_table_policy_entries(table.table)
            needed = table.policy_entries
        if self.table.row_capacity < table.table.num_states or self.table.entry_capacity < needed:
            raise ValueError("the table has no room for every policy of the other")
        return 0

    def policy_rows(self, const int32_t[::1] policy):
        """1 for the rows that a policy takes, 0 for the others: uint8[num_rows].

        Args:
          policy: int32[num_states]; no row where its action is not legal.
        """
        cdef uint8_t[::1] taken = np.zeros(self.table.num_rows + 1, np.uint8)
        cdef int32_t state, row
        if policy.shape[0] != self.table.num_states:
            raise ValueError("the policy must have one element for each state")
        for state in range(self.table.num_states):
            for row in range(self.table.state_start[state], self.table.state_start[state + 1]):
                taken[row] = self.table.row_action[row] == policy[state]
        return taken.base[:self.table.num_rows]

    def mix(self, const double[:, ::1] weights):
        """The table of one action that takes each action with its probability.

        Args:
          weights: float64[num_states, num_actions], >= 0.
        """
        cdef SparseTable chain = SparseTable.__new__(SparseTable)
        require_shape(weights.shape[0], weights.shape[1], self)
        with nogil:
            chain.table = sparse_table_mix(self.table, &weights[0, 0])
        return chain.whole()

    def count_steps(self):
        """Rewards every step with 1, but for one that stays where it is for certain.

        The values of such a table of one action, undiscounted, are the steps to the end.
        """
        cdef sparse_table *table = self.table
        cdef int32_t state, row, first
        for state in range(table.num_states):
            for row in range(table.state_start[state], table.state_start[state + 1]):
                first = table.row_start[row]
                table.row_reward[row] = not (
                    not table.row_ends[row]
                    and table.row_start[row + 1] == first + 1
                    and table.next_state[first] == state
                )

    # ---- sweeps ----

    def back_up(
        self,
        double discount,
        const double[::1] values,
        double[::1] new_values,
        double[:, ::1] q=None,
        int32_t[::1] policy=None,
        int32_t threads=1,
        SparseTable chain=None,
    ):
        """Every state once, from the values as they were. The same for any number of threads.

        Args:
          discount: per step.
          values: float64[num_states], 0 where there is nothing to do.
          new_values: float64[num_states], another array; states without rows are left as they are.
          q: float64[num_states, num_actions]; the legal actions' are written.
          policy: int32[num_states]; the first of the best actions is written.
          threads: to work with.
          chain: a table of `for_policy()`, filled with what the best actions do; needs `policy`.
        Returns:
          (least, greatest, largest): of new value less old one, and the greatest magnitude of a new
          value; (inf, -inf, 0) of a table without rows.
        """
        if &new_values[0] == &values[0]:
            raise ValueError("new_values must be another array")
        if chain is None:
            return self.swept(discount, values, new_values, q, policy, threads, False, NULL)
        if policy is None or chain is self or chain.table.num_actions != 1:
            raise ValueError("chain needs a policy, and must be a table of for_policy()")
        chain.require_room(self)
        if threads > 1:
            change = self.swept(discount, values, new_values, q, policy, threads, False, NULL)
            chain.follow(self, policy)
            return change
        sparse_table_clear(chain.table)
        return self.swept(discount, values, new_values, q, policy, 1, False, chain.table)

    def sweep(
        self,
        double discount,
        double[::1] values,
        bint backwards=False,
        int32_t[::1] policy=None,
    ):
        """Every state once, in place: each sees what those before it have become.

        Args: as of `back_up`.
          backwards: from the last state to the first.
        """
        return self.swept(discount, values, values, None, policy, 1, backwards, NULL)

    cdef swept(self, double discount, const double[::1] values, double[::1] new_values,
               double[:, ::1] q, int32_t[::1] policy, int32_t threads, bint backwards,
               sparse_table *chain):
        cdef int32_t size = self.table.num_states, begin = 0, end, width
        cdef sweep_change change
        cdef sweep_job job
        if values.shape[0] != size or new_values.shape[0] != size:
            raise ValueError("the values must have one element for each state")
        if policy is not None and policy.shape[0] != size:
            raise ValueError("the policy must have one element for each state")
        if q is not None:
            require_shape(q.shape[0], q.shape[1], self)
        job.table = self.table
        job.discount = discount
        job.values = &values[0]
        job.new_values = &new_values[0]
        job.q = NULL if q is None else &q[0, 0]
        job.policy = NULL if policy is None else &policy[0]
        job.chain = chain
        if self.table.num_entries < WORTH_THREADS:
            threads = 1
        width = states_in_a_burst(self.table, threads)
        sweep_nothing(&change)
        while begin < size:
            end = begin + min(width, size - begin)
            with nogil:
                if threads > 1:
                    sweep_by_threads(&job, begin, end, threads, &change)
                elif backwards:
                    sweep_states(&job, size - end, size - begin, True, &change)
                else:
                    sweep_states(&job, begin, end, False, &change)
            begin = end
            PyErr_CheckSignals()
        return change.least, change.greatest, change.largest

    def sweep_listed(self, double discount, double[::1] values, const int32_t[::1] states):
        """The states of a list, each 0 .. num_states - 1, one after the other, in place.

        Returns: as `back_up`, over the states of the list that have rows.
        """
        cdef int64_t begin = 0, count, width = states_in_a_burst(self.table, 1)
        cdef sweep_change change
        cdef sweep_job job
        if values.shape[0] != self.table.num_states:
            raise ValueError("the values must have one element for each state")
        job.table = self.table
        job.discount = discount
        job.values = job.new_values = &values[0]
        job.q = NULL
        job.policy = NULL
        job.chain = NULL
        sweep_nothing(&change)
        while begin < states.shape[0]:
            count = min(width, states.shape[0] - begin)
            with nogil:
                sweep_listed(&job, &states[begin], count, &change)
            begin += count
            PyErr_CheckSignals()
        return change.least, change.greatest, change.largest


cdef class Predecessors:
    """From where each state is reached; keeps its table alive."""

    cdef predecessors *links
    cdef SparseTable table

    def __cinit__(self, SparseTable table):
        self.table = table
        with nogil:
            self.links = predecessors_new(table.table)
        if self.links == NULL:
            raise MemoryError

    def __dealloc__(self):
        predecessors_free(self.links)

    def ending_policy(self, int32_t[::1] policy, const uint8_t[::1] allowed=None):
        """Writes actions by which an episode ends from wherever it can.

        Args:
          policy: int32[num_states]; left as it is where no end can be reached.
          allowed: 0 or 1 for each row; None: all. uint8[num_rows].
        Returns:
          1 where an end can be reached, or the state is one. uint8[num_states].
        """
        cdef int32_t size = self.table.table.num_states
        cdef uint8_t[::1] reached = np.zeros(size, np.uint8)
        cdef int32_t[::1] pending = np.empty(size, np.int32)
        cdef const uint8_t *rows = NULL
        if policy.shape[0] != size:
            raise ValueError("the policy must have one element for each state")
        if allowed is not None and allowed.shape[0] > 0:
            if allowed.shape[0] != self.table.table.num_rows:
                raise ValueError("allowed must have one element for each row")
            rows = &allowed[0]
        with nogil:
            ending_policy(self.table.table, self.links, rows, &policy[0], &reached[0], &pending[0])
        return reached.base

    def endless(self, const uint8_t[::1] among):
        """Where an episode can be kept for ever.

        Args:
          among: 1 for the states that it is to be kept in. uint8[num_states].
        Returns:
          (inside, stays): 1 for the states of the largest set in which it can be kept, and for
          their actions that surely stay in the set. uint8[num_states], uint8[num_rows].
        """
        cdef int32_t size = self.table.table.num_states
        cdef uint8_t[::1] inside = np.array(among)
        cdef uint8_t[::1] stays = np.zeros(self.table.table.num_rows + 1, np.uint8)
        cdef int32_t[::1] left = np.zeros(size, np.int32)
        cdef int32_t[::1] pending = np.empty(size, np.int32)
        if inside.shape[0] != size:
            raise ValueError("among must have one element for each state")
        with nogil:
            endless_states(
                self.table.table, self.links, &inside[0], &stays[0], &left[0], &pending[0]
            )
        return inside.base, stays.base[:self.table.table.num_rows]


cdef class Prioritized:
    """Backups in the order of how much they may change: see `csrc/solvers/prioritized.h`."""

    cdef prioritized *state
    cdef Predecessors links
    cdef double[::1] values

    def __cinit__(self, Predecessors links, double discount, double[::1] values):
        """Begins with the residuals of the values, which it changes from then on."""
        if values.shape[0] != links.table.table.num_states:
            raise ValueError("the values must have one element for each state")
        self.links = links
        self.values = values
        with nogil:
            self.state = prioritized_new(links.table.table, links.links, discount, &values[0])
        if self.state == NULL:
            raise MemoryError

    def __dealloc__(self):
        prioritized_free(self.state)

    def run(self, double threshold, int64_t most_backups):
        """Backs up until no residual is above the threshold, at most so often; says how often."""
        cdef int64_t done = 0, count, burst
        while done < most_backups:
            burst = min(BACKUPS, most_backups - done)
            with nogil:
                count = prioritized_run(self.state, threshold, burst)
            done += count
            PyErr_CheckSignals()
            if count < burst:
                break
        return done


cdef int32_t states_in_a_burst(const sparse_table *table, int32_t threads) noexcept:
    cdef int64_t each = (table.num_entries + 4 * <int64_t>table.num_rows) // table.num_states + 1
    cdef int64_t count = BURST * threads // each
    return <int32_t>max(1, min(count, table.num_states))


cdef int require_shape(Py_ssize_t rows, Py_ssize_t columns, SparseTable table) except -1:
    if rows != table.table.num_states or columns != table.table.num_actions:
        raise ValueError("the array must have a row for each state, a column for each action")
    return 0


cdef object copied_int32(const int32_t *source, Py_ssize_t count):
    return np.array(<const int32_t[:count]>source) if count else np.empty(0, np.int32)


cdef object copied_double(const double *source, Py_ssize_t count):
    return np.array(<const double[:count]>source) if count else np.empty(0)
