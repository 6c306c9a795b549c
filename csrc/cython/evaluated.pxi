# A model whose priors and values come from elsewhere: from a table, or from a Python function.

from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.pycapsule cimport PyCapsule_GetPointer

cdef extern from "Python.h":
    void PyErr_SetInterrupt()

cdef extern from "evaluated.h" nogil:
    enum:
        MCTS_OK
        MCTS_ERROR
        MCTS_MODEL_VALUES
        MCTS_MODEL_PRIORS

    ctypedef struct mcts_evaluation:
        void *data
        uint64_t gives
        int thread_safe
        int (*evaluate)(void *, const void *, double *, double *) noexcept nogil
        int (*evaluate_batch)(void *, int64_t, const void *, double *, double *,
                              int32_t *) noexcept nogil

    ctypedef struct mcts_evaluation_table:
        const double *values
        const double *priors
        int64_t max_actions

    ctypedef struct mcts_evaluated:
        pass

    void mcts_evaluation_fails(const char *)
    mcts_evaluated *mcts_evaluated_new(const mcts_model *, const mcts_evaluation *)
    void mcts_evaluated_free(mcts_evaluated *)
    const mcts_model *mcts_evaluated_model(const mcts_evaluated *)
    mcts_evaluation mcts_evaluation_of_table(mcts_evaluation_table *)


cdef class Evaluation:
    """What a capsule of an evaluated model keeps alive."""

    cdef mcts_evaluated *evaluated
    cdef mcts_evaluation_table table
    cdef object inner, arrays, function
    cdef Py_ssize_t state_bytes, stride
    cdef uint32_t max_actions, num_players

    def __dealloc__(self):
        mcts_evaluated_free(self.evaluated)

    cdef object capsule(self, inner, const mcts_evaluation *evaluation):
        cdef const mcts_model *model = <const mcts_model *>PyCapsule_GetPointer(
            inner, MCTS_MODEL_CAPSULE_NAME
        )
        self.inner = inner
        self.state_bytes = model.state_bytes
        self.stride = (self.state_bytes + 7) // 8 * 8
        self.max_actions, self.num_players = model.max_actions, model.num_players
        self.evaluated = mcts_evaluated_new(model, evaluation)
        if self.evaluated == NULL:
            raise MemoryError
        capsule = PyCapsule_New(
            <void *>mcts_evaluated_model(self.evaluated), MCTS_MODEL_CAPSULE_NAME, let_go
        )
        PyCapsule_SetContext(capsule, <void *>self)
        Py_INCREF(self)
        return capsule

    cdef int answer(self, int64_t count, const char *states, double *priors,
                    double *values) except -1:
        cdef uint8_t[:, ::1] rows = np.empty((count, self.state_bytes), np.uint8)
        cdef int64_t row
        for row in range(count):
            memcpy(&rows[row, 0], states + row * self.stride, self.state_bytes)
        answer = self.function(rows.base)
        if not (type(answer) is tuple and len(answer) == 2):
            raise TypeError(f"must return a tuple (priors, values); got {type(answer).__name__}")
        if priors != NULL:
            self.take("priors", answer[0], [count, self.max_actions], priors)
        if values != NULL:
            due = [count] if self.num_players == 1 else [count, self.num_players]
            self.take("values", answer[1], due, values)
        return 0

    cdef int take(self, str name, given, list due, double *to) except -1:
        if given is None or list(np.shape(given)) != due:
            found = "None" if given is None else f"of the shape {list(np.shape(given))}"
            raise TypeError(f"{name} is {found}; must be float64{due}")
        cdef const double[::1] numbers = np.ascontiguousarray(given, np.float64).reshape(-1)
        memcpy(to, &numbers[0], numbers.shape[0] * sizeof(double))
        return 0


cdef void let_go(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef int ask_rows(void *data, int64_t count, const void *states, double *priors, double *values,
                  int32_t *status) noexcept with gil:
    cdef Evaluation self = <Evaluation>data
    try:
        self.answer(count, <const char *>states, priors, values)
        return MCTS_OK
    except BaseException as error:
        tell(error)
    return MCTS_ERROR


cdef void tell(error) noexcept:
    """Says what an exception says, to this thread; an interrupt goes on to who waits for the plan."""
    try:
        text = f"evaluate_batch raised {type(error).__name__}: " + " ".join(str(error).split())
        mcts_evaluation_fails(text.encode("utf-8", "replace"))
    except BaseException:
        mcts_evaluation_fails(b"evaluate_batch failed")
    if isinstance(error, KeyboardInterrupt):  # last, or it would come up in here
        PyErr_SetInterrupt()


cdef int ask_row(void *data, const void *state, double *priors, double *values) noexcept nogil:
    cdef int32_t status = MCTS_OK
    return ask_rows(data, 1, state, priors, values, &status)


def evaluated_by_table(inner, values, priors):
    """The capsule of a model with states 0 .. n - 1, evaluated by a table.

    Args:
      inner: a model's capsule, whose states are one int64.
      values: float64[n], contiguous, or None: the model's own.
      priors: float64[n, max_actions], contiguous, or None: the model's own.
    """
    cdef Evaluation self = Evaluation.__new__(Evaluation)
    cdef const mcts_model *model = <const mcts_model *>PyCapsule_GetPointer(
        inner, MCTS_MODEL_CAPSULE_NAME
    )
    cdef const double[::1] value
    cdef const double[:, ::1] prior
    if values is not None:
        value = values
        self.table.values = &value[0]
    if priors is not None:
        prior = priors
        if prior.shape[1] != model.max_actions:
            raise ValueError(f"priors must have {model.max_actions} columns")
        self.table.priors = &prior[0, 0]
    self.table.max_actions = model.max_actions
    self.arrays = (values, priors)
    cdef mcts_evaluation evaluation = mcts_evaluation_of_table(&self.table)
    return self.capsule(inner, &evaluation)


def evaluated_by_function(inner, function, bint gives_values, bint gives_priors):
    """The capsule of a model that a Python function evaluates, with the GIL.

    Args:
      inner: a model's capsule.
      function: is given the bytes of N states, uint8[N, state_bytes]; returns (priors
        float64[N, max_actions] or None, values float64[N] or [N, num_players] or None).
      gives_values, gives_priors: what of these two it gives; the rest is the model's own.
    """
    cdef Evaluation self = Evaluation.__new__(Evaluation)
    cdef mcts_evaluation evaluation
    self.function = function
    evaluation.data = <void *>self
    evaluation.gives = (MCTS_MODEL_VALUES if gives_values else 0) | (
        MCTS_MODEL_PRIORS if gives_priors else 0
    )
    evaluation.thread_safe = False
    evaluation.evaluate = ask_row
    evaluation.evaluate_batch = ask_rows
    return self.capsule(inner, &evaluation)
