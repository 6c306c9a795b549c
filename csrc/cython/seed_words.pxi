from numpy.random.bit_generator import ISeedSequence


# Of the mixing: where the multipliers start, and what each is multiplied by for the next.
cdef uint32_t TAKE_IN = 0x43B0D7E5, TAKE_IN_STEP = 0x931E8875
cdef uint32_t GIVE_OUT = 0x8B51F9DD, GIVE_OUT_STEP = 0x58F38DED
cdef enum: POOL = 4


cdef extern from "pcg64.h" nogil:
    ctypedef struct pcg64:
        pass
    pcg64 pcg64_of(const uint64_t *words)
    double pcg64_next_gumbel(pcg64 *)


cdef class SeedWords:
    """What `numpy.random.SeedSequence` makes of a seed, in less time.

    It seeds NumPy's bit generators with the same numbers.

    Source: O'Neill (2015), "Developing a seed_seq alternative".
    """

    cdef uint32_t pool[POOL]

    def __cinit__(self, uint64_t seed, spawn_key=None):
        """Of `SeedSequence(seed)`, or `SeedSequence(seed, spawn_key=(spawn_key,))`.

        Args:
          spawn_key: 0 .. 2**32 - 1, or None.
        """
        cdef uint32_t multiplier = TAKE_IN
        cdef int i, j
        for i in range(POOL):
            self.pool[i] = hashed(<uint32_t>(seed >> 32 * i) if i < 2 else 0, &multiplier,
                                  TAKE_IN_STEP)
        for i in range(POOL):
            for j in range(POOL):
                if i != j:
                    self.take_in(j, self.pool[i], &multiplier)
        if spawn_key is not None:
            for j in range(POOL):
                self.take_in(j, spawn_key, &multiplier)

    cdef void take_in(self, int i, uint32_t word, uint32_t *multiplier) noexcept:
        """Mixes another word into one of the pool."""
        word = hashed(word, multiplier, TAKE_IN_STEP)
        word = <uint32_t>0xCA01F9DD * self.pool[i] - <uint32_t>0x4973F715 * word
        self.pool[i] = word ^ word >> 16

    def generate_state(self, n_words, dtype=np.uint64):
        """A seed of four 64-bit words, which is what `numpy.random.PCG64` asks for."""
        cdef uint64_t words[POOL]
        if n_words != POOL or dtype is not np.uint64:
            raise NotImplementedError("only four words of 64 bits are made")
        self.give_out(words)
        return np.frombuffer(PyBytes_FromStringAndSize(<char *>words, sizeof(words)), np.uint64)

    cdef void give_out(self, uint64_t *words) noexcept:
        """Four words."""
        cdef uint32_t multiplier = GIVE_OUT, low
        cdef int i
        for i in range(POOL):
            low = hashed(self.pool[2 * i % POOL], &multiplier, GIVE_OUT_STEP)
            words[i] = hashed(self.pool[(2 * i + 1) % POOL], &multiplier, GIVE_OUT_STEP)
            words[i] = words[i] << 32 | low

    cdef pcg64 stream(self) noexcept:
        """The stream that NumPy's PCG64 makes of them."""
        cdef uint64_t words[POOL]
        self.give_out(words)
        return pcg64_of(words)


cdef uint32_t hashed(uint32_t word, uint32_t *multiplier, uint32_t step) noexcept:
    word ^= multiplier[0]
    multiplier[0] *= step
    word *= multiplier[0]
    return word ^ word >> 16


ISeedSequence.register(SeedWords)
