# Many searches in one thread, or many simulations of one, whose questions are asked together.

cdef class SearchBatch:
    """Runs searches that were made beside each other: their questions go to the model together.

    Belongs to one thread at a time, and so do its searches.
    """

    cdef batch_t *batch
    cdef tuple searches
    cdef batch_end *ends

    def __cinit__(self, searches):
        """`searches` have a root each; those behind the first were made `beside` it."""
        cdef search_t **members
        self.searches = tuple(searches)
        self.ends = <batch_end *>calloc(len(self.searches), sizeof(batch_end))
        members = <search_t **>calloc(len(self.searches), sizeof(search_t *))
        try:
            if self.ends == NULL or members == NULL:
                raise MemoryError
            for i, search in enumerate(self.searches):
                members[i] = (<Search?>search).search
            self.batch = batch_new(members, len(self.searches))
            if self.batch == NULL:
                raise MemoryError("a batch of searches could not be allocated")
        finally:
            free(members)

    def __dealloc__(self):
        batch_free(self.batch)
        free(self.ends)

    def run(self, uint64_t simulations, time_limit=None, CancelFlag cancel=None):
        """Runs every search until one of the limits is reached; arguments as of `Search.run`.

        Returns:
          For each search the name of the rule that stopped it, or, if the model broke its
          contract there, the exception.
        """
        return self.run_slice(simulations, time_limit, cancel, None, 0)

    cdef list run_slice(self, uint64_t simulations, time_limit, CancelFlag cancel, slice_seconds,
                        uint64_t slice_simulations):
        """`run`, with slices as of `Search.run`: "slice" is then the end of each that goes on."""
        cdef search_limits limits = limits_of(simulations, time_limit, cancel)
        cdef Search first = self.searches[0]
        cdef int64_t slice_nanoseconds = SLICE_NANOSECONDS
        cdef bint comes_back = slice_seconds is not None or slice_simulations > 0
        if slice_seconds is not None:
            slice_nanoseconds = <int64_t>(min(slice_seconds, MAX_SECONDS) * 1e9)
        batch_pause_after(self.batch, slice_simulations)
        memset(self.ends, 0, len(self.searches) * sizeof(batch_end))
        try:
            while True:
                limits.slice_deadline = search_now() + slice_nanoseconds
                if first.held is not None:
                    batch_run(self.batch, &limits, self.ends)
                else:
                    with nogil:
                        batch_run(self.batch, &limits, self.ends)
                if not self.goes_on():
                    return self.outcome()
                PyErr_CheckSignals()
                if comes_back:
                    return self.outcome()
        finally:
            if first.rows is not None:
                first.rows.forget_errors()

    cdef bint goes_on(self) noexcept:
        cdef size_t i
        for i in range(<size_t>len(self.searches)):
            if self.ends[i].status == MCTS_OK and self.ends[i].reason == STOP_SLICE:
                return True
        return False

    cdef list outcome(self):
        cdef list found = []
        for i, search in enumerate(self.searches):
            if self.ends[i].status < 0:
                found.append(stop_by((<Search>search).error_of(self.ends[i].status, None)))
            elif self.ends[i].reason == STOP_SLICE:
                found.append("slice")
            else:
                found.append(STOP_NAMES[<int>self.ends[i].reason])
        return found


def begin_together(list searches, list states, *, uint32_t horizon, list allowed, list seeds,
                   uint64_t max_bytes, list are_beliefs, uint64_t planned=0):
    """`Search.begin` for each of some searches that were made beside each other.

    A Python model is asked about all states at once, as far as it can be.

    Args:
      searches, states, seeds: one each.
      allowed: of each, or None.
      are_beliefs: of each, whether its state is a sequence of them.
      horizon, max_bytes, planned: of all.
    Returns:
      For each what `begin` would raise, or None.
    """
    cdef Search search = searches[0]
    cdef bytes packed = None
    cdef dict refused = {}
    cdef list found = []
    cdef Py_ssize_t i
    if search.rows is not None and not any(are_beliefs):
        packed = search.rows.pack_together(states, refused)
    for i in range(len(searches)):
        search, error = searches[i], refused.get(i)
        try:
            if packed is None:
                search.begin(
                    states[i], horizon=horizon, allowed=allowed[i], seed=seeds[i],
                    max_bytes=max_bytes, is_belief=are_beliefs[i], planned=planned,
                )
            elif error is None:
                search.begin_at(
                    PyBytes_AS_STRING(packed) + i * search.rows.stride, 1, states[i], horizon,
                    allowed[i], seeds[i], max_bytes, planned,
                )
        except (MCTSServiceError, MemoryError) as raised:
            error = raised
        found.append(error)
    return found
