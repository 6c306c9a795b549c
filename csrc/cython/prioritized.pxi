# Backups in the order of how much they may change.

# Backups between two looks for a signal.
cdef int64_t BACKUPS = 1 << 15


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
