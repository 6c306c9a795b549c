# A Python object made to look like a native model.
#
# A state's bytes are the address of a Python object, of which they own one reference. Its
# identity is the number of its key in `keys`, a dict, so that the core compares eight bytes
# where Python has compared in full. Functions here are called by the core between `enter`
# and `leave`, with the GIL held; they report by status and leave the exception in `error`.

cdef extern from "Python.h" nogil:
    ctypedef enum PyGILState_STATE:
        pass
    PyGILState_STATE PyGILState_Ensure()
    void PyGILState_Release(PyGILState_STATE)

ctypedef int (*python_sample)(void *, const void *, int64_t, mcts_bitgen *, void *, double *,
                              int32_t *, void *) noexcept nogil
ctypedef int (*python_actions)(void *, const void *, int32_t *, int32_t *) noexcept nogil
ctypedef int (*python_flag)(void *, const void *, int32_t *) noexcept nogil
ctypedef int (*python_key)(void *, const void *, void *) noexcept nogil
ctypedef int (*python_state)(void *, const void *) noexcept nogil
ctypedef void (*python_release)(void *, const void *) noexcept nogil
ctypedef int (*python_choice)(void *, const void *, mcts_bitgen *, int64_t *) noexcept nogil
ctypedef int (*python_value)(void *, const void *, double *, double *) noexcept nogil

cdef type numpy_bool = np.bool_
cdef type array_type = np.ndarray


@cython.no_gc_clear
cdef class PythonModel:
    """A user's sample model, behind the native ABI.

    One search uses it at a time. Every attribute of the model is looked up here, once.
    """

    cdef mcts_model model
    cdef object sample, state_key, legal_actions, is_terminal, current_player
    cdef object value, rollout_action, validate_state
    cdef object generator
    cdef SplitMix64 stream
    cdef dict keys
    cdef object root, root_shape
    cdef bint root_is_array, root_is_float
    cdef PyGILState_STATE gil
    cdef object error

    def __init__(self, model):
        self.sample = model.sample
        self.state_key = getattr(model, "state_key", None)
        self.legal_actions = getattr(model, "legal_actions", None)
        self.is_terminal = getattr(model, "is_terminal", None)
        self.current_player = getattr(model, "current_player", None)
        self.value = getattr(model, "value", None)
        self.rollout_action = getattr(model, "rollout_action", None)
        self.validate_state = getattr(model, "validate_state", None)
        self.stream = SplitMix64(0)
        self.generator = np.random.Generator(self.stream)
        self.keys = {}
        self.fill(model)
        refusal = search_refuses(&self.model)
        if refusal != NULL:
            raise InvalidRequest("model", refusal.decode())

    cdef fill(self, model):
        cdef mcts_model *m = &self.model
        m.abi_version = MCTS_MODEL_ABI_VERSION
        m.struct_size = sizeof(mcts_model)
        m.ctx = <void *>self
        m.discount = getattr(model, "discount", 1.0)
        m.state_bytes = m.key_bytes = sizeof(void *)
        m.num_actions = m.max_actions = model.num_actions
        m.num_players = getattr(model, "num_players", 1)
        m.enter, m.leave = python_enter, python_leave
        m.retain = <python_state>python_retain
        m.release = <python_release>python_drop
        m.key = <python_key>python_state_key
        m.sample = <python_sample>python_take_sample
        if getattr(model, "deterministic", False):
            m.flags |= MCTS_MODEL_DETERMINISTIC
        if self.legal_actions is not None:
            m.actions = <python_actions>python_legal_actions
        if self.is_terminal is not None:
            m.terminal = <python_flag>python_is_terminal
        if self.current_player is not None:
            m.player = <python_flag>python_current_player
        if self.rollout_action is not None:
            m.rollout_action = <python_choice>python_rollout_action
        if self.validate_state is not None:
            m.validate = <python_state>python_validate
        if self.value is not None:
            m.evaluate = <python_value>python_evaluate
            m.flags |= MCTS_MODEL_VALUES

    @property
    def has_value(self):
        return self.value is not None

    cdef begin(self, root):
        """Before a search from `root`, whose kind all states share."""
        self.keys.clear()
        self.error = None
        self.root = root
        self.root_is_array = isinstance(root, array_type)
        if self.root_is_array:
            self.root_shape = root.shape
            self.root_is_float = root.dtype.kind == "f"

    cdef int failed(self, error) noexcept:
        self.error = error
        return MCTS_ERROR

    cdef check_state(self, state):
        """What a wrong simulator gets wrong most: shapes, and NaN."""
        if self.root_is_array:
            if not isinstance(state, array_type) or state.shape != self.root_shape:
                raise TypeError(
                    f"sample: next_state is {describe(state)}; must be {describe(self.root)}"
                )
            if self.root_is_float and has_nan(state):
                raise ValueError(f"sample: next_state has a NaN: {state!r}")
        elif state is None and self.root is not None:
            raise TypeError(f"sample: next_state is None; must be {describe(self.root)}")
        if self.validate_state is not None:
            self.validate_state(state)


cdef str describe(value):
    if isinstance(value, array_type):
        return f"an array of {value.dtype}{list(value.shape)}"
    return f"{type(value).__name__} {value!r:.80}"


cdef bint has_nan(state) except -1:
    cdef const double[::1] doubles
    cdef Py_ssize_t i
    if state.dtype == np.float64 and state.flags.c_contiguous:
        doubles = state.reshape(-1)
        for i in range(doubles.shape[0]):
            if isnan(doubles[i]):
                return True
        return False
    return bool(np.isnan(state).any())


cdef inline object state_at(const void *state):
    return <object>(<PyObject **>state)[0]


cdef int read_numbers(numbers, uint32_t players, double *out, str name) except -1:
    """One number, or in a game one for each player."""
    cdef uint32_t p
    if players == 1 and type(numbers) is float:
        out[0] = numbers
        return 0
    try:
        if players == 1:
            out[0] = numbers
            return 0
        if len(numbers) == players:
            for p in range(players):
                out[p] = numbers[p]
            return 0
    except (TypeError, ValueError, OverflowError):
        pass
    due = "a number" if players == 1 else f"one number for each of the {players} players"
    raise TypeError(f"{name} is {describe(numbers)}; must be {due}")


cdef int read_flag(flag, str name) except -1:
    if flag is True or flag is False:
        return flag is True
    if isinstance(flag, numpy_bool):
        return bool(flag)
    raise TypeError(f"{name} is {describe(flag)}; must be a bool")


cdef int python_enter(void *ctx) noexcept nogil:
    cdef PyGILState_STATE state = PyGILState_Ensure()
    with gil:
        (<PythonModel>ctx).gil = state
    return MCTS_OK


cdef void python_leave(void *ctx) noexcept nogil:
    cdef PyGILState_STATE state
    with gil:
        state = (<PythonModel>ctx).gil
    PyGILState_Release(state)


cdef int python_retain(void *ctx, const void *state) noexcept:
    Py_XINCREF((<PyObject **>state)[0])
    return MCTS_OK


cdef void python_drop(void *ctx, const void *state) noexcept:
    Py_XDECREF((<PyObject **>state)[0])


cdef int python_take_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                            void *next_state, double *rewards, int32_t *terminated,
                            void *observation) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef uint64_t *counter = <uint64_t *>rng.state
    self.stream._counter = counter[0]
    try:
        answer = self.sample(state_at(state), action, self.generator)
        if not (type(answer) is tuple and len(<tuple>answer) == 3):
            raise TypeError(
                "sample must return a tuple (next_state, reward, terminated); "
                f"got {describe(answer)}"
            )
        following, reward, ended = <tuple>answer
        read_numbers(reward, self.model.num_players, rewards, "sample: the reward")
        terminated[0] = read_flag(ended, "sample: terminated")
        self.check_state(following)
    except BaseException as error:
        return self.failed(error)
    finally:
        counter[0] = self.stream._counter
    Py_INCREF(following)
    (<PyObject **>next_state)[0] = <PyObject *>following
    return MCTS_OK


cdef int python_state_key(void *ctx, const void *state, void *key) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef uint64_t number
    try:
        subject = state_at(state)
        if self.state_key is not None:
            identity = self.state_key(subject)
        elif isinstance(subject, array_type):
            # Adding zero turns -0.0 into 0.0: equal arrays have equal bytes.
            identity = (subject + 0.0 if self.root_is_float else subject).tobytes()
        else:
            identity = subject
        number = self.keys.setdefault(identity, len(self.keys))
    except TypeError as error:
        return self.failed(TypeError(
            f"state_key: a state of type {type(state_at(state)).__name__} cannot be told from "
            f"others ({error}); give the model state_key(state), or make its states hashable"
        ))
    except BaseException as error:
        return self.failed(error)
    (<uint64_t *>key)[0] = number
    return MCTS_OK


cdef int python_validate(void *ctx, const void *state) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        self.validate_state(state_at(state))
    except ValueError as error:
        self.failed(error)
        return MCTS_INVALID_STATE
    except BaseException as error:
        return self.failed(error)
    return MCTS_OK


cdef int python_is_terminal(void *ctx, const void *state, int32_t *terminal) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        terminal[0] = read_flag(self.is_terminal(state_at(state)), "is_terminal")
    except BaseException as error:
        return self.failed(error)
    return MCTS_OK


cdef int python_current_player(void *ctx, const void *state, int32_t *player) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        player[0] = PyNumber_Index(self.current_player(state_at(state)))
    except BaseException as error:
        return self.failed(error)
    return MCTS_OK


cdef int python_legal_actions(void *ctx, const void *state, int32_t *count,
                              int32_t *actions) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef int32_t i = 0
    try:
        legal = sorted(self.legal_actions(state_at(state)))
        if len(legal) > self.model.max_actions:
            raise ValueError(
                f"legal_actions gives {len(legal)} actions; num_actions is "
                f"{self.model.num_actions}"
            )
        for action in legal:
            actions[i] = PyNumber_Index(action)
            i += 1
        count[0] = i
    except BaseException as error:
        return self.failed(error)
    return MCTS_OK


cdef int python_rollout_action(void *ctx, const void *state, mcts_bitgen *rng,
                               int64_t *action) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef uint64_t *counter = <uint64_t *>rng.state
    self.stream._counter = counter[0]
    try:
        action[0] = PyNumber_Index(self.rollout_action(state_at(state), self.generator))
    except BaseException as error:
        return self.failed(error)
    finally:
        counter[0] = self.stream._counter
    return MCTS_OK


cdef int python_evaluate(void *ctx, const void *state, double *priors, double *values) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        read_numbers(self.value(state_at(state)), self.model.num_players, values, "value")
    except BaseException as error:
        return self.failed(error)
    return MCTS_OK
