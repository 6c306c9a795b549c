import threading

import numpy as np


cdef class SplitMix64:
    """The search's own random stream, as a bit generator for `numpy.random.Generator`.

    Source: Steele, Lea and Flood (2014).
    """

    cdef uint64_t _counter
    cdef mcts_bitgen bitgen
    cdef readonly object capsule
    cdef readonly object lock

    def __cinit__(self, seed=0):
        self._counter = seed
        self.bitgen = stream_bitgen(&self._counter)
        self.capsule = PyCapsule_New(&self.bitgen, "BitGenerator", NULL)
        self.lock = threading.Lock()

    @property
    def counter(self):
        return self._counter

    @counter.setter
    def counter(self, value):
        self._counter = value

    def next_uint64(self):
        """Draws a number, uniform in 0 .. 2**64 - 1."""
        return mcts_splitmix64(&self._counter)


cdef SplitMix64 stream_of(rng):
    """The stream behind a generator, or a new one seeded by one draw from it."""
    bit_generator = getattr(rng, "bit_generator", None)
    if isinstance(bit_generator, SplitMix64):
        return bit_generator
    return SplitMix64(int(rng.integers(2**64, dtype=np.uint64)))
