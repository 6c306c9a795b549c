# A Python object made to look like a native model.
#
# A state's bytes are the address of a Python object, of which they own one reference; where
# the model labels its actions, a second address follows it: that of the tuple of the state's
# actions, owned too, or NULL until they have been asked for.
#
#   8 or 16 bytes   | state | actions or NULL |
#
# So the labels live and move with the state, in the tree and in a rollout, and `actions` is
# asked once for each state that needs it. A state's identity is the number of its key in
# `keys`, a dict, so that the core compares eight bytes where Python has compared in full.
#
# Functions here are called by the core between `enter` and `leave` (see held_model.pxi).

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t)

ctypedef int (*python_sample)(void *, const void *, int64_t, mcts_bitgen *, void *, double *,
                              int32_t *, void *) noexcept nogil
ctypedef int (*python_actions)(void *, const void *, int32_t *, int32_t *) noexcept nogil
ctypedef int (*python_flag)(void *, const void *, int32_t *) noexcept nogil
ctypedef int (*python_key)(void *, const void *, void *) noexcept nogil
ctypedef int (*python_state)(void *, const void *) noexcept nogil
ctypedef void (*python_release)(void *, const void *) noexcept nogil
ctypedef int (*python_choice)(void *, const void *, mcts_bitgen *, int64_t *) noexcept nogil
ctypedef int (*python_outcomes)(void *, const void *, int64_t, int32_t *, double *, void *,
                                double *, int32_t *) noexcept nogil
ctypedef int (*python_value)(void *, const void *, double *, double *) noexcept nogil

# Of a model that does not say how many outcomes an action has at most.
cdef uint32_t MAX_OUTCOMES = 1024

from mcts_service.labels import MAX_LABELS, is_labelled

cdef type numpy_bool = np.bool_
cdef type array_type = np.ndarray


@cython.no_gc_clear
cdef class PythonModel(HeldModel):
    """A user's sample model, behind the native ABI.

    One search uses it at a time. Every attribute of the model is looked up here, once.
    """

    cdef object sample, state_key, legal_actions, actions, is_terminal, current_player
    cdef object value, prior, rollout_action, validate_state, transitions, observe
    cdef bint asks_prior
    cdef object generator
    cdef SplitMix64 stream
    cdef dict keys
    cdef uint64_t next_key
    cdef object root, root_shape
    cdef int64_t num_values
    cdef bint root_is_array, root_is_float, checks_states
    cdef readonly bint labelled
    cdef tuple sound_labels
    cdef list allowed
    cdef int32_t *allowed_numbers

    def __init__(self, model):
        self.sample = model.sample
        self.state_key = getattr(model, "state_key", None)
        self.labelled = is_labelled(model)
        self.actions = model.actions if self.labelled else None
        self.legal_actions = getattr(model, "legal_actions", None)
        self.is_terminal = getattr(model, "is_terminal", None)
        self.current_player = getattr(model, "current_player", None)
        self.value = getattr(model, "value", None)
        self.prior = getattr(model, "prior", None)
        self.rollout_action = getattr(model, "rollout_action", None)
        self.validate_state = getattr(model, "validate_state", None)
        self.transitions = getattr(model, "transitions", None)
        self.observe = getattr(model, "observe", None)
        self.num_values = num_values_of(model)
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
        m.min_return, m.max_return = getattr(model, "return_bounds", None) or (0.0, 0.0)
        m.state_bytes = m.key_bytes = sizeof(void *)
        m.num_players = getattr(model, "num_players", 1)
        self.hold()
        m.retain = <python_state>python_retain
        m.release = <python_release>python_drop
        m.key = <python_key>python_state_key
        m.sample = <python_sample>python_take_sample
        if self.observe is not None:
            m.observation_bytes = sizeof(uint64_t)
        if getattr(model, "deterministic", False):
            m.flags |= MCTS_MODEL_DETERMINISTIC
        if self.labelled:
            m.state_bytes = 2 * sizeof(void *)
            m.max_actions = getattr(model, "max_actions", MAX_LABELS)
            m.actions = <python_actions>python_labelled_actions
        else:
            m.num_actions = m.max_actions = model.num_actions
        if self.legal_actions is not None and not self.labelled:
            m.actions = <python_actions>python_legal_actions
        if self.is_terminal is not None:
            m.terminal = <python_flag>python_is_terminal
        if self.current_player is not None:
            m.player = <python_flag>python_current_player
        if self.rollout_action is not None:
            m.rollout_action = <python_choice>python_rollout_action
        if self.validate_state is not None:
            m.validate = <python_state>python_validate
        if self.transitions is not None:
            m.transitions = <python_outcomes>python_transitions
            m.max_outcomes = getattr(model, "max_outcomes", MAX_OUTCOMES)
        if self.value is not None or self.prior is not None:
            m.evaluate = <python_value>python_evaluate
        if self.value is not None:
            m.flags |= MCTS_MODEL_VALUES
        if self.prior is not None:
            m.flags |= MCTS_MODEL_PRIORS

    @property
    def has_value(self):
        return self.value is not None

    cdef begin(self, root):
        """Before a search from `root`, whose kind all states share."""
        self.keys.clear()
        self.next_key = 0
        self.error = self.allowed = None
        self.root = root
        self.root_is_array = isinstance(root, array_type)
        if self.root_is_array:
            self.root_shape = root.shape
            self.root_is_float = root.dtype.kind == "f"
        self.checks_states = (
            self.root_is_array
            or self.num_values > 0
            or isinstance(root, (float, tuple))
            or self.validate_state is not None
        )
        self.held_since = search_now()

    cdef forget(self):
        """After the last search: nothing of its states is kept."""
        self.keys.clear()
        self.next_key = 0
        self.error = self.root = None

    cdef allow(self, list labels, int32_t *numbers):
        """Has the next state that is asked for its actions, the root, number these labels.

        The core looks at the numbers after that; a label that is no action gets -1.
        """
        self.allowed, self.allowed_numbers = labels, numbers

    cdef forget_unused_keys(self, const tree *t):
        """After a tree was pruned: drops the keys of states that it holds no more."""
        cdef ref r = t.last_owned
        cdef node *n
        used = set()
        while r and t.key_size > 0:
            n = node_at(t, r)
            used.add((<uint64_t *>node_key(t, n))[0])
            r = node_previous_owned(t, n)[0]
        self.keys = {key: number for key, number in self.keys.items() if number in used}

    cdef tuple labels_of(self, const void *state):
        """The actions of a state, asked for once and kept beside it."""
        cdef PyObject **parts = <PyObject **>state
        cdef tuple labels
        if parts[1] == NULL:
            labels = self.ask_labels(<object>parts[0])
            Py_INCREF(labels)
            parts[1] = <PyObject *>labels
        return <tuple>parts[1]

    cdef tuple ask_labels(self, state):
        answer = self.actions(state)
        # Most models give the same tuple again and again: it is looked at once.
        if answer is self.sound_labels:
            return answer
        cdef tuple labels = tuple(answer)
        if <uint32_t>len(labels) > self.model.max_actions:
            raise ValueError(
                f"actions gives {len(labels)} actions; the model's max_actions is "
                f"{self.model.max_actions}"
            )
        self.require_distinct(labels)
        self.sound_labels = labels
        return labels

    cdef require_distinct(self, tuple labels):
        try:
            distinct = len(set(labels))
        except TypeError as error:
            raise TypeError(f"actions gives {labels!r:.80}; must be hashable ({error})") from None
        if distinct < len(labels):
            raise ValueError(f"actions gives {labels!r:.80}; must name each action once")

    cdef object action_of(self, const void *state, int64_t number):
        """What the model itself calls the core's action of that number."""
        if not self.labelled:
            return number
        return self.labels_of(state)[number]

    cdef int64_t number_of(self, const void *state, action) except -2:
        """The core's number of a label, -1 if it is no action of the state."""
        cdef tuple labels = self.labels_of(state)
        return labels.index(action) if action in labels else -1

    cdef uint64_t number_of_key(self, identity) except? 0:
        """The number that stands for a hashable, from 0 on in the order in which they came."""
        cdef uint64_t number = self.keys.setdefault(identity, self.next_key)
        self.next_key += number == self.next_key
        return number

    cdef int failed(self) noexcept:
        """Takes over the exception that is being raised."""
        try:
            raise_pending()
        except BaseException as error:
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
        elif self.num_values > 0:
            if not isinstance(state, Integral) or not 0 <= state < self.num_values:
                raise ValueError(
                    f"sample: next_state is {describe(state)}; must be an integer from 0 to "
                    f"{self.num_values - 1}"
                )
        elif state != state if type(state) is float else holds_nan(state):
            raise ValueError(f"sample: next_state has a NaN: {describe(state)}")
        if self.validate_state is not None:
            self.validate_state(state)


cdef int64_t num_values_of(model):
    """States are the integers below this, if the model's `state_spec` says so; else 0."""
    spec = getattr(model, "state_spec", None)
    return spec.num_values if spec is not None and spec.kind == "discrete" else 0


cdef bint holds_nan(state):
    """Of a tuple: whether one of its own elements is NaN."""
    if type(state) is not tuple:
        return False
    for element in <tuple>state:
        if type(element) is float and element != element:
            return True
    return False


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


cdef int raise_pending() except -1:
    """Goes on raising what the caller of an unchecked function finds raised."""
    return -1


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


cdef int read_priors(numbers, uint32_t due, double *out) except -1:
    """One number for each action."""
    cdef const double[::1] given
    cdef uint32_t i
    try:
        found = np.ascontiguousarray(numbers, np.float64)
    except (TypeError, ValueError):
        found = None
    if found is None or found.shape != (due,):
        raise TypeError(f"prior is {describe(numbers)}; must be {due} numbers, one for each action")
    given = found
    for i in range(due):
        out[i] = given[i]
    return 0


cdef int read_flag(flag, str name) except -1:
    if flag is True or flag is False:
        return flag is True
    if isinstance(flag, numpy_bool):
        return bool(flag)
    raise TypeError(f"{name} is {describe(flag)}; must be a bool")


cdef int python_retain(void *ctx, const void *state) noexcept:
    cdef PyObject **parts = <PyObject **>state
    Py_XINCREF(parts[0])
    if (<PythonModel>ctx).labelled:
        Py_XINCREF(parts[1])
    return MCTS_OK


cdef void python_drop(void *ctx, const void *state) noexcept:
    cdef PyObject **parts = <PyObject **>state
    Py_XDECREF(parts[0])
    if (<PythonModel>ctx).labelled:
        Py_XDECREF(parts[1])


cdef int take_sample(PythonModel self, const void *state, int64_t action, void *next_state,
                     double *rewards, int32_t *terminated) except -1:
    if self.labelled:
        answer = self.sample(state_at(state), self.labels_of(state)[action], self.generator)
    else:
        answer = self.sample(state_at(state), action, self.generator)
    if not (type(answer) is tuple and len(<tuple>answer) == 3):
        raise TypeError(
            "sample must return a tuple (next_state, reward, terminated); "
            f"got {describe(answer)}"
        )
    cdef PyObject *parts = <PyObject *>answer
    following = <object>PyTuple_GET_ITEM(parts, 0)
    read_numbers(<object>PyTuple_GET_ITEM(parts, 1), self.model.num_players, rewards,
                 "sample: the reward")
    terminated[0] = read_flag(<object>PyTuple_GET_ITEM(parts, 2), "sample: terminated")
    if self.checks_states or following is None:
        self.check_state(following)
    Py_INCREF(following)
    (<PyObject **>next_state)[0] = <PyObject *>following
    return MCTS_OK


# Called as one that raises nothing, so that the hot path saves no exception state: what it
# raises stays pending, and `failed` takes it over.
ctypedef int (*quiet_sample)(PythonModel, const void *, int64_t, void *, double *,
                             int32_t *) noexcept


cdef int python_take_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                            void *next_state, double *rewards, int32_t *terminated,
                            void *observation) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef uint64_t *counter = <uint64_t *>rng.state
    self.stream._counter = counter[0]
    cdef int status = (<quiet_sample>take_sample)(self, state, action, next_state, rewards,
                                                  terminated)
    if observation != NULL and status == MCTS_OK:
        status = python_observe(self, action, next_state, <uint64_t *>observation)
        if status < 0: # `failed` would find nothing that is being raised
            counter[0] = self.stream._counter
            return status
    counter[0] = self.stream._counter
    return status if status == MCTS_OK else self.failed()


cdef int python_observe(PythonModel self, int64_t action, void *next_state,
                        uint64_t *observation) noexcept:
    """What is seen of a step, as the number of that key; a state that fails is given back."""
    try:
        seen = self.observe(action, state_at(next_state), self.generator)
        if isinstance(seen, array_type):
            seen = (seen + 0.0 if seen.dtype.kind == "f" else seen).tobytes()
        observation[0] = self.number_of_key(seen)
    except BaseException as error:
        python_drop(<void *>self, next_state)
        if isinstance(error, TypeError) and "unhashable" in str(error):
            error = TypeError(f"observe gives a {type(seen).__name__}; must be hashable")
        self.error = error
        return MCTS_ERROR
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
        number = self.number_of_key(identity)
    except TypeError as error:
        self.error = TypeError(
            f"state_key: a state of type {type(state_at(state)).__name__} cannot be told from "
            f"others ({error}); give the model state_key(state), or make its states hashable"
        )
        return MCTS_ERROR
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
    (<uint64_t *>key)[0] = number
    return MCTS_OK


cdef int python_validate(void *ctx, const void *state) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        self.validate_state(state_at(state))
    except ValueError as error:
        self.error = error
        return MCTS_INVALID_STATE
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
    return MCTS_OK


cdef int python_is_terminal(void *ctx, const void *state, int32_t *terminal) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        terminal[0] = read_flag(self.is_terminal(state_at(state)), "is_terminal")
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
    return MCTS_OK


cdef int python_current_player(void *ctx, const void *state, int32_t *player) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        player[0] = PyNumber_Index(self.current_player(state_at(state)))
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
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
        self.error = error
        return MCTS_ERROR
    return MCTS_OK


cdef int python_labelled_actions(void *ctx, const void *state, int32_t *count,
                                 int32_t *actions) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef int32_t i
    try:
        labels = self.labels_of(state)
        count[0] = len(labels)
        for i in range(count[0]):
            actions[i] = i
        if self.allowed is not None:
            allowed, self.allowed = self.allowed, None
            for i in range(len(allowed)):
                self.allowed_numbers[i] = self.number_of(state, allowed[i])
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
    return MCTS_OK


cdef int python_rollout_action(void *ctx, const void *state, mcts_bitgen *rng,
                               int64_t *action) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef uint64_t *counter = <uint64_t *>rng.state
    self.stream._counter = counter[0]
    try:
        chosen = self.rollout_action(state_at(state), self.generator)
        action[0] = self.number_of(state, chosen) if self.labelled else PyNumber_Index(chosen)
        if self.labelled and action[0] < 0:
            raise ValueError(f"rollout_action is {describe(chosen)}; must be one of actions(state)")
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
    finally:
        counter[0] = self.stream._counter
    return MCTS_OK


cdef int python_evaluate(void *ctx, const void *state, double *priors, double *values) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    try:
        if priors != NULL:
            self.asks_prior = True
            due = self.model.num_actions or len(self.labels_of(state))
            read_priors(self.prior(state_at(state)), due, priors)
        self.asks_prior = False
        if values != NULL:
            read_numbers(self.value(state_at(state)), self.model.num_players, values, "value")
    except BaseException as error:
        self.error = error
        return MCTS_ERROR
    return MCTS_OK


cdef int python_transitions(void *ctx, const void *state, int64_t action, int32_t *count,
                            double *probabilities, void *next_states, double *rewards,
                            int32_t *terminated) noexcept:
    cdef PythonModel self = <PythonModel>ctx
    cdef uint32_t parts_of_state = 2 if self.labelled else 1
    cdef PyObject **following = <PyObject **>next_states
    cdef int32_t i = 0
    cdef uint32_t players = self.model.num_players
    try:
        for outcome in self.transitions(state_at(state), self.action_of(state, action)):
            probability, next_state, reward, ended = outcome
            if probability == 0:
                continue
            if <uint32_t>i == self.model.max_outcomes:
                raise ValueError(
                    f"transitions gives more than {self.model.max_outcomes} outcomes; declare "
                    "max_outcomes"
                )
            probabilities[i] = probability
            read_numbers(reward, players, &rewards[i * players], "transitions: the reward")
            terminated[i] = read_flag(ended, "transitions: terminated")
            self.check_state(next_state)
            Py_INCREF(next_state)
            following[i * parts_of_state] = <PyObject *>next_state
            i += 1
    except BaseException as error:
        while i > 0:
            i -= 1
            Py_XDECREF(following[i * parts_of_state])
        self.error = error
        return MCTS_ERROR
    count[0] = i
    return MCTS_OK
