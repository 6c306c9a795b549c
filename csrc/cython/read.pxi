# A finished search, read out: what a plan tells of its root and of its best line.

from libc.stdlib cimport qsort

# An action of the root. NaN where nothing is known.
cdef struct edge_row:
    double value, standard_error, lower, upper, prior
    uint32_t visits
    int32_t action
    bint proven

# A step of the best line.
cdef struct step_row:
    double value
    uint32_t visits
    int32_t action


cdef int by_action(const void *a, const void *b) noexcept nogil:
    cdef int32_t one = (<const edge_row *>a).action, other = (<const edge_row *>b).action
    return (one > other) - (one < other)


cdef uint32_t read_edges(Search search, edge_row *rows) noexcept:
    """The root's edges, all of them, in the order of their actions, with values up to date.

    Returns:
      The position of the one to recommend: the last if nothing is known of any.
    """
    cdef search_t *s = search.search
    cdef node *root = node_at(&s.tree, s.tree.root)
    cdef c_edges e = edges_at(&s.tree, root)
    cdef edge_statistics known
    cdef uint32_t i, best
    cdef int32_t recommended
    cdef bint is_sorted = True
    if s.bellman:
        for i in range(e.count):
            bellman_read(s, &e, i, True)
    for i in range(e.count):
        known = statistics_of(s, &e, i)
        rows[i] = edge_row(
            value=known.value, standard_error=known.standard_error, lower=known.lower,
            upper=known.upper, prior=known.prior, visits=e.visits[i],
            action=edge_action(&s.tree, &e, i), proven=known.proven,
        )
        is_sorted &= i == 0 or rows[i - 1].action < rows[i].action
    best = recommend(s, root)
    if best >= e.count:
        best = e.count - 1
    if not is_sorted:
        recommended = rows[best].action
        qsort(rows, e.count, sizeof(edge_row), by_action)
        best = 0
        while rows[best].action != recommended:
            best += 1
    return best


cdef bint read_step(const search_t *s, ref *at, step_row *row) noexcept:
    """The best action of a node; goes on to where it has led most often.

    Returns:
      False where nothing was tried.
    """
    cdef const tree *t = &s.tree
    cdef uint32_t best
    cdef c_edges e
    if not node_is_expanded(node_at(t, at[0])):
        return False
    best = recommend(s, node_at(t, at[0]))
    e = edges_seen(t, &s.view, node_at(t, at[0]))
    if best == e.count or e.visits[best] == 0:
        return False
    row[0] = step_row(value=e.value[best], visits=e.visits[best], action=edge_action(t, &e, best))
    at[0] = most_frequent(s, &e, best)
    return True


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


cdef void read_returns(Search search, double *found) noexcept:
    """Mean return of each player over all simulations; of a root that is solved, its exact value.

    Of mean backups.
    """
    cdef double[255] exact
    cdef const double *values = search.search.root_mean
    cdef node *root = node_at(&search.search.tree, search.search.tree.root)
    cdef uint32_t p
    if search.search.recipe & RECIPE_PROVEN and root.flags & NODE_SOLVED:
        prove_returns(search.search, root, exact)
        values = exact
    for p in range(search.model.num_players):
        found[p] = values[p]
