from sys import getsizeof

# Of an array beside its data; of a key in a dict, with the number it stands for.
cdef size_t ARRAY_BYTES = 112
cdef size_t KEY_BYTES = 136


cdef class CancelFlag:
    """Stops the searches that were given it, from any thread.

    Over `memory` that processes share, from any of them: a writable buffer that begins with a C
    int, which is 0 until the flag is set.
    """

    cdef atomic_int own
    cdef atomic_int *flag
    cdef Py_buffer memory
    cdef bint is_shared

    def __cinit__(self, memory=None):
        atomic_store(&self.own, 0)
        self.flag = &self.own
        if memory is None:
            return
        PyObject_GetBuffer(memory, &self.memory, PyBUF_WRITABLE)
        self.is_shared = True
        if self.memory.len < <Py_ssize_t>sizeof(int) or <size_t>self.memory.buf % sizeof(int):
            raise InvalidRequest("memory", "must begin with an int that is aligned")
        self.flag = <atomic_int *>self.memory.buf

    def __dealloc__(self):
        if self.is_shared:
            PyBuffer_Release(&self.memory)

    def cancel(self):
        """Sets the flag: a search stops before its next simulation."""
        atomic_store(self.flag, 1)

    @property
    def cancelled(self):
        return atomic_load(self.flag) != 0


cdef dict STOP_NAMES = {
    <int>STOP_SIMULATIONS: "simulations",
    <int>STOP_TIME_LIMIT: "time_limit",
    <int>STOP_MAX_BYTES: "max_bytes",
    <int>STOP_CANCELLED: "cancelled",
    <int>STOP_SOLVED: "solved",
    <int>STOP_DECIDED: "decided",
    <int>STOP_SLICE: "unfinished",  # of a search that is read and goes on
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


# And in a batch model.
cdef dict BATCH_NAMES = {
    "sample": "sample_batch",
    "step_batch": "sample_batch",
    "evaluate": "evaluate_batch",
    "validate": "validate_state",
    "terminal": "is_terminal_batch",
    "player": "current_player_batch",
    "actions": "legal_actions_batch",
    "key": "state_key_batch",
}


cdef object stop_by(error):
    """The name of the rule, where an error says that a model gave a run up for it; else the error."""
    if isinstance(error, Cancelled):
        return STOP_NAMES[<int>STOP_CANCELLED]
    return STOP_NAMES[<int>STOP_TIME_LIMIT] if isinstance(error, DeadlineExpired) else error


cdef str in_one_line(error):
    return " ".join(str(error).split()) or type(error).__name__


cdef size_t weight_of(state, bint has_key):
    """About what a Python state takes, and the entry of its key, for a model that does not say."""
    cdef size_t weight, entry = 0
    if isinstance(state, array_type):
        weight = ARRAY_BYTES + state.nbytes
        entry = KEY_BYTES + state.nbytes
    else:
        weight, entry = getsizeof(state), KEY_BYTES
    return weight + (entry if has_key else 0)


cdef object root_is_terminal():
    return TerminalState("state: is terminal; there is no action left to plan")


cdef search_limits limits_of(uint64_t simulations, time_limit, CancelFlag cancel):
    cdef search_limits limits
    limits.simulations = simulations
    limits.deadline = limits.slice_deadline = INT64_MAX
    if time_limit is not None:
        limits.deadline = search_now() + <int64_t>(min(time_limit, MAX_SECONDS) * 1e9)
    limits.cancelled = cancel.flag if cancel is not None else NULL
    return limits


# The core releases its states when it is freed, so the model must still be whole then.
@cython.no_gc_clear
cdef class Search:
    """One search tree and the memory for it, used again from plan to plan.

    Belongs to one thread at a time.
    """

    cdef search_t *search
    cdef const mcts_model *model
    cdef HeldModel held
    cdef PythonModel python
    cdef BatchModel rows
    cdef object owner
    cdef Search beside  # which has the model's context, and so must live longer
    cdef size_t bytes_per_state

    def __cinit__(self, model, *, size_t bytes_per_state=0, Search beside=None, **settings):
        """`model` is a ModelHandle, a BatchModel, or a Python object with `sample`.

        Settings are those of a SearchConfig in which nothing is "auto".

        With `beside`, a search of the same model, it takes all settings from there, and both can
        be run in one SearchBatch.
        """
        cdef search_options options
        self.beside = beside
        if beside is not None:
            self.take_model(beside.owner)
            self.bytes_per_state = beside.bytes_per_state
            self.search = search_new_beside(beside.search)
        else:
            self.take_model(model)
            options = options_of(settings)
            refusal = search_refuses_options(self.model, options)
            if refusal != NULL:
                field, _, description = (<bytes>refusal).decode().partition(": ")
                raise InvalidRequest(field, f"is {settings.get(field)}, which {description}")
            self.bytes_per_state = bytes_per_state
            self.search = search_new(self.model, options, bytes_per_state)
        if self.search == NULL:
            raise MemoryError("a search could not be allocated")

    cdef take_model(self, model):
        if isinstance(model, ModelHandle):
            self.model = (<ModelHandle>model).model
        else:
            if isinstance(model, BatchModel):
                self.held = self.rows = model
            else:
                model = model if isinstance(model, PythonModel) else PythonModel(model)
                self.held = self.python = model
            self.model = &self.held.model
        self.owner = model

    def __dealloc__(self):
        search_free(self.search)

    def begin(self, state, *, uint32_t horizon, list allowed, uint64_t seed, uint64_t max_bytes,
              bint is_belief=False, uint64_t planned=0):
        """Starts a fresh tree.

        Args:
          state: bytes of a native model, or the Python model's own state.
          horizon: steps left; 0 if no end is known.
          allowed: actions, numbers ascending; None: every legal action.
          seed: of the random streams.
          max_bytes: of the tree.
          planned: simulations that are to be run in all; 0 if that is not known.
          is_belief: `state` is a sequence of states, each of which the root may be, where
            simulations carry their state.
        Raises:
          InvalidRequest, TerminalState, NoLegalAction, ModelFault, MemoryError.
        """
        cdef unsigned char *states
        cdef size_t i
        particles = state if is_belief else (state,)
        if self.python is not None:
            if self.bytes_per_state == 0 and not self.search.carried:
                weight = weight_of(particles[0], self.search.tree.key_size > 0)
                self.search.tree.bytes_per_state = weight
            self.python.begin(particles[0])
        states = <unsigned char *>calloc(len(particles), self.search.state_size)
        if states == NULL:
            raise MemoryError
        try:
            for i, particle in enumerate(particles):
                self.write_state(particle, states + i * self.search.state_size, True)
            self.begin_at(states, len(particles), particles[0], horizon, allowed, seed, max_bytes,
                          planned)
        finally:
            if self.is_labelled():
                for i in range(<size_t>len(particles)):
                    # The labels that were asked for along the way; the state is the caller's.
                    Py_XDECREF((<PyObject **>(states + i * self.search.state_size))[1])
            free(states)

    cdef begin_at(self, const void *states, uint32_t count, first, uint32_t horizon, list allowed,
                  uint64_t seed, uint64_t max_bytes, uint64_t planned):
        """`begin`, with `count` states as the core has them; the first one as the caller has it."""
        cdef search_root root
        cdef int32_t *numbers = NULL
        cdef size_t i
        cdef int status
        root.state, root.num_states, root.horizon = states, count, horizon
        root.seed, root.max_bytes, root.planned = seed, max_bytes, planned
        root.num_allowed = len(allowed) if allowed is not None else 0
        try:
            if allowed is not None:
                numbers = <int32_t *>calloc(len(allowed) + 1, sizeof(int32_t))
                if numbers == NULL:
                    raise MemoryError
                if self.is_labelled():
                    self.python.allow(allowed, numbers)
                else:
                    for i, action in enumerate(allowed):
                        numbers[i] = action
            root.allowed = numbers
            if self.held is not None:
                status = search_begin(self.search, &root)
            else:
                with nogil:
                    status = search_begin(self.search, &root)
        finally:
            free(numbers)
        self.raise_for(status, first)

    cdef write_state(self, state, void *to, bint is_root):
        """The bytes of a state; a handle among them is the caller's, for as long as `state` is."""
        cdef bytes packed
        if self.python is not None:
            (<PyObject **>to)[0] = <PyObject *>state
            return
        packed = self.rows.pack(state, is_root) if self.rows is not None else state
        if self.rows is None:
            (<ModelHandle>self.owner).bytes_of(packed)
        memcpy(to, PyBytes_AS_STRING(packed), self.model.state_bytes)

    def advance(self, action, state):
        """Makes the child behind an action the root, and gives the rest of the tree back.

        Args:
          action: an action of the root.
          state: what it led to: bytes of a native model, or the Python model's own state.
        Returns:
          True, or False where the tree has no such child to go on from.
        Raises:
          ModelFault: the model could not tell its states apart.
        """
        cdef int32_t number
        cdef int status
        cdef unsigned char *following
        if self.search.tree.root == 0 or self.search.carried:
            return False
        number = self.root_number(action)
        following = self.packed(state)
        with nogil:
            status = search_advance(self.search, number, following)
        free(following)
        return self.was_kept(status, state)

    def advance_to(self, state, *, uint32_t least, uint32_t most):
        """Makes the node of a state the root, and gives the rest of the tree back.

        Args:
          state: as of `advance`.
          least, most: how many steps below the root it may be; not looked at in a graph of
            states, where it is found wherever it is.
        Returns:
          How many steps below the root it was, or -1 where the tree has no such node to go on from.
        Raises:
          ModelFault: as `advance`.
        """
        cdef int status
        cdef uint32_t steps = 0
        cdef unsigned char *wanted
        if self.search.tree.root == 0 or self.search.carried:
            return -1
        wanted = self.packed(state)
        with nogil:
            status = search_advance_to(self.search, wanted, least, most, &steps)
        free(wanted)
        if not self.was_kept(status, state):
            return -1
        return steps

    cdef unsigned char *packed(self, state) except NULL:
        """The bytes of a state that is no root; to be freed."""
        cdef unsigned char *to = <unsigned char *>calloc(1, self.search.state_size)
        if to == NULL:
            raise MemoryError
        try:
            self.write_state(state, to, False)
        except BaseException:
            free(to)
            raise
        return to

    cdef bint was_kept(self, int status, state) except -1:
        """Whether there is a tree to go on from after a move of its root."""
        if status == FAILED:
            self.raise_for(status, state)
        if self.python is not None and status == MCTS_OK:
            self.python.forget_unused_keys(&self.search.tree)
        return status == MCTS_OK

    @property
    def is_asked_in_rows(self):
        """Whether its model answers in batches, which a SearchBatch of several makes use of."""
        return self.model.step_batch != NULL or self.model.evaluate_batch != NULL

    cdef bint is_labelled(self):
        return self.python is not None and self.python.labelled

    cdef int32_t root_number(self, action) except -2:
        """The core's number of an action of the root, -1 of a label that is none."""
        if not self.is_labelled():
            return action
        cdef tree *t = &self.search.tree
        return self.python.number_of(node_state(t, node_at(t, t.root)), action)

    cdef object action_of(self, node *n, int32_t number):
        """What the model itself calls an action of a node with edges."""
        if self.python is None:
            return number
        return self.python.action_of(node_state(&self.search.tree, n), number)

    def resume(self, *, uint32_t horizon, uint64_t seed, uint64_t planned=0):
        """A further search from the root that `advance` has kept; arguments as of `begin`."""
        cdef search_root root
        self.require_root()
        root.horizon, root.seed, root.allowed, root.num_allowed = horizon, seed, NULL, 0
        root.planned = planned
        search_resume(self.search, &root)

    @property
    def root_count(self):
        """Actions of the root."""
        self.require_root()
        cdef const tree *t = &self.search.tree
        return edges_at(t, node_at(t, t.root)).count

    def add_noise(self, const double[::1] noise, double weight):
        """Gives each action of the root a number, in the order of the core.

        With Gumbel selection it is the action's Gumbel noise, with PUCT what is mixed into its
        prior by that weight.
        """
        if noise.shape[0] != self.root_count:
            raise ValueError(f"noise has {noise.shape[0]} entries; the root {self.root_count}")
        search_add_noise(self.search, &noise[0], weight)

    def add_gumbel_noise(self, uint64_t seed):
        """`add_noise` of what `numpy.random.default_rng(seed).gumbel()` draws."""
        cdef pcg64 stream = SeedWords(seed).stream()
        cdef uint32_t i, count = self.root_count
        cdef double *noise = <double *>calloc(count, sizeof(double))
        if noise == NULL:
            raise MemoryError
        for i in range(count):
            noise[i] = pcg64_next_gumbel(&stream)
        search_add_noise(self.search, noise, 0.0)
        free(noise)

    @property
    def reused_simulations(self):
        """Visits of the root's edges that an earlier search brought."""
        self.require_root()
        return self.visits_before()

    cdef uint64_t visits_before(self) noexcept:
        cdef const tree *t = &self.search.tree
        cdef uint64_t visits = 0
        cdef uint32_t i
        for i in range(edges_at(t, node_at(t, t.root)).count):
            visits += self.search.root_before[i]
        return visits

    def clear(self):
        """Gives up the tree, and most of its memory."""
        cdef int status
        with nogil:
            status = search_clear(self.search)
        if self.python is not None:
            self.python.forget()
        if status < 0:
            self.raise_for(status, None)

    cdef require_root(self):
        if self.search.tree.root == 0:
            raise RuntimeError("the search has no root: begin comes first, and must succeed")

    cdef raise_for(self, int status, state):
        if status < 0:
            error = self.error_of(status, state)
            if self.rows is not None:
                self.rows.forget_errors()
            raise error from error.__cause__

    cdef object error_of(self, int status, state):
        """What went wrong, as an exception."""
        if status == ROOT_TERMINAL:
            return root_is_terminal()
        if status == ROOT_NO_ACTION:
            return NoLegalAction("state: has no legal action, or none of the allowed ones")
        if status == OUT_OF_BYTES:
            return MemoryError("the byte limit leaves no room for the root of the tree")
        text, error = self.fault_text(), None
        if self.rows is not None:
            error = self.rows.error_that_says(self.search.fault.text)
        elif self.held is not None:
            # Not kept here: its traceback holds on to whatever the model was doing.
            error, self.held.error = self.held.error, None
        if status == ROOT_INVALID and isinstance(error, InvalidRequest):
            return error
        if isinstance(error, GIVEN_UP) or (error is not None and not isinstance(error, Exception)):
            return error
        if status == ROOT_INVALID:
            found = InvalidRequest("state", text if error is None else in_one_line(error))
        else:
            found = ModelFault(text)
        found.__cause__ = error
        return found

    cdef str fault_text(self):
        """How the model broke its contract, in a line."""
        cdef fault *f = &self.search.fault
        function = f.function.decode() if f.function != NULL else "model"
        if self.rows is not None:
            function = BATCH_NAMES.get(function, function)
        elif self.python is not None:
            if function == "evaluate" and self.is_of_priors():
                function = "prior"
            elif function != "actions" or not self.python.labelled:
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

    cdef bint is_of_priors(self):
        """Whether a fault of `evaluate` is one of `prior` in a Python model."""
        if self.search.fault.problem != NULL:
            return self.search.fault.problem.startswith(b"a prior")
        return self.python.asks_prior

    def run(self, uint64_t simulations, time_limit=None, CancelFlag cancel=None,
            slice_seconds=None, uint64_t slice_simulations=0):
        """Runs until one of the limits is reached.

        Args:
          simulations: in all, since `begin`.
          time_limit: seconds from now, or None.
          cancel: a flag to look at before every simulation.
          slice_seconds: comes back after about so long, to be run again.
          slice_simulations: comes back after so many in all, to be run again, or soon after where
            several are in flight; 0: it does not.
        Returns:
          The name of the rule that stopped it, or "slice".
        Raises:
          ModelFault: the model broke its contract.
        """
        cdef search_limits limits
        cdef stop_reason reason = STOP_NONE
        cdef int status
        cdef int64_t slice_nanoseconds = SLICE_NANOSECONDS
        cdef uint64_t most = simulations
        self.require_root()
        if self.search.options.in_flight > 1:
            return self.run_in_flight(
                simulations, time_limit, cancel, slice_seconds, slice_simulations
            )
        if slice_simulations > 0:
            most = min(simulations, slice_simulations)
        limits = limits_of(most, time_limit, cancel)
        if slice_seconds is not None:
            slice_nanoseconds = <int64_t>(min(slice_seconds, MAX_SECONDS) * 1e9)
        while True:
            limits.slice_deadline = search_now() + slice_nanoseconds
            if self.held is not None:
                # With the GIL held, which the model itself lets go of now and then.
                status = search_run(self.search, &limits, &reason)
            else:
                with nogil:
                    status = search_run(self.search, &limits, &reason)
            if status < 0:
                return self.end_of(status)
            if reason == STOP_SIMULATIONS and most < simulations:
                PyErr_CheckSignals()
                return "slice"
            if reason != STOP_SLICE:
                return STOP_NAMES[<int>reason]
            PyErr_CheckSignals()
            if slice_seconds is not None:
                return "slice"

    cdef object end_of(self, int status):
        """How a run ends that has failed: as stopped, where the model gave it up.

        Raises:
          ModelFault: it broke its contract.
          ReplicaLost: nobody can answer.
        """
        try:
            self.raise_for(status, None)
        except (Cancelled, DeadlineExpired) as error:
            return stop_by(error)

    cdef str run_in_flight(self, uint64_t simulations, time_limit, CancelFlag cancel,
                           slice_seconds, uint64_t slice_simulations):
        """The same with several simulations in progress at once: a batch of one search."""
        cdef SearchBatch batch = SearchBatch([self])
        [end] = batch.run_slice(simulations, time_limit, cancel, slice_seconds, slice_simulations)
        if isinstance(end, BaseException):
            raise end
        return end

    def settle(self):
        """Brings the values of a graph up to date, before they are read."""
        with nogil:
            search_settle(self.search)

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
        return tree_bytes(&self.search.tree)

    @property
    def model_steps(self):
        """Transitions that the model was asked for, in the tree and in rollouts."""
        return self.search.model_steps

    @property
    def decided_by_clock(self):
        """Whether it ended as decided by its own speed, and not by counting alone."""
        return self.search.decided_by_clock

    @property
    def recurrence(self):
        """Share of the outcomes that led to a node that other paths lead to: do states recur?"""
        return <double>self.search.meetings / <double>(self.search.landings or 1)

    @property
    def discount(self):
        """Per step, as the search counts."""
        return self.search.discount

    @property
    def mean_depth(self):
        """Mean length of the simulations' paths through the tree."""
        return <double>self.search.tree_depth / <double>(self.search.simulations or 1)

    def read(self, type action_kind, type step_kind):
        """What the search has come to; copies, which outlive the tree.

        Args:
          action_kind: a frozen dataclass with the fields of an `ActionStatistics`.
          step_kind: the same of a `PrincipalVariationStep`.
        Returns:
          (actions, best, player_values, line): an `action_kind` for each action of the root, in
          the model's order, NaN where nothing is known; the position of the one to recommend; the
          mean return of each player, with Bellman backups the best value, and of a root that is
          solved the exact one; and the best line, a `step_kind` for each step.
        """
        found = PlanColumns()
        found.take(self)
        return (
            found.actions_of(0, action_kind),
            found.position_of(0),
            found.player_values_of(0),
            found.line_of(0, step_kind),
        )

    cdef list outcomes(self, const c_edges *e, uint32_t i):
        """[(node, visits)] of an edge, first seen first but for the order of the rest."""
        cdef outcome *o
        cdef ref r = e.child[i]
        if self.search.deterministic:
            return [(child_node(&self.search.tree, r), e.visits[i])] if r else []
        found = []
        while r:
            o = outcome_at(&self.search.tree, r)
            found.append((o.node, o.visits))
            r = o.sibling
        return found

    def graph(self):
        """Every node that the root leads to, by number, for tests and debugging: the root first."""
        self.require_root()
        found, pending = {}, [self.search.tree.root]
        while pending:
            at = pending.pop()
            if at not in found:
                found[at] = self.dump(at)
                for edge in found[at]["edges"]:
                    pending += [child for _, child in edge["outcomes"]]
        return found

    cdef dict dump(self, ref at):
        cdef const tree *t = &self.search.tree
        cdef node *n = node_at(t, at)
        cdef c_edges e
        state = None
        if self.search.carried:
            pass
        elif self.rows is not None:
            state = self.rows.unpack(node_state(t, n))
        elif self.python is not None:
            state = state_at(node_state(t, n))
        else:
            state = PyBytes_FromStringAndSize(<char *>node_state(t, n), self.model.state_bytes)
        found = {
            "state": state,
            "visits": node_visits(t, n),
            "terminal": (n.flags & NODE_TERMINAL) != 0,
            "edges": [],
        }
        if self.search.bellman:
            found["value"] = node_graph(n).value
            found["solved"] = (n.flags & NODE_SOLVED) != 0
        if node_is_opened_leaf(n):
            found["player"] = n.player
            found["edges"] = self.untried_edges(n)
        if not node_is_expanded(n):
            return found
        e = edges_seen(t, &self.search.view, n)
        found["player"] = e.head.player
        for i in range(e.count):
            found["edges"].append({
                "action": self.action_of(n, edge_action(t, &e, i)),
                "visits": e.visits[i],
                "value": e.value[i],
                "prior": e.prior[i] if t.layout & BLOCK_PRIORS else None,
                "in_flight": e.flights[i] if t.layout & BLOCK_FLIGHTS else 0,
                "outcomes": [(visits, child) for child, visits in self.outcomes(&e, i)],
            })
        return found

    cdef list untried_edges(self, node *leaf):
        """Those of an opened leaf, as `dump` gives edges."""
        cdef c_edges e = leaf_at(&self.search.tree, leaf)
        return [
            {
                "action": self.action_of(leaf, edge_action(&self.search.tree, &e, i)),
                "visits": 0,
                "value": 0.0,
                "prior": e.prior[i],
                "in_flight": 0,
                "outcomes": [],
            }
            for i in range(e.count)
        ]

    def tree(self):
        """The whole tree as nested dicts, for tests and debugging. Not of a graph."""
        nodes = self.graph()
        return nested(nodes, next(iter(nodes)))


def nested(nodes, at):
    """The dump of a tree with each child in the place of its number."""
    edges = [
        edge | {"outcomes": [(visits, nested(nodes, child)) for visits, child in edge["outcomes"]]}
        for edge in nodes[at]["edges"]
    ]
    return nodes[at] | {"edges": edges}
