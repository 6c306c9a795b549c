# A table as the kernels keep it, and sweeps over it.

# Entries between two looks for a signal: a few milliseconds of work.
cdef int64_t BURST = 1 << 21
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
