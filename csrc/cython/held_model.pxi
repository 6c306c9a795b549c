# What all models written in Python share: the core holds the GIL while it asks them.
#
# Their functions are called between `enter` and `leave`; they report by status and leave the
# exception in `error`.

cdef extern from "Python.h" nogil:
    ctypedef enum PyGILState_STATE:
        pass
    PyGILState_STATE PyGILState_LOCKED
    PyGILState_STATE PyGILState_Ensure()
    void PyGILState_Release(PyGILState_STATE)
    ctypedef struct PyThreadState:
        pass
    ctypedef struct PyInterpreterState:
        pass
    PyInterpreterState *PyInterpreterState_Get()
    PyThreadState *PyInterpreterState_ThreadHead(PyInterpreterState *)
    PyThreadState *PyThreadState_Next(PyThreadState *)
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)

cdef extern from "time.h" nogil:
    struct timespec:
        long tv_sec, tv_nsec
    int nanosleep(const timespec *, timespec *)

ctypedef int (*python_entry)(void *) noexcept nogil
ctypedef void (*python_exit)(void *) noexcept nogil

# What a model raises in place of an answer that nobody waits for, or that nobody can give: the whole
# run is over, and the model is asked nothing more.
cdef tuple GIVEN_UP = (Cancelled, DeadlineExpired, ReplicaLost)

# How long the GIL is held before others are let in, and for how long one stays away from it
# then, as far as the system's timer can tell.
cdef int64_t HOLD_NANOSECONDS = 1_000_000
cdef long PAUSE_NANOSECONDS = 1_000

cdef class HeldModel:
    """A model behind the native ABI that is asked with the GIL held, by one search at a time.

    Or by several that one thread runs together.
    """

    cdef mcts_model model
    cdef PyGILState_STATE gil
    cdef int64_t held_since
    cdef object error

    cdef void hold(self) noexcept:
        self.model.enter, self.model.leave = <python_entry>python_enter, <python_exit>python_leave


cdef int python_enter(void *ctx) noexcept:
    cdef PyGILState_STATE gil = PyGILState_Ensure()
    (<HeldModel>ctx).gil = gil
    return MCTS_OK


cdef void python_leave(void *ctx) noexcept:
    """Lets other threads run, if there are any, but no more often than is good for them.

    A thread that waits for the GIL is woken whenever it is let go, mostly finds it taken
    again, and starts to wait anew. What hands it over is to stay away from it for a moment.
    """
    cdef PyGILState_STATE gil = (<HeldModel>ctx).gil
    cdef int64_t now = search_now()
    cdef bint is_due = now - (<HeldModel>ctx).held_since >= HOLD_NANOSECONDS
    cdef bint pauses = is_due and gil == PyGILState_LOCKED and others_may_wait()
    cdef timespec moment
    cdef PyThreadState *thread
    if is_due:
        (<HeldModel>ctx).held_since = now
    PyGILState_Release(gil)
    if pauses:
        moment.tv_sec, moment.tv_nsec = 0, PAUSE_NANOSECONDS
        thread = PyEval_SaveThread()
        nanosleep(&moment, NULL)
        PyEval_RestoreThread(thread)


cdef inline bint others_may_wait() noexcept:
    """True if Python has a thread beside this one."""
    return PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) != NULL
