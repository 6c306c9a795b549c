# A finished search, read out: what a plan tells of its root and of its best line.
#
# A short search takes less time than this, so records are filled in without their `__init__`.

from cpython.object cimport PyObject_GenericSetAttr

# One object, so that two plans that know equally little are equal.
cdef object NOT_KNOWN = float("nan")

cdef tuple ACTION_FIELDS = (
    "action", "visits", "value", "standard_error", "lower", "upper", "prior", "proven",
)
cdef tuple STEP_FIELDS = ("action", "visits", "value")


cdef object record(type kind, tuple names, tuple values):
    """A frozen dataclass with these fields."""
    found = kind.__new__(kind)
    for i in range(len(names)):
        PyObject_GenericSetAttr(found, names[i], values[i])
    return found


cdef object one_nan(double number):
    return NOT_KNOWN if isnan(number) else number


cdef list root_edges(Search search):
    """The root's edges in the order of their actions, with values that are up to date."""
    cdef const tree *t = &search.search.tree
    cdef c_edges e = edges_at(t, node_at(t, t.root))
    cdef uint32_t i
    cdef bint is_sorted = True
    if search.search.bellman:
        for i in range(e.count):
            bellman_read(search.search, &e, i, True)
    for i in range(1, e.count):
        is_sorted &= edge_action(t, &e, i - 1) < edge_action(t, &e, i)
    if is_sorted:
        return list(range(e.count))
    return [i for _, i in sorted([(edge_action(t, &e, i), i) for i in range(e.count)])]


cdef object root_action(Search search, uint32_t i, type kind):
    """What is known of an edge of the root."""
    cdef const tree *t = &search.search.tree
    cdef node *root = node_at(t, t.root)
    cdef c_edges e = edges_at(t, root)
    cdef edge_statistics known = statistics_of(search.search, &e, i)
    return record(kind, ACTION_FIELDS, (
        search.action_of(root, edge_action(t, &e, i)),
        e.visits[i],
        one_nan(known.value),
        one_nan(known.standard_error),
        one_nan(known.lower),
        one_nan(known.upper),
        one_nan(known.prior),
        known.proven,
    ))


cdef list best_line(Search search, type kind):
    """The best actions and their most frequent outcomes, from the root on.

    It ends where nothing was tried, or where it comes back to a state.
    """
    cdef const tree *t = &search.search.tree
    cdef ref at = t.root
    cdef c_edges e
    cdef uint32_t best
    line, seen = [], set()
    while node_is_expanded(node_at(t, at)) and at not in seen:
        seen.add(at)
        best = recommend(search.search, node_at(t, at))
        e = edges_seen(t, &search.search.view, node_at(t, at))
        if best == e.count or e.visits[best] == 0:
            break
        action = search.action_of(node_at(t, at), edge_action(t, &e, best))
        line.append(record(kind, STEP_FIELDS, (action, e.visits[best], e.value[best])))
        at = most_frequent(search.search, &e, best)
    return line


cdef ref most_frequent(const search_t *s, const c_edges *e, uint32_t i) noexcept:
    """The node that an edge with visits has led to most often, of several the one found first."""
    cdef const tree *t = &s.tree
    cdef outcome *o
    cdef ref r = e.child[i], found = 0
    cdef uint32_t most = 0
    if s.deterministic:
        return child_node(t, r)
    while r:
        o = outcome_at(t, r)
        if found == 0 or o.visits > most:
            found, most = o.node, o.visits
        r = o.sibling
    return found


cdef list values_of_players(Search search):
    """Mean return of each player over all simulations; of a root that is solved, its exact value.

    Of mean backups.
    """
    cdef double[255] exact
    cdef const double *values = search.search.root_mean
    cdef node *root = node_at(&search.search.tree, search.search.tree.root)
    if search.search.recipe & RECIPE_PROVEN and root.flags & NODE_SOLVED:
        prove_returns(search.search, root, exact)
        values = exact
    return [values[p] for p in range(search.model.num_players)]
