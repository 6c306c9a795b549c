# A Python model that answers many questions in one call, made to look like a native one.
#
# A state's bytes are one row of the model's array and, behind it, what else the search will ask
# about the state, so that the model is asked for it in batches too:
#
#   | row: dtype[shape] | may act: uint8[A] | player: uint8 | pad | key: int64 |
#                         with masks          in games              with state_key_batch
#
# States are plain bytes, which the core copies and compares without Python.

from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from functools import partial

cdef extern from "mcts_model.h" nogil:
    double mcts_random_double(mcts_bitgen *)

ctypedef int (*batch_steps)(void *, int64_t, const void *, const int64_t *, mcts_bitgen *const *,
                            void *, double *, int32_t *, void *, double *, double *,
                            int32_t *) noexcept nogil
ctypedef int (*batch_values)(void *, int64_t, const void *, double *, double *,
                             int32_t *) noexcept nogil
ctypedef const char *(*python_text)(void *) noexcept nogil


def by_rows(function):
    """A function of one state as one of an array of states."""
    return lambda states: np.array([function(state) for state in states])


cdef object batch_form(model, str name):
    """A capability for many states: its own form, or that for one state row by row; or None."""
    function = getattr(model, f"{name}_batch", None)
    if function is None and callable(getattr(model, name, None)):
        function = by_rows(getattr(model, name))
    return function


cdef object masks_by_rows(model):
    """`legal_actions(state)` of one state as masks of many."""

    def masks(states):
        found = np.zeros((len(states), model.num_actions), np.bool_)
        for row, state in enumerate(states):
            found[row, list(model.legal_actions(state))] = True
        return found

    return masks


cdef object values_by_rows(model):
    """`value(state)` of one state as an `evaluate_batch`."""
    return lambda states: (None, np.array([model.value(state) for state in states]))


cdef class BatchModel(HeldModel):
    """A user's batch model, behind the native ABI.

    Any number of searches that one thread runs together use it. Every attribute of the model is
    looked up here, once.
    """

    cdef object sample_batch, evaluate_batch, legal_actions_batch, current_player_batch
    cdef object state_key_batch, is_terminal, validate_state, rollout_action
    cdef readonly object dtype
    cdef readonly tuple shape
    cdef size_t row_bytes, mask_at, player_at, key_at, stride
    cdef int64_t num_values
    cdef bint is_float
    cdef RowGenerator rng
    cdef object generator
    cdef SplitMix64 stream
    cdef bytes text

    def __init__(self, model, dtype, shape):
        """Of states that are rows of dtype[shape]."""
        self.dtype, self.shape = np.dtype(dtype), tuple(shape)
        self.is_float = self.dtype.kind == "f"
        self.sample_batch = model.sample_batch
        self.evaluate_batch = getattr(model, "evaluate_batch", None)
        if self.evaluate_batch is None and callable(getattr(model, "value", None)):
            self.evaluate_batch = values_by_rows(model)
        self.legal_actions_batch = getattr(model, "legal_actions_batch", None)
        if self.legal_actions_batch is None and callable(getattr(model, "legal_actions", None)):
            self.legal_actions_batch = masks_by_rows(model)
        self.current_player_batch = batch_form(model, "current_player")
        self.state_key_batch = getattr(model, "state_key_batch", None)
        self.is_terminal = batch_form(model, "is_terminal")
        self.validate_state = getattr(model, "validate_state", None)
        self.rollout_action = getattr(model, "rollout_action", None)
        self.num_values = num_values_of(model)
        self.rng = RowGenerator()
        self.stream = SplitMix64(0)
        self.generator = np.random.Generator(self.stream)
        self.held_since = search_now()
        self.fill(model)
        refusal = search_refuses(&self.model)
        if refusal != NULL:
            raise InvalidRequest("model", refusal.decode())

    cdef fill(self, model):
        cdef mcts_model *m = &self.model
        m.abi_version, m.struct_size = MCTS_MODEL_ABI_VERSION, sizeof(mcts_model)
        m.ctx = <void *>self
        m.discount = getattr(model, "discount", 1.0)
        m.num_actions = m.max_actions = model.num_actions
        m.num_players = getattr(model, "num_players", 1)
        self.lay_out()
        self.hold()
        m.error_text = <python_text>batch_error_text
        m.sample = <python_sample>batch_sample
        m.step_batch = <batch_steps>batch_step
        if getattr(model, "deterministic", False):
            m.flags |= MCTS_MODEL_DETERMINISTIC
        if self.legal_actions_batch is not None:
            m.actions = <python_actions>batch_actions
        if m.num_players > 1:
            m.player = <python_flag>batch_player
        if self.state_key_batch is not None:
            m.key, m.key_bytes = <python_key>batch_key, sizeof(int64_t)
        if self.is_terminal is not None:
            m.terminal = <python_flag>batch_is_terminal
        if self.validate_state is not None:
            m.validate = <python_state>batch_validate
        if self.rollout_action is not None:
            m.rollout_action = <python_choice>batch_rollout_action
        if self.evaluate_batch is not None:
            m.evaluate, m.evaluate_batch = <python_value>batch_evaluate, <batch_values>batch_value
            m.flags |= MCTS_MODEL_VALUES

    cdef lay_out(self):
        cdef size_t end
        self.row_bytes = max(self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64)), 1)
        self.mask_at = end = self.row_bytes
        if self.legal_actions_batch is not None:
            end += self.model.num_actions
        self.player_at = end
        if self.model.num_players > 1:
            if self.current_player_batch is None:
                raise InvalidRequest("model", "current_player_batch is missing in a game")
            end += 1
        self.key_at = arena_round(end)
        if self.state_key_batch is not None:
            end = self.key_at + sizeof(int64_t)
        self.model.state_bytes = end
        self.stride = arena_round(end)

    # ---- rows as arrays

    cdef object array_of(self, const void *states, int64_t count):
        """The rows of some states, as an array of its own."""
        rows = np.empty((count, *self.shape), self.dtype)
        cdef Py_buffer view
        cdef int64_t i
        PyObject_GetBuffer(rows, &view, PyBUF_WRITABLE)
        for i in range(count):
            memcpy(<char *>view.buf + i * self.row_bytes, <const char *>states + i * self.stride,
                   self.row_bytes)
        PyBuffer_Release(&view)
        return rows

    cdef int put_rows(self, array, void *to, size_t at, size_t bytes, int64_t count) except -1:
        """Copies the rows of an array into the states, `at` bytes from where each begins."""
        cdef Py_buffer view
        cdef int64_t i
        PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
        for i in range(count):
            memcpy(<char *>to + i * self.stride + at, <char *>view.buf + i * bytes, bytes)
        PyBuffer_Release(&view)
        return 0

    cdef object rows_of(self, answer, int64_t count, str name):
        """An answer of the model as rows of its states: dtype[N, shape], contiguous."""
        array = np.asarray(answer)
        due = (count, *self.shape)
        if array.shape != due or not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"{name} is {array.dtype}{list(array.shape)}; must be {self.dtype}{list(due)}"
            )
        array = np.ascontiguousarray(array, self.dtype)
        # Adding zero turns -0.0 into 0.0: equal states have equal bytes.
        return array + self.dtype.type(0) if self.is_float else array

    cdef object numbers_of(self, answer, int64_t count, str name):
        """An answer of one number a row, or in a game one for each player: float64, contiguous."""
        array = np.ascontiguousarray(answer, np.float64)
        players = self.model.num_players
        if array.size != count * players or (array.shape[0] if array.ndim else 1) != count:
            due = [count] if players == 1 else [count, players]
            raise TypeError(f"{name} is {array.dtype}{list(np.shape(answer))}; must be float64{due}")
        return array

    cdef int annotate(self, states, void *to, int64_t count) except -1:
        """Writes what is kept behind the rows of `states`."""
        if self.legal_actions_batch is not None:
            masks = np.ascontiguousarray(self.legal_actions_batch(states), np.bool_)
            if masks.shape != (count, self.model.num_actions):
                raise TypeError(
                    f"legal_actions_batch gives bool{list(masks.shape)}; must give "
                    f"bool[{count}, {self.model.num_actions}]"
                )
            self.put_rows(masks, to, self.mask_at, self.model.num_actions, count)
        if self.model.num_players > 1:
            players = np.asarray(self.current_player_batch(states))
            if players.shape != (count,) or players.dtype.kind not in "iu":
                raise TypeError(
                    f"current_player_batch gives {players.dtype}{list(players.shape)}; must give "
                    f"int64[{count}]"
                )
            # An unknown player is the core's to refuse: 255 is none.
            sound = (players >= 0) & (players < 255)
            players = np.where(sound, players, 255).astype(np.uint8)
            self.put_rows(players, to, self.player_at, 1, count)
        if self.state_key_batch is not None:
            keys = np.ascontiguousarray(self.state_key_batch(states))
            if keys.shape != (count,) or keys.dtype.kind not in "iu":
                raise TypeError(
                    f"state_key_batch gives {keys.dtype}{list(keys.shape)}; must give "
                    f"int64[{count}]"
                )
            self.put_rows(keys.astype(np.int64), to, self.key_at, sizeof(int64_t), count)
        return 0

    def pack(self, state):
        """The bytes of a state: its row, and what is kept behind it.

        Raises:
          InvalidRequest: it is no row of the model's states.
        """
        try:
            row = np.asarray(state)
        except ValueError:
            row = None
        if row is None or row.shape != self.shape or (
            not np.can_cast(row.dtype, self.dtype, "same_kind")
        ):
            found = type(state).__name__ if row is None else f"{row.dtype}{list(row.shape)}"
            raise InvalidRequest("state", f"is {found}; must be {self.dtype}{list(self.shape)}")
        if self.is_float and np.isnan(row).any():
            raise InvalidRequest("state", "has a NaN; every element must be a number")
        if self.num_values > 0 and not 0 <= row < self.num_values:
            raise InvalidRequest("state", f"is {row}; must be from 0 to {self.num_values - 1}")
        rows = self.rows_of(row[np.newaxis], 1, "state")
        packed = bytearray(self.stride)
        cdef unsigned char[::1] view = packed
        self.put_rows(rows, &view[0], 0, self.row_bytes, 1)
        self.annotate(rows, &view[0], 1)
        return bytes(packed)

    cdef object unpack(self, const void *state):
        """The row of a state, an array of its own, or a NumPy scalar."""
        return self.array_of(state, 1)[0]

    # ---- questions

    cdef int step(self, int64_t count, const void *states, const int64_t *actions,
                  mcts_bitgen **rngs, void *next_states, double *rewards, int32_t *terminated,
                  double *priors, double *values, int32_t *status) except -1:
        cdef int64_t i
        chosen = np.empty(count, np.int64)
        cdef int64_t[::1] out = chosen
        for i in range(count):
            out[i] = actions[i]
        self.rng.rows, self.rng.count = rngs, count
        try:
            answer = self.sample_batch(self.array_of(states, count), chosen, self.rng)
        finally:
            self.rng.rows, self.rng.count = NULL, 0
        if not (type(answer) is tuple and len(<tuple>answer) == 3):
            raise TypeError(
                "sample_batch must return a tuple (next_states, rewards, terminated); got "
                f"{describe(answer)}"
            )
        following = self.rows_of(answer[0], count, "sample_batch: next_states")
        cdef const double[::1] given = self.numbers_of(
            answer[1], count, "sample_batch: rewards"
        ).reshape(-1)
        ends = np.asarray(answer[2])
        if ends.shape != (count,) or ends.dtype != np.bool_:
            raise TypeError(
                f"sample_batch: terminated is {ends.dtype}{list(ends.shape)}; must be bool[{count}]"
            )
        cdef const unsigned char[::1] ended = np.ascontiguousarray(ends).view(np.uint8)
        self.put_rows(following, next_states, 0, self.row_bytes, count)
        self.annotate(following, next_states, count)
        for i in range(count * self.model.num_players):
            rewards[i] = given[i]
        for i in range(count):
            terminated[i] = ended[i]
        self.refuse_rows(following, status)
        if priors != NULL or values != NULL:
            self.evaluate(following, count, priors, values)
        return 0

    cdef int refuse_rows(self, following, int32_t *status) except -1:
        """Marks the rows that are no states: a NaN, or a number that is out of range."""
        if self.is_float:
            wrong = np.isnan(following)
            text = "sample_batch: next_states has a NaN"
        elif self.num_values > 0:
            wrong = (following < 0) | (following >= self.num_values)
            text = f"sample_batch: next_states has a state that is not from 0 to {self.num_values - 1}"
        else:
            return 0
        if wrong.any():
            self.text = text.encode()
            self.error = None
            for row in np.flatnonzero(wrong.reshape(len(following), -1).any(axis=1)):
                status[<int64_t>row] = MCTS_ERROR
        return 0

    cdef int evaluate(self, states, int64_t count, double *priors, double *values) except -1:
        answer = self.evaluate_batch(states)
        if not (type(answer) is tuple and len(<tuple>answer) == 2):
            raise TypeError(
                f"evaluate_batch must return a tuple (priors, values); got {describe(answer)}"
            )
        cdef const double[::1] numbers
        cdef int64_t i
        cdef uint32_t actions = self.model.num_actions
        if values != NULL:
            if answer[1] is None:
                raise TypeError("evaluate_batch gives no values")
            numbers = self.numbers_of(answer[1], count, "evaluate_batch: values").reshape(-1)
            for i in range(numbers.shape[0]):
                values[i] = numbers[i]
        if priors != NULL:
            given = np.ascontiguousarray(answer[0], np.float64)
            if given.shape != (count, actions):
                raise TypeError(
                    f"evaluate_batch: priors is {given.dtype}{list(given.shape)}; must be "
                    f"float64[{count}, {actions}]"
                )
            numbers = given.reshape(-1)
            for i in range(numbers.shape[0]):
                priors[i] = numbers[i]
        return 0

    cdef int fail(self, str function, error) noexcept:
        """Keeps an exception, and what it says in a line."""
        self.error = error
        try:
            text = in_one_line(error)
            if not text.startswith(function):
                text = f"{function} raised {type(error).__name__}: {text}"
            self.text = text.encode("utf-8", "replace")
        except BaseException:
            self.text = b"the model failed"
        return MCTS_ERROR


cdef const char *batch_error_text(void *ctx) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    return NULL if self.text is None else PyBytes_AS_STRING(self.text)


cdef int batch_step(void *ctx, int64_t count, const void *states, const int64_t *actions,
                    mcts_bitgen *const *rngs, void *next_states, double *rewards,
                    int32_t *terminated, void *observations, double *priors, double *values,
                    int32_t *status) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    try:
        self.step(count, states, actions, <mcts_bitgen **>rngs, next_states, rewards, terminated,
                  priors, values, status)
    except BaseException as error:
        return self.fail("sample_batch", error)
    return MCTS_OK


cdef int batch_sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng,
                      void *next_state, double *rewards, int32_t *terminated,
                      void *observation) noexcept:
    cdef int32_t status = MCTS_OK
    cdef int done = batch_step(ctx, 1, state, &action, &rng, next_state, rewards, terminated,
                               observation, NULL, NULL, &status)
    return done if done < 0 else status


cdef int batch_value(void *ctx, int64_t count, const void *states, double *priors, double *values,
                     int32_t *status) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    try:
        self.evaluate(self.array_of(states, count), count, priors, values)
    except BaseException as error:
        return self.fail("evaluate_batch", error)
    return MCTS_OK


cdef int batch_evaluate(void *ctx, const void *state, double *priors, double *values) noexcept:
    cdef int32_t status = MCTS_OK
    return batch_value(ctx, 1, state, priors, values, &status)


cdef int batch_actions(void *ctx, const void *state, int32_t *count, int32_t *actions) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    cdef const unsigned char *mask = <const unsigned char *>state + self.mask_at
    cdef int32_t i, found = 0
    for i in range(<int32_t>self.model.num_actions):
        if mask[i]:
            actions[found] = i
            found += 1
    count[0] = found
    return MCTS_OK


cdef int batch_player(void *ctx, const void *state, int32_t *player) noexcept:
    player[0] = (<const unsigned char *>state + (<BatchModel>ctx).player_at)[0]
    return MCTS_OK


cdef int batch_key(void *ctx, const void *state, void *key) noexcept:
    memcpy(key, <const char *>state + (<BatchModel>ctx).key_at, sizeof(int64_t))
    return MCTS_OK


cdef int batch_is_terminal(void *ctx, const void *state, int32_t *terminal) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    try:
        terminal[0] = read_flag(self.is_terminal(self.array_of(state, 1))[0], "is_terminal_batch")
    except BaseException as error:
        return self.fail("is_terminal_batch", error)
    return MCTS_OK


cdef int batch_validate(void *ctx, const void *state) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    try:
        self.validate_state(self.unpack(state))
    except ValueError as error:
        self.fail("validate_state", error)
        return MCTS_INVALID_STATE
    except BaseException as error:
        return self.fail("validate_state", error)
    return MCTS_OK


cdef int batch_rollout_action(void *ctx, const void *state, mcts_bitgen *rng,
                              int64_t *action) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    cdef uint64_t *counter = <uint64_t *>rng.state
    self.stream._counter = counter[0]
    try:
        action[0] = PyNumber_Index(self.rollout_action(self.unpack(state), self.generator))
    except BaseException as error:
        return self.fail("rollout_action", error)
    finally:
        counter[0] = self.stream._counter
    return MCTS_OK
