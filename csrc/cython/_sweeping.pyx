# cython: language_level=3, boundscheck=False, wraparound=False
"""Prioritized sweeping and Dyna over tables, as learners that own what they have seen.

A table of action values is the caller's: float64[num_states, num_actions], in C order, with -inf
where an action is not legal. It is written to by `sweep`, `learn` and `plan`. Arguments are the
caller's to check; any number of threads may call a learner, one of them works.
"""

import threading

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "mcts_model.h" nogil:
    int MCTS_OK

    ctypedef struct mcts_bitgen:
        void *state

cdef extern from "outcomes.h" nogil:
    ctypedef enum keeping:
        KEEP_LAST
        KEEP_COUNTS

    ctypedef struct outcome:
        double reward
        int64_t count
        int32_t next_state
        int32_t next_of_pair
        int32_t terminated

    ctypedef struct outcomes:
        outcome *all
        int32_t *first_of_pair
        int64_t *tries

    int NO_OUTCOME

cdef extern from "queue.h" nogil:
    ctypedef struct queue:
        int32_t count

cdef extern from "sweeper.h" nogil:
    ctypedef struct sweeper:
        outcomes seen
        queue urgent

    ctypedef struct sweeper_options:
        int32_t num_states
        int32_t num_actions
        keeping kept
        double discount
        double step_size
        double threshold

    int sweeper_begin(sweeper *s, const sweeper_options *options, double *q)
    void sweeper_end(sweeper *s)
    int sweeper_observe(sweeper *s, int32_t pair, double reward, int32_t next_state,
                        int32_t terminated, int64_t times)
    int64_t sweeper_sweep(sweeper *s, int64_t updates)
    double sweeper_error(const sweeper *s, int32_t pair)

cdef extern from "dyna.h" nogil:
    ctypedef struct dyna:
        outcomes seen

    ctypedef struct dyna_options:
        int32_t num_states
        int32_t num_actions
        keeping kept
        double discount
        double step_size
        double bonus

    double NO_BONUS
    int dyna_begin(dyna *d, const dyna_options *options, double *q)
    void dyna_end(dyna *d)
    int dyna_learn(dyna *d, int32_t pair, double reward, int32_t next_state, int32_t terminated)
    void dyna_plan(dyna *d, int64_t steps, mcts_bitgen *rng)
    int32_t epsilon_greedy_action "epsilon_greedy"(const double *row, int32_t num_actions,
                                                   double epsilon, double explore, double which)

# Updates between two looks at whether the user wants to stop: about a tenth of a second.
cdef int64_t AT_A_STRETCH = 1000000
cdef int64_t MOST_PAIRS = 2 ** 31 - 2


cdef int require_table(const double[:, ::1] q) except -1:
    if q.shape[0] < 1 or q.shape[1] < 1 or q.shape[0] > MOST_PAIRS // q.shape[1]:
        raise ValueError("a table has at least one pair of state and action, and at most 2^31 - 2")
    return 0


cdef list distribution_of(const outcomes *seen, int32_t pair):
    """(probability, next_state, reward, terminated) of each outcome, in the order of first sight."""
    cdef list found = []
    cdef const outcome *o
    cdef int32_t index = seen.first_of_pair[pair]
    while index != NO_OUTCOME:
        o = seen.all + index
        found.append((<double>o.count / <double>seen.tries[pair], o.next_state, o.reward,
                      o.terminated != 0))
        index = o.next_of_pair
    return found


cdef class Sweeper:
    """Prioritized sweeping over what was observed."""

    cdef sweeper s
    cdef double[:, ::1] q
    cdef object lock

    def __cinit__(self, double[:, ::1] q not None, *, bint counts, double discount,
                  double step_size, double threshold):
        """A sweeper that has seen nothing.

        Args:
          q: the values to improve.
          counts: whether an action has every outcome seen, by its counts, or the last one alone.
          discount: per step, from 0 to 1.
          step_size: above 0 and at most 1.
          threshold: least error that is worth an update, in reward units, >= 0.
        """
        cdef sweeper_options options
        require_table(q)
        options.num_states = <int32_t>q.shape[0]
        options.num_actions = <int32_t>q.shape[1]
        options.kept = KEEP_COUNTS if counts else KEEP_LAST
        options.discount = discount
        options.step_size = step_size
        options.threshold = threshold
        self.lock = threading.Lock()
        self.q = q
        if sweeper_begin(&self.s, &options, &q[0, 0]) != MCTS_OK:
            raise MemoryError

    def __dealloc__(self):
        sweeper_end(&self.s)

    @property
    def num_queued(self):
        """How many pairs are more wrong than the threshold allows."""
        return self.s.urgent.count

    def observe(self, int32_t state, int32_t action, double reward, int32_t next_state,
                bint terminated, int64_t times=1):
        """Takes in a step that was seen so often, rewarded with `reward` on average."""
        cdef int32_t pair = state * <int32_t>self.q.shape[1] + action
        with self.lock:
            if sweeper_observe(&self.s, pair, reward, next_state, terminated, times) != MCTS_OK:
                raise MemoryError

    def sweep(self, int64_t updates):
        """At most that many updates, the greatest error first; how many there were."""
        cdef int64_t done = 0, stretch = 0, wanted
        while done < updates:
            wanted = min(AT_A_STRETCH, updates - done)
            with self.lock:
                with nogil:
                    stretch = sweeper_sweep(&self.s, wanted)
            done += stretch
            if stretch < wanted:
                break
            PyErr_CheckSignals()
        return done

    def error(self, int32_t state, int32_t action):
        """How far a pair's value is from its one-step backup; 0 if it was never tried."""
        with self.lock:
            return sweeper_error(&self.s, state * <int32_t>self.q.shape[1] + action)

    def outcomes(self, int32_t state, int32_t action):
        """What was seen: (probability, next_state, reward, terminated) each."""
        with self.lock:
            return distribution_of(&self.s.seen, state * <int32_t>self.q.shape[1] + action)


cdef class Dyna:
    """Dyna-Q, or Dyna-Q+ where there is a bonus."""

    cdef dyna d
    cdef double[:, ::1] q
    cdef object lock

    def __cinit__(self, double[:, ::1] q not None, *, bint counts, double discount,
                  double step_size, bonus):
        """A learner that has seen nothing.

        Args:
          q: the values to improve.
          counts: whether the model draws from every outcome seen, or gives the last one.
          discount: per step, from 0 to 1.
          step_size: above 0 and at most 1.
          bonus: kappa, >= 0, in reward units; None is Dyna-Q.
        """
        cdef dyna_options options
        require_table(q)
        options.num_states = <int32_t>q.shape[0]
        options.num_actions = <int32_t>q.shape[1]
        options.kept = KEEP_COUNTS if counts else KEEP_LAST
        options.discount = discount
        options.step_size = step_size
        options.bonus = NO_BONUS if bonus is None else bonus
        self.lock = threading.Lock()
        self.q = q
        if dyna_begin(&self.d, &options, &q[0, 0]) != MCTS_OK:
            raise MemoryError

    def __dealloc__(self):
        dyna_end(&self.d)

    def learn(self, int32_t state, int32_t action, double reward, int32_t next_state,
              bint terminated):
        """Q-learning from one real step, which the model takes in."""
        cdef int32_t pair = state * <int32_t>self.q.shape[1] + action
        with self.lock:
            if dyna_learn(&self.d, pair, reward, next_state, terminated) != MCTS_OK:
                raise MemoryError

    def plan(self, int64_t steps, uint64_t seed):
        """Q-learning from simulated steps, drawn from the stream of SplitMix64 with that seed."""
        cdef uint64_t counter = seed
        cdef mcts_bitgen rng
        cdef int64_t stretch
        rng.state = &counter
        while steps > 0:
            stretch = min(AT_A_STRETCH, steps)
            with self.lock:
                with nogil:
                    dyna_plan(&self.d, stretch, &rng)
            steps -= stretch
            if steps > 0:
                PyErr_CheckSignals()

    def outcomes(self, int32_t state, int32_t action):
        """What the model says: (probability, next_state, reward, terminated) each."""
        with self.lock:
            return distribution_of(&self.d.seen, state * <int32_t>self.q.shape[1] + action)


def epsilon_greedy(const double[:, ::1] q not None, int32_t state, double epsilon, double explore,
                   double which):
    """An action of a state with a legal one.

    Args:
      q: the values.
      state: a row of it.
      epsilon: the probability of any legal action, each as likely; else one of the best.
      explore, which: two uniform draws from [0, 1).
    """
    return epsilon_greedy_action(&q[state, 0], <int32_t>q.shape[1], epsilon, explore, which)
