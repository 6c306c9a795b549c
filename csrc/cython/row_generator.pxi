# Random numbers for the rows of a batch, each row from a stream of its own.

#: The distributions of numpy.random.Generator that are drawn row by row, and the names of their
#: arguments in order.
cdef dict DRAWN_BY_ROWS = {
    "beta": ("a", "b", "size"),
    "binomial": ("n", "p", "size"),
    "choice": ("a", "size", "replace", "p", "axis", "shuffle"),
    "exponential": ("scale", "size"),
    "gamma": ("shape", "scale", "size"),
    "geometric": ("p", "size"),
    "laplace": ("loc", "scale", "size"),
    "lognormal": ("mean", "sigma", "size"),
    "normal": ("loc", "scale", "size"),
    "poisson": ("lam", "size"),
    "standard_exponential": ("size",),
    "standard_normal": ("size",),
    "triangular": ("left", "mode", "right", "size"),
}


cdef class RowGenerator:
    """What a batch model draws from: row i of every answer comes from row i's own stream.

    It stands for `numpy.random.Generator` there: the first axis of every size is the rows, and
    may be left out. Row i of `rng.random()` is what `rng.random()` gives the step of row i alone,
    and so on for every distribution, so that one model written for one state and for many gives
    the same samples. `random`, `uniform` and `integers` are drawn natively, all others with a
    call a row. An argument that is an array has one entry a row, which is that row's own; only what
    `choice` chooses from, and its weights where they are a single list, are the same for all.

    It is good until `sample_batch` returns.
    """

    cdef mcts_bitgen **rows
    cdef Py_ssize_t count
    cdef SplitMix64 stream
    cdef object generator

    def __cinit__(self):
        self.stream = SplitMix64(0)
        self.generator = np.random.Generator(self.stream)

    def __len__(self):
        return self.count

    def __getattr__(self, name):
        if name not in DRAWN_BY_ROWS:
            raise AttributeError(
                f"the generator of a batch has no {name}; it has random, uniform, integers, "
                f"{', '.join(sorted(DRAWN_BY_ROWS))}"
            )
        return partial(self.draw_by_rows, name)

    @property
    def counters(self):
        """Where the stream of each row is: uint64[N], a copy. SplitMix64 goes on from there."""
        self.shape(None)
        found = np.empty(self.count, np.uint64)
        cdef uint64_t[::1] out = found
        cdef Py_ssize_t row
        for row in range(self.count):
            out[row] = (<uint64_t *>self.rows[row].state)[0]
        return found

    @counters.setter
    def counters(self, values):
        self.shape(None)
        cdef const uint64_t[::1] given = np.ascontiguousarray(values, np.uint64)
        cdef Py_ssize_t row
        if given.shape[0] != self.count:
            raise ValueError(f"has {given.shape[0]} counters; must have one a row, {self.count}")
        for row in range(self.count):
            (<uint64_t *>self.rows[row].state)[0] = given[row]

    cdef tuple shape(self, size):
        """All axes of an answer: [N, ...]."""
        if self.count == 0:
            raise RuntimeError("the generator of a batch is used after sample_batch has returned")
        if size is None:
            return (self.count,)
        shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
        if not shape or shape[0] != self.count:
            raise ValueError(
                f"size is {size}; its first axis must be the {self.count} rows of the batch"
            )
        return shape

    def random(self, size=None):
        """Uniform in [0, 1): float64[N, ...]."""
        drawn = np.empty(self.shape(size))
        cdef double[:, ::1] out = drawn.reshape(self.count, -1)
        cdef Py_ssize_t row, i
        for row in range(self.count):
            for i in range(out.shape[1]):
                out[row, i] = mcts_random_double(self.rows[row])
        return drawn

    def uniform(self, low=0.0, high=1.0, size=None):
        """Uniform in [low, high): float64[N, ...]; the bounds are numbers or one a row."""
        shape = self.shape(size)
        low = self.beside("low", low, len(shape))
        width = self.beside("high", high, len(shape)) - low
        if not np.isfinite(width).all():
            raise OverflowError("high - low is not finite")
        if (width < 0).any():
            raise ValueError("low is above high")
        return low + width * self.random(shape)

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        """Uniform integers from low to high - 1 (to high with `endpoint`): [N, ...]."""
        if high is None:
            low, high = 0, low
        if isinstance(low, Integral) and isinstance(high, Integral):
            low, high = int(low), int(high)
            is_plain = -(2**63) <= low and high - 1 + endpoint < 2**63
            is_plain = is_plain and 0 < high - low + endpoint <= 0xFFFFFFFF
        else:
            is_plain = False
        if not is_plain or np.dtype(dtype) != np.int64:
            rest = {"low": low, "high": high, "dtype": dtype, "endpoint": endpoint}
            return self.draw_by_rows("integers", size=size, **rest)
        drawn = np.empty(self.shape(size), np.int64)
        cdef int64_t[:, ::1] out = drawn.reshape(self.count, -1)
        cdef Py_ssize_t row, i
        cdef uint32_t width = high - low + endpoint
        cdef int64_t first = low
        for row in range(self.count):
            for i in range(out.shape[1]):
                out[row, i] = first + below(self.rows[row], width)
        return drawn

    cdef object beside(self, name, bound, int dimensions):
        """A bound with the axes of the answer, where it is one a row."""
        bound = np.asarray(bound)
        if not bound.ndim:
            return bound
        self.require_rows(name, bound)
        return bound.reshape(*bound.shape, *[1] * (dimensions - bound.ndim))

    cdef require_rows(self, name, array):
        """Refuses an array that would fit by chance, when there are as many rows as entries."""
        if len(array) != self.count:
            raise ValueError(
                f"{name} has {len(array)} entries; must be a number or have an entry a row, "
                f"{self.count}"
            )

    def draw_by_rows(self, name, *args, **kwargs):
        """A distribution of numpy.random.Generator, with one call of it a row."""
        names = DRAWN_BY_ROWS.get(name, ())
        if len(args) > len(names) or not kwargs.keys().isdisjoint(names[: len(args)]):
            raise TypeError(f"{name} takes {', '.join(names)}, each once")
        kwargs |= dict(zip(names, args, strict=False))
        shape = self.shape(kwargs.pop("size", None))
        draw, size = getattr(self.generator, name), shape[1:] or None
        drawn = []
        for row in range(self.count):
            own = {key: self.of_row(name, key, value, row) for key, value in kwargs.items()}
            self.stream._counter = (<uint64_t *>self.rows[row].state)[0]
            drawn.append(draw(size=size, **own))
            (<uint64_t *>self.rows[row].state)[0] = self.stream._counter
        return np.array(drawn)

    cdef object of_row(self, name, key, value, Py_ssize_t row):
        if not isinstance(value, array_type) or not value.ndim:
            return value
        if name == "choice" and (key == "a" or value.ndim == 1):
            return value
        self.require_rows(key, value)
        return value[row]


cdef class SeededRows(RowGenerator):
    """The same outside of a search: row i draws from SplitMix64(seeds[i])."""

    cdef uint64_t[::1] counters
    cdef mcts_bitgen *generators

    def __init__(self, seeds):
        """`seeds`: 0 .. 2**64 - 1 each, at least one."""
        cdef Py_ssize_t row
        self.counters = np.array(seeds, np.uint64)
        self.count = self.counters.shape[0]
        self.generators = <mcts_bitgen *>calloc(self.count, sizeof(mcts_bitgen))
        self.rows = <mcts_bitgen **>calloc(self.count, sizeof(mcts_bitgen *))
        if self.generators == NULL or self.rows == NULL:
            raise MemoryError
        for row in range(self.count):
            self.generators[row] = stream_bitgen(&self.counters[row])
            self.rows[row] = &self.generators[row]

    def __dealloc__(self):
        free(self.generators)
        free(self.rows)


cdef uint32_t below(mcts_bitgen *rng, uint32_t width) noexcept nogil:
    """Uniform in 0 .. width - 1 as NumPy's Generator draws it: Lemire (2019), with rejection."""
    cdef uint64_t product
    cdef uint32_t threshold
    if width == 1:
        return 0
    product = (mcts_splitmix64(<uint64_t *>rng.state) >> 32) * width
    if <uint32_t>product < width:
        threshold = (<uint32_t>0xFFFFFFFF - (width - 1)) % width
        while <uint32_t>product < threshold:
            product = (mcts_splitmix64(<uint64_t *>rng.state) >> 32) * width
    return product >> 32
