# Many searches in one thread, or many simulations of one, whose questions are asked together.

cdef class SearchBatch:
    """Runs searches of one model: their questions go to it together.

    Belongs to one thread at a time, and so do its searches.
    """

    cdef batch_t *batch
    cdef tuple searches
    cdef batch_end *ends
    cdef dict errors  # of searches that have failed: later runs forget what their model raised

    def __cinit__(self, searches):
        """`searches` have a root each, and any two of them `holds_both`."""
        cdef search_t **members
        self.searches = tuple(searches)
        self.errors = {}
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
        cdef bint comes_back = slice_seconds is not None or slice_simulations > 0
        cdef search_limits limits = limits_of(simulations, time_limit, cancel)
        batch_pause_after(self.batch, slice_simulations)
        self.start_afresh()
        while True:
            found = self.run_within(&limits, slice_seconds, None)
            if comes_back or "slice" not in found:
                return found

    def run_for(self, uint64_t simulations, time_limit=None, CancelFlag cancel=None,
                slice_seconds=None, CancelFlag wake=None):
        """`run` until a slice is over, and goes on with what the last one has left.

        Args:
          slice_seconds: of it; None: 0.1.
          wake: comes back soon after it is set.
        Returns:
          As `run`, with "slice" for each search that goes on.
        """
        cdef search_limits limits = limits_of(simulations, time_limit, cancel)
        return self.run_within(&limits, slice_seconds, wake)

    cdef list run_within(self, search_limits *limits, slice_seconds, CancelFlag wake):
        cdef Search first = self.searches[0]
        limits.slice_deadline = self.slice_of(slice_seconds, wake)
        try:
            if first.held is not None:
                batch_run(self.batch, limits, self.ends)
            else:
                with nogil:
                    batch_run(self.batch, limits, self.ends)
            PyErr_CheckSignals()
            return self.outcome()
        finally:
            if first.rows is not None:
                first.rows.forget_errors()

    cdef start_afresh(self):
        """No search has ended."""
        memset(self.ends, 0, len(self.searches) * sizeof(batch_end))
        self.errors.clear()

    cdef int64_t slice_of(self, seconds, CancelFlag wake):
        batch_wake_by(self.batch, wake.flag if wake is not None else NULL)
        cdef int64_t nanoseconds = SLICE_NANOSECONDS
        if seconds is not None:
            nanoseconds = <int64_t>(min(seconds, MAX_SECONDS) * 1e9)
        return search_now() + nanoseconds

    @property
    def longest_round(self):
        """Seconds from one look around to the next, in the last run."""
        return 1e-9 * batch_longest_round(self.batch)

    @staticmethod
    def holds_both(Search one, Search other):
        """Whether both may be in one batch: they ask the same model the same kinds of questions."""
        return batch_holds_both(one.search, other.search)

    def run_each(self, list simulations, list time_limits, list cancels, double slice_seconds,
                 CancelFlag wake=None):
        """Runs until a search has ended, or another may join: for about so long, or until `wake`.

        Args:
          simulations, time_limits, cancels: one for each search, as of `Search.run`.
          wake: comes back soon after it is set.
        Returns:
          As `run`, with "slice" for each search that goes on.
        """
        cdef size_t i, count = len(self.searches)
        cdef Search first = self.searches[0]
        cdef search_limits *each = <search_limits *>calloc(count, sizeof(search_limits))
        if each == NULL:
            raise MemoryError
        self.start_afresh()
        try:
            for i in range(count):
                each[i] = limits_of(simulations[i], time_limits[i], cancels[i])
            each[0].slice_deadline = self.slice_of(slice_seconds, wake)
            if first.rows is not None:
                first.rows.gives_up_alone = True
            if first.held is not None:
                batch_run_each(self.batch, each, self.ends)
            else:
                with nogil:
                    batch_run_each(self.batch, each, self.ends)
            return self.outcome()
        finally:
            free(each)
            if first.rows is not None:
                first.rows.gives_up_alone = False
                first.rows.forget_errors()

    cdef list outcome(self):
        cdef list found = []
        for i, search in enumerate(self.searches):
            if self.ends[i].status < 0:
                if i not in self.errors:
                    error = (<Search>search).error_of(self.ends[i].status, None)
                    self.errors[i] = stop_by(error)
                found.append(self.errors[i])
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
