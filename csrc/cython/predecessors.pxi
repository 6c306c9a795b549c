# A table read the other way.

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
