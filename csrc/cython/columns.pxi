# What searches have come to, copied out of their trees one behind the other.
#
#   plans      | 0           | 1         | ...    the numbers of each, and where its others end
#   edges      | a b c       | a b       | ...    the actions of its root, in the model's order
#   steps      | s s         | s s s     | ...    its best line
#   returns    | p q         | p q       | ...    of each player
#
# To read a short search takes less time than to make a Python object, so that objects are made
# only of what somebody looks at, and then filled in without their `__init__`.

from cpython.object cimport PyObject_GenericSetAttr
from libc.stdint cimport SIZE_MAX
from libc.stdlib cimport realloc

# One object, so that two plans that know equally little are equal.
cdef object NOT_KNOWN = float("nan")

cdef struct plan_row:
    double value, discount, search_time
    uint64_t seed, simulations, nodes, bytes, reused_simulations
    uint64_t edges_end, steps_end
    uint32_t depth
    int32_t action
    uint32_t position  # of the recommended action, among its own edges
    uint32_t stop_reason
    bint deterministic

cdef object PLAN_COLUMNS = np.dtype(
    [(name, np.float64) for name in ("value", "discount", "search_time")]
    + [(name, np.uint64) for name in ("seed", "simulations", "nodes", "bytes",
                                      "reused_simulations", "edges_end", "steps_end")]
    + [("depth", np.uint32), ("action", np.int32), ("position", np.uint32),
       ("stop_reason", np.uint32), ("deterministic", np.int32)],
    align=True,
)
cdef object EDGE_COLUMNS = np.dtype(
    [(name, np.float64) for name in ("value", "standard_error", "lower", "upper", "prior")]
    + [("visits", np.uint32), ("action", np.int32), ("proven", np.int32)],
    align=True,
)
cdef object STEP_COLUMNS = np.dtype(
    [("value", np.float64), ("visits", np.uint32), ("action", np.int32)], align=True
)

cdef tuple ACTION_FIELDS = (
    "action", "visits", "value", "standard_error", "lower", "upper", "prior", "proven",
)
cdef tuple STEP_FIELDS = ("action", "visits", "value")

cdef dict STOP_NUMBERS = {name: number for number, name in STOP_NAMES.items()}


# An array that grows, and what it begins with.
cdef enum: FEW_ROWS = 4

cdef struct growing:
    char *data
    size_t count, room


cdef void *add_rows(growing *g, size_t count, size_t width) except NULL:
    """Room for so many rows more of `width` bytes, behind what is there."""
    cdef size_t room = FEW_ROWS
    cdef void *moved
    if g.count + count > g.room or g.data == NULL:
        room = max(room, max(g.count + count, 2 * g.room))
        moved = realloc(g.data, room * width) if room <= SIZE_MAX // width else NULL
        if moved == NULL:
            raise MemoryError("what a search has come to does not fit into memory")
        g.data, g.room = <char *>moved, room
    g.count += count
    return g.data + (g.count - count) * width


cdef bytes bytes_of_rows(const growing *g, size_t width):
    return PyBytes_FromStringAndSize(g.data, g.count * width)


cdef object record(type kind, tuple names, tuple values):
    """A frozen dataclass with these fields."""
    found = kind.__new__(kind)
    for i in range(len(names)):
        PyObject_GenericSetAttr(found, names[i], values[i])
    return found


cdef object one_nan(double number):
    return NOT_KNOWN if isnan(number) else number


cdef class PlanColumns:
    """What searches of one model have come to: copies, which outlive the trees.

    Belongs to one thread while it is written.
    """

    cdef growing plan_rows, edge_rows, step_rows, return_rows
    cdef list labels, step_labels  # of the edges and steps, of a model that labels its actions

    def __dealloc__(self):
        free(self.plan_rows.data)
        free(self.edge_rows.data)
        free(self.step_rows.data)
        free(self.return_rows.data)

    def __len__(self):
        return self.plan_rows.count

    # ---- written

    def append(self, Search search, str end, uint64_t seed, double search_time, uint64_t tried=0):
        """Reads a search that has run.

        Args:
          search: values of a graph are brought up to date first.
          end: the name of the rule that stopped it.
          seed: of its random streams.
          search_time: seconds.
          tried: simulations of another recipe that went before.
        Returns:
          Whether there was a plan to read: one simulation, or an answer that was known before.
        """
        cdef uint32_t reason = STOP_NUMBERS[end]
        cdef bint by_rule = reason == STOP_SOLVED or reason == STOP_DECIDED
        cdef plan_row *p
        if search.search.simulations == 0 and not by_rule:
            return False
        with nogil:
            search_settle(search.search)
        p = self.take(search)
        p.seed, p.search_time, p.stop_reason = seed, search_time, reason
        p.simulations += tried
        p.deterministic = (
            (by_rule or reason == STOP_SIMULATIONS)
            and not search.search.decided_by_clock
            and search.search.options.threads <= 1
            and p.reused_simulations == 0
        )
        return True

    def append_unfinished(
        self, Search search, uint64_t seed, double search_time, uint64_t tried=0
    ):
        """`append` of a search that goes on afterwards as if it had not been read.

        Returns:
          Whether there was a plan to read. None of a search by Bellman backups whose tree takes more
          than half of its bytes: what reading changes would have no room beside it.
        """
        cdef kept before
        cdef bint has_room
        with nogil:
            has_room = search_keep(search.search, &before)
        if not has_room:
            return False
        try:
            return self.append(search, "unfinished", seed, search_time, tried)
        finally:
            with nogil:
                search_put_back(search.search, &before)

    def extend(self, list searches, list ends, list seeds, double search_time, uint64_t tried=0):
        """`append` for each; what `SearchBatch.run` gives as an exception is no end.

        Returns:
          The positions of those of which there was nothing to read.
        """
        cdef list unread = []
        cdef Py_ssize_t i
        for i in range(len(searches)):
            end = ends[i]
            if type(end) is not str or not self.append(
                searches[i], end, seeds[i], search_time, tried
            ):
                unread.append(i)
        return unread

    cdef plan_row *take(self, Search search) except NULL:
        """Reads all that a search itself knows of its plan."""
        search.require_root()
        cdef search_t *s = search.search
        cdef node *root = node_at(&s.tree, s.tree.root)
        cdef uint32_t count = edges_at(&s.tree, root).count, position
        cdef edge_row *edges
        cdef double *returns
        cdef plan_row *p
        self.forget_unfinished(search.model.num_players)
        edges = <edge_row *>add_rows(&self.edge_rows, count, sizeof(edge_row))
        position = read_edges(search, edges)
        returns = <double *>add_rows(
            &self.return_rows, search.model.num_players, sizeof(double)
        )
        if s.bellman:
            returns[0] = edges[position].value
        else:
            read_returns(search, returns)
        self.take_line(search)
        if search.is_labelled():
            self.take_labels(search, count)
        p = <plan_row *>add_rows(&self.plan_rows, 1, sizeof(plan_row))
        p[0] = plan_row(
            value=edges[position].value, action=edges[position].action, position=position,
            discount=s.discount, simulations=s.simulations, nodes=s.tree.nodes,
            bytes=tree_bytes(&s.tree), reused_simulations=search.visits_before(),
            depth=s.tree.deepest, edges_end=self.edge_rows.count, steps_end=self.step_rows.count,
            search_time=0, seed=0, stop_reason=STOP_NONE, deterministic=False,
        )
        return p

    cdef take_line(self, Search search):
        """The best actions and their most frequent outcomes, from the root on.

        It ends where nothing was tried, or where it comes back to a state.
        """
        cdef search_t *s = search.search
        cdef bint may_return = s.options.sharing != SHARING_NONE, labelled = search.is_labelled()
        cdef ref at = s.tree.root, before = at
        cdef step_row row
        cdef set seen = set() if may_return else None
        while read_step(s, &at, &row):
            if labelled:
                self.step_labels.append(search.action_of(node_at(&s.tree, before), row.action))
            (<step_row *>add_rows(&self.step_rows, 1, sizeof(step_row)))[0] = row
            if may_return:
                seen.add(before)
                if at in seen:
                    break
            before = at

    cdef take_labels(self, Search search, uint32_t count):
        """What the model calls the actions of the edges that came last."""
        cdef const edge_row *rows = self.edges() + self.edge_rows.count - count
        cdef node *root = node_at(&search.search.tree, search.search.tree.root)
        cdef uint32_t i
        for i in range(count):
            self.labels.append(search.action_of(root, rows[i].action))

    cdef forget_unfinished(self, uint32_t players):
        """Drops what a search has left here that could not be read to its end."""
        cdef size_t done = self.plan_rows.count
        self.return_rows.count = done * players
        self.edge_rows.count = self.plans()[done - 1].edges_end if done else 0
        self.step_rows.count = self.plans()[done - 1].steps_end if done else 0
        if self.labels is None:
            self.labels, self.step_labels = [], []
        del self.labels[self.edge_rows.count:], self.step_labels[self.step_rows.count:]

    def choose(self, size_t i, uint32_t position):
        """Recommends another action of a plan."""
        cdef plan_row *p = self.at(i)
        cdef const edge_row *edge = self.edges() + self.first_edge(i) + position
        p.position, p.action, p.value = position, edge.action, edge.value

    def relabel(self, size_t i, encode):
        """Puts what `encode` makes of the labels of a plan's actions in their places."""
        cdef plan_row *p = self.at(i)
        edges = slice(self.first_edge(i), p.edges_end)
        steps = slice(self.first_step(i), p.steps_end)
        labels = [encode(label) for label in self.labels[edges]]
        self.step_labels[steps] = [encode(label) for label in self.step_labels[steps]]
        self.labels[edges] = labels

    # ---- read

    cdef plan_row *plans(self) noexcept:
        return <plan_row *>self.plan_rows.data

    cdef edge_row *edges(self) noexcept:
        return <edge_row *>self.edge_rows.data

    cdef plan_row *at(self, size_t i) except NULL:
        if i >= self.plan_rows.count:
            raise IndexError(f"there are {self.plan_rows.count} plans, and none is {i}")
        return self.plans() + i

    cdef size_t first_edge(self, size_t i) noexcept:
        return self.plans()[i - 1].edges_end if i else 0

    cdef size_t first_step(self, size_t i) noexcept:
        return self.plans()[i - 1].steps_end if i else 0

    @property
    def table(self):
        """The numbers of each plan; a copy. Structured array[N]."""
        return np.frombuffer(bytes_of_rows(&self.plan_rows, sizeof(plan_row)), PLAN_COLUMNS)

    @property
    def edge_table(self):
        """Those of each action of each plan, as `ActionStatistics` has them; a copy."""
        return np.frombuffer(bytes_of_rows(&self.edge_rows, sizeof(edge_row)), EDGE_COLUMNS)

    @property
    def returns(self):
        """Of each player of each plan; a copy. float64[N * P]."""
        return np.frombuffer(bytes_of_rows(&self.return_rows, sizeof(double)), np.float64)

    def stop_names(self):
        """Of each plan the name of the rule that ended its search."""
        cdef size_t i
        return [STOP_NAMES[<int>self.plans()[i].stop_reason] for i in range(self.plan_rows.count)]

    def visits_of(self, size_t i):
        """Of each action of a plan."""
        cdef plan_row *p = self.at(i)
        cdef size_t first = self.first_edge(i), e
        return [self.edges()[e].visits for e in range(first, p.edges_end)]

    def action_of(self, size_t i):
        """The recommended action of a plan, as the model calls it."""
        cdef plan_row *p = self.at(i)
        return self.labels[self.first_edge(i) + p.position] if self.labels else p.action

    def actions_of(self, size_t i, type kind):
        """A `kind` for each action of a plan, a frozen dataclass like `ActionStatistics`."""
        cdef plan_row *p = self.at(i)
        cdef const edge_row *row
        cdef size_t first = self.first_edge(i), e
        cdef list found = []
        for e in range(first, p.edges_end):
            row = self.edges() + e
            found.append(record(kind, ACTION_FIELDS, (
                self.labels[e] if self.labels else row.action,
                row.visits,
                one_nan(row.value),
                one_nan(row.standard_error),
                one_nan(row.lower),
                one_nan(row.upper),
                one_nan(row.prior),
                bool(row.proven),
            )))
        return found

    def line_of(self, size_t i, type kind):
        """A `kind` for each step of a plan's best line, like `PrincipalVariationStep`."""
        cdef plan_row *p = self.at(i)
        cdef const step_row *row
        cdef size_t first = self.first_step(i), step
        cdef list found = []
        for step in range(first, p.steps_end):
            row = <const step_row *>self.step_rows.data + step
            action = self.step_labels[step] if self.step_labels else row.action
            found.append(record(kind, STEP_FIELDS, (action, row.visits, row.value)))
        return found

    def player_values_of(self, size_t i):
        """Of a plan, a number for each player."""
        self.at(i)
        cdef size_t players = self.return_rows.count // self.plan_rows.count, k
        cdef const double *values = <const double *>self.return_rows.data + i * players
        return [one_nan(values[k]) for k in range(players)]

    def position_of(self, size_t i):
        """That of the recommended action among all of a plan."""
        return self.at(i).position

    def fields_of(self, size_t i, type action_kind, type step_kind):
        """All fields of a `Plan` but those of its recipe; `stop_reason` by its name."""
        cdef plan_row *p = self.at(i)
        return {
            "action": self.action_of(i),
            "value": one_nan(p.value),
            "player_values": self.player_values_of(i),
            "actions": self.actions_of(i, action_kind),
            "principal_variation": self.line_of(i, step_kind),
            "simulations": p.simulations,
            "nodes": p.nodes,
            "depth": p.depth,
            "bytes": p.bytes,
            "stop_reason": STOP_NAMES[<int>p.stop_reason],
            "search_time": p.search_time,
            "seed": p.seed,
            "deterministic": bool(p.deterministic),
            "reused_simulations": p.reused_simulations,
            "discount": p.discount,
        }

    # ---- taken along

    def __reduce__(self):
        content = (
            bytes_of_rows(&self.plan_rows, sizeof(plan_row)),
            bytes_of_rows(&self.edge_rows, sizeof(edge_row)),
            bytes_of_rows(&self.step_rows, sizeof(step_row)),
            bytes_of_rows(&self.return_rows, sizeof(double)),
            None if self.labels is None else list(self.labels),
            None if self.step_labels is None else list(self.step_labels),
        )
        return PlanColumns, (), content

    def __setstate__(self, tuple content):
        put_rows(&self.plan_rows, content[0], sizeof(plan_row))
        put_rows(&self.edge_rows, content[1], sizeof(edge_row))
        put_rows(&self.step_rows, content[2], sizeof(step_row))
        put_rows(&self.return_rows, content[3], sizeof(double))
        self.labels, self.step_labels = content[4], content[5]


cdef put_rows(growing *g, bytes data, size_t width):
    """Fills an empty array."""
    memcpy(add_rows(g, len(data) // width, width), PyBytes_AS_STRING(data), len(data))
