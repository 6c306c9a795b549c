cdef class CancelFlag:
    """Stops the searches that were given it, from any thread."""

    cdef atomic_int flag

    def __cinit__(self):
        atomic_store(&self.flag, 0)

    def cancel(self):
        """Sets the flag: a search stops before its next simulation."""
        atomic_store(&self.flag, 1)

    @property
    def cancelled(self):
        return atomic_load(&self.flag) != 0


cdef dict STOP_NAMES = {
    <int>STOP_SIMULATIONS: "simulations",
    <int>STOP_TIME_LIMIT: "time_limit",
    <int>STOP_MAX_BYTES: "max_bytes",
    <int>STOP_CANCELLED: "cancelled",
}

# Between two looks at pending signals, so that Ctrl-C ends a long plan.
cdef int64_t SLICE_NANOSECONDS = 100_000_000

# A century: longer limits are no limit, and their nanoseconds would overflow.
cdef double MAX_SECONDS = 3.2e9


# What the functions of the native ABI are called in a Python model.
cdef dict PYTHON_NAMES = {
    "validate": "validate_state",
    "terminal": "is_terminal",
    "player": "current_player",
    "actions": "legal_actions",
    "key": "state_key",
    "evaluate": "value",
}


cdef str in_one_line(error):
    return " ".join(str(error).split()) or type(error).__name__


def visits_of(outcome_and_visits):
    return outcome_and_visits[1]


# The core releases its states when it is freed, so the model must still be whole then.
@cython.no_gc_clear
cdef class Search:
    """One search tree and the memory for it, used again from plan to plan.

    Belongs to one thread at a time.
    """

    cdef search_t *search
    cdef const mcts_model *model
    cdef PythonModel python
    cdef object owner

    def __cinit__(self, model, *, double exploration, uint32_t max_depth, bint use_value,
                  size_t bytes_per_state=0):
        """`model` is a ModelHandle, or a Python object with `sample` and `num_actions`."""
        if isinstance(model, ModelHandle):
            self.model = (<ModelHandle>model).model
            self.owner = model
        else:
            self.python = PythonModel(model)
            self.model = &self.python.model
        cdef search_options options = search_options(exploration, max_depth, use_value)
        self.search = search_new(self.model, options, bytes_per_state)
        if self.search == NULL:
            raise MemoryError("a search could not be allocated")

    def __dealloc__(self):
        search_free(self.search)

    def begin(self, state, *, uint32_t horizon, list allowed, uint64_t seed, uint64_t max_bytes):
        """Starts a fresh tree.

        Args:
          state: bytes of a native model, or the Python model's own state.
          horizon: steps left; 0 if no end is known.
          allowed: action numbers, ascending; None: every legal action.
          seed: of the random streams.
          max_bytes: of the tree.
        Raises:
          InvalidRequest, TerminalState, NoLegalAction, ModelFault, MemoryError.
        """
        cdef search_root root
        cdef PyObject *subject
        cdef int32_t *numbers = NULL
        cdef int status
        if self.python is not None:
            self.python.begin(state)
            subject = <PyObject *>state
            root.state = &subject
        else:
            root.state = (<ModelHandle>self.owner).bytes_of(state)
        root.horizon, root.seed, root.max_bytes = horizon, seed, max_bytes
        root.num_allowed = len(allowed) if allowed is not None else 0
        try:
            if allowed is not None:
                numbers = <int32_t *>calloc(len(allowed) + 1, sizeof(int32_t))
                if numbers == NULL:
                    raise MemoryError
                for i, action in enumerate(allowed):
                    numbers[i] = action
            root.allowed = numbers
            with nogil:
                status = search_begin(self.search, &root)
        finally:
            free(numbers)
        self.raise_for(status, state)

    cdef require_root(self):
        if self.search.tree.root == 0:
            raise RuntimeError("the search has no root: begin comes first, and must succeed")

    cdef raise_for(self, int status, state):
        if status == MCTS_OK:
            return
        if status == ROOT_TERMINAL:
            raise TerminalState("state: is terminal; there is no action left to plan")
        if status == ROOT_NO_ACTION:
            raise NoLegalAction("state: has no legal action, or none of the allowed ones")
        if status == OUT_OF_BYTES:
            raise MemoryError("the byte limit leaves no room for the root of the tree")
        text, error = self.fault_text(), None
        if self.python is not None:
            # Not kept here: its traceback holds on to whatever the model was doing.
            error, self.python.error = self.python.error, None
        if status == ROOT_INVALID:
            if isinstance(error, InvalidRequest):
                raise error
            raise InvalidRequest("state", text if error is None else in_one_line(error)) from error
        if error is not None and not isinstance(error, Exception):
            raise error
        raise ModelFault(text) from error

    cdef str fault_text(self):
        """How the model broke its contract, in a line."""
        cdef fault *f = &self.search.fault
        function = f.function.decode() if f.function != NULL else "model"
        if self.python is not None:
            function = PYTHON_NAMES.get(function, function)
        if f.problem != NULL:
            return f"{function}: {f.problem.decode()}"
        if self.python is not None and self.python.error is not None:
            error = self.python.error
            text = in_one_line(error)
            if text.startswith(function):
                return text
            return f"{function} raised {type(error).__name__}: {text}"
        text = f.text.decode("utf-8", "replace")
        return text or f"{function} returned status {f.status}"

    def run(self, uint64_t simulations, time_limit=None, CancelFlag cancel=None):
        """Runs until one of the limits is reached.

        Args:
          simulations: in all, since `begin`.
          time_limit: seconds from now, or None.
          cancel: a flag to look at before every simulation.
        Returns:
          The name of the rule that stopped it.
        Raises:
          ModelFault: the model broke its contract.
        """
        cdef search_limits limits
        cdef stop_reason reason = STOP_NONE
        cdef int status
        self.require_root()
        limits.simulations = simulations
        limits.deadline = INT64_MAX
        if time_limit is not None:
            limits.deadline = search_now() + <int64_t>(min(time_limit, MAX_SECONDS) * 1e9)
        limits.cancelled = &cancel.flag if cancel is not None else NULL
        while True:
            limits.slice_deadline = search_now() + SLICE_NANOSECONDS
            with nogil:
                status = search_run(self.search, &limits, &reason)
            if status < 0:
                self.raise_for(status, None)
            if reason != STOP_SLICE:
                return STOP_NAMES[<int>reason]
            PyErr_CheckSignals()

    @property
    def simulations(self):
        return self.search.simulations

    @property
    def nodes(self):
        return self.search.tree.nodes

    @property
    def depth(self):
        """Steps from the root to the deepest node."""
        return self.search.tree.deepest

    @property
    def bytes(self):
        return search_bytes(self.search)

    @property
    def model_steps(self):
        """Transitions that the model was asked for, in the tree and in rollouts."""
        return self.search.model_steps

    @property
    def mean_depth(self):
        """Mean length of the simulations' paths through the tree."""
        return <double>self.search.tree_depth / <double>(self.search.simulations or 1)

    @property
    def player_values(self):
        """Mean return of each player over all simulations."""
        return [self.search.root_mean[p] for p in range(self.model.num_players)]

    def root_actions(self):
        """[(action, visits, value, standard error)] of the root; NaN where not known."""
        self.require_root()
        cdef const tree *t = &self.search.tree
        cdef const node *root = node_at(t, t.root)
        cdef c_edges e = edges_at(t, root)
        cdef double visits
        rows = []
        for i in range(root.count):
            visits = e.visits[i]
            spread = self.search.root_spread[i]
            rows.append((
                e.action[i],
                e.visits[i],
                e.value[i] if visits > 0 else NAN,
                sqrt(spread / (visits * (visits - 1))) if visits > 1 else NAN,
            ))
        return rows

    def principal_variation(self):
        """[(action, visits, value)] along the most visited actions and outcomes."""
        self.require_root()
        cdef const tree *t = &self.search.tree
        cdef const node *n = node_at(t, t.root)
        cdef c_edges e
        cdef uint32_t i, best
        line = []
        while n.edges:
            e = edges_at(t, n)
            best = 0
            for i in range(1, n.count):
                if e.visits[i] > e.visits[best] or (
                    e.visits[i] == e.visits[best] and e.value[i] > e.value[best]
                ):
                    best = i
            if e.visits[best] == 0:
                break
            line.append((e.action[best], e.visits[best], e.value[best]))
            n = node_at(t, self.most_visited(e.child[best]))
        return line

    cdef ref most_visited(self, ref child):
        """The node behind an edge: the child, or the outcome seen most."""
        if self.search.deterministic:
            return child
        return max(self.outcomes(child), key=visits_of)[0]

    cdef list outcomes(self, ref link):
        """[(node, visits)] of an edge, in the order of the trie."""
        cdef const tree *t = &self.search.tree
        cdef outcome *o
        found, pending = [], [link]
        while pending:
            link = pending.pop()
            if link:
                o = outcome_at(t, link)
                found.append((o.node, o.visits))
                pending += [o.next[1], o.next[0]]
        return found

    def tree(self):
        """The whole tree as nested dicts, for tests and debugging."""
        self.require_root()
        return self.dump(self.search.tree.root)

    cdef dict dump(self, ref at):
        cdef const tree *t = &self.search.tree
        cdef node *n = node_at(t, at)
        cdef c_edges e
        if self.python is not None:
            state = state_at(node_state(n))
        else:
            state = PyBytes_FromStringAndSize(<char *>node_state(n), self.model.state_bytes)
        found = {
            "state": state,
            "visits": n.visits,
            "terminal": (n.flags & NODE_TERMINAL) != 0,
            "edges": [],
        }
        if not n.edges:
            return found
        found["player"] = n.player
        e = edges_at(t, n)
        for i in range(n.count):
            if self.search.deterministic:
                links = [(e.child[i], e.visits[i])] if e.child[i] else []
            else:
                links = self.outcomes(e.child[i])
            found["edges"].append({
                "action": e.action[i],
                "visits": e.visits[i],
                "value": e.value[i],
                "outcomes": [(visits, self.dump(child)) for child, visits in links],
            })
        return found
