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


# As much of what a model says as the core keeps.
cdef Py_ssize_t TEXT_BYTES = 255


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


cdef object evaluation_by_rows(model):
    """`prior(state)` and `value(state)` of one state as an `evaluate_batch`; None: it has none."""
    functions = [getattr(model, name, None) for name in ("prior", "value")]
    if not any(map(callable, functions)):
        return None

    def evaluate_batch(states):
        return tuple([
            np.array([function(state) for state in states]) if callable(function) else None
            for function in functions
        ])

    return evaluate_batch


cdef class BatchModel(HeldModel):
    """A user's batch model, behind the native ABI.

    Any number of searches that one thread runs together use it. Every attribute of the model is
    looked up here, once.
    """

    cdef object sample_batch, evaluate_batch, legal_actions_batch, current_player_batch
    cdef object state_key_batch, is_terminal, refused_states_batch, validate_state, rollout_action
    cdef readonly object dtype
    cdef readonly tuple shape
    cdef size_t row_bytes, mask_at, player_at, key_at, stride
    cdef int64_t num_values
    cdef bint is_float, has_notes, gives_priors, gives_values
    cdef RowGenerator rng
    cdef object generator
    cdef SplitMix64 stream
    cdef str asking  # the function that is being asked
    cdef bytes text  # of what failed last
    cdef dict errors  # by their texts: one call may fail for several rows
    cdef bint is_interrupted  # everything fails from then on: the run was given up, or by no Exception
    cdef bint gives_up_alone  # giving up ends the search that asked, as runs have limits of their own

    def __init__(self, model, dtype, shape):
        """Of states that are rows of dtype[shape]."""
        self.dtype, self.shape = np.dtype(dtype).newbyteorder("="), tuple(shape)
        self.errors = {}
        self.is_float = self.dtype.kind == "f"
        self.sample_batch = model.sample_batch
        self.evaluate_batch = getattr(model, "evaluate_batch", None)
        self.gives_priors = getattr(model, "gives_priors", False)
        self.gives_values = self.evaluate_batch is not None
        if self.evaluate_batch is None:
            self.evaluate_batch = evaluation_by_rows(model)
            self.gives_priors = callable(getattr(model, "prior", None))
            self.gives_values = callable(getattr(model, "value", None))
        self.legal_actions_batch = getattr(model, "legal_actions_batch", None)
        if self.legal_actions_batch is None and callable(getattr(model, "legal_actions", None)):
            self.legal_actions_batch = masks_by_rows(model)
        self.current_player_batch = batch_form(model, "current_player")
        self.state_key_batch = batch_form(model, "state_key")
        self.is_terminal = batch_form(model, "is_terminal")
        self.validate_state = getattr(model, "validate_state", None)
        self.refused_states_batch = getattr(model, "refused_states_batch", None)
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
        m.min_return, m.max_return = getattr(model, "return_bounds", None) or (0.0, 0.0)
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
        if self.rollout_action is not None:
            m.rollout_action = <python_choice>batch_rollout_action
        if self.evaluate_batch is not None:
            m.evaluate, m.evaluate_batch = <python_value>batch_evaluate, <batch_values>batch_value
        if self.gives_values:
            m.flags |= MCTS_MODEL_VALUES
        if self.gives_priors:
            m.flags |= MCTS_MODEL_PRIORS

    cdef lay_out(self):
        cdef size_t end
        self.row_bytes = self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))
        self.mask_at = end = self.row_bytes or 1
        if self.legal_actions_batch is not None:
            end += self.model.num_actions
        self.player_at = end
        if self.model.num_players > 1:
            if self.current_player_batch is None:
                raise InvalidRequest("model", "current_player_batch is missing in a game")
            end += 1
        self.has_notes = end > self.mask_at or self.state_key_batch is not None
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
        if array.shape == due and array.dtype == self.dtype and not self.is_float:
            return np.ascontiguousarray(array)
        if array.shape != due or not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"{name} is {array.dtype}{list(array.shape)}; must be {self.dtype}{list(due)}"
            )
        if not fits(array, self.dtype):
            raise TypeError(f"{name} has a number that does not fit into {self.dtype}")
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

    cdef int annotate(self, states, sound, ends, void *to, int64_t count) except -1:
        """Writes what is kept behind the rows of `states`.

        The model is asked about those alone that are `sound`: bool[N]; and where it `ends`:
        bool[N], nobody is to move.
        """
        if not self.has_notes:
            return 0
        goes_on = sound & ~ends
        live = picked(states, goes_on)
        if self.legal_actions_batch is not None and len(live):
            self.asking = "legal_actions_batch"
            masks = np.asarray(self.legal_actions_batch(live))
            due = (len(live), self.model.num_actions)
            if masks.shape != due or masks.dtype != np.bool_:
                raise TypeError(
                    f"legal_actions_batch gives {masks.dtype}{list(masks.shape)}; must give "
                    f"bool{list(due)}"
                )
            self.put_rows(spread(masks, goes_on), to, self.mask_at, self.model.num_actions, count)
        if self.model.num_players > 1 and len(live):
            self.asking = "current_player_batch"
            players = np.asarray(self.current_player_batch(live))
            if players.shape != (len(live),) or players.dtype.kind not in "iu":
                raise TypeError(
                    f"current_player_batch gives {players.dtype}{list(players.shape)}; must give "
                    f"int64[{len(live)}]"
                )
            # An unknown player is the core's to refuse: 255 is none.
            sound = (players >= 0) & (players < 255)
            players = np.where(sound, players, 255).astype(np.uint8)
            self.put_rows(spread(players, goes_on), to, self.player_at, 1, count)
        states = picked(states, sound)
        if self.state_key_batch is not None and len(states):
            self.asking = "state_key_batch"
            keys = np.ascontiguousarray(self.state_key_batch(states))
            if keys.shape != (len(states),) or keys.dtype.kind not in "iu":
                raise TypeError(
                    f"state_key_batch gives {keys.dtype}{list(keys.shape)}; must give "
                    f"int64[{len(states)}]"
                )
            self.put_rows(spread(keys.astype(np.int64), sound), to, self.key_at, sizeof(int64_t), count)
        return 0

    def pack(self, state, bint is_root=True):
        """The bytes of a state: its row, and what is kept behind it.

        Args:
          state: an array or number.
          is_root: it is to be planned from.
        Raises:
          InvalidRequest: it is no row of the model's states, or the model refuses it as a root.
          TerminalState: there is nothing to plan.
          ModelFault: the model could not say what is kept behind the row.
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
        if not fits(row, self.dtype):
            raise InvalidRequest("state", f"has a number that does not fit into {self.dtype}")
        if self.is_float and np.isnan(row).any():
            raise InvalidRequest("state", "has a NaN; every element must be a number")
        if self.num_values > 0 and not 0 <= row < self.num_values:
            raise InvalidRequest("state", f"is {row}; must be from 0 to {self.num_values - 1}")
        rows = self.rows_of(row[np.newaxis], 1, "state")
        packed = bytearray(self.stride)
        cdef unsigned char[::1] view = packed
        self.put_rows(rows, &view[0], 0, self.row_bytes, 1)
        if is_root and self.validate_state is not None:
            self.validate(rows[0].copy())
        try:
            refused = self.refused(rows) if is_root else {}
            if not refused:
                ends = self.ends_of(rows)
                self.annotate(rows, np.ones(1, np.bool_), ends, &view[0], 1)
        except GIVEN_UP:
            raise
        except Exception as error:
            raise ModelFault(self.text_of(error)) from error
        for error in refused.values():
            raise error
        if is_root and ends[0]:
            raise root_is_terminal()
        return bytes(packed)

    cdef bytes pack_together(self, list states, dict refused):
        """The bytes of states to be planned from, one behind the other.

        Args:
          states: arrays or numbers.
          refused: {row: error} of states that there is nothing to plan from; is filled in.
        Returns:
          None where each is to be packed by itself, as it may be wrong or the model refuse it.
        """
        if self.validate_state is not None:
            return None
        try:
            rows = np.array(states)
        except ValueError:
            return None
        cdef Py_ssize_t count = len(states)
        if rows.shape != (count, *self.shape) or rows.dtype != self.dtype:
            return None
        if self.is_float and np.isnan(rows).any():
            return None
        if self.num_values > 0 and ((rows < 0) | (rows >= self.num_values)).any():
            return None
        rows = self.rows_of(rows, count, "states")
        packed = bytearray(count * self.stride)
        cdef unsigned char[::1] view = packed
        self.put_rows(rows, &view[0], 0, self.row_bytes, count)
        sound = np.ones(count, np.bool_)
        try:
            refused.update(self.refused(rows))
            sound[list(refused)] = False
            if not sound.any():
                return bytes(packed)
            ends = spread(self.ends_of(picked(rows, sound)), sound)
            self.annotate(rows, sound, ends, &view[0], count)
        except GIVEN_UP as error:
            refused.update(dict.fromkeys(range(count), error))
            return bytes(packed)
        except Exception:
            refused.clear()
            return None  # one may fail by the fault of another
        for row in np.flatnonzero(ends).tolist():
            refused[row] = root_is_terminal()
        return bytes(packed)

    cdef dict refused(self, rows):
        """Those that the model refuses to plan from: {row: error}."""
        if self.refused_states_batch is None:
            return {}
        self.asking = "refused_states_batch"
        return self.refused_states_batch(rows)

    cdef validate(self, state):
        """Asks the model whether it is one of its states."""
        self.asking = "validate_state"
        try:
            self.validate_state(state)
        except InvalidRequest:
            raise
        except ValueError as error:
            raise InvalidRequest("state", in_one_line(error)) from error
        except Exception as error:
            raise ModelFault(self.text_of(error)) from error

    cdef object ends_of(self, rows):
        """Whether nothing can be done in a state any more: bool[N]."""
        count = len(rows)
        if self.is_terminal is None:
            return np.zeros(count, np.bool_)
        self.asking = "is_terminal_batch"
        ends = np.asarray(self.is_terminal(rows))
        if ends.shape != (count,) or ends.dtype != np.bool_:
            raise TypeError(
                f"is_terminal_batch gives {ends.dtype}{list(ends.shape)}; must give bool[{count}]"
            )
        return ends

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
        # A model may plan with its own planner, in the middle of a step.
        cdef mcts_bitgen **outer_rows = self.rng.rows
        cdef Py_ssize_t outer_count = self.rng.count
        self.rng.rows, self.rng.count = rngs, count
        self.asking = "sample_batch"
        try:
            answer = self.sample_batch(self.array_of(states, count), chosen, self.rng)
        finally:
            self.rng.rows, self.rng.count = outer_rows, outer_count
        if not (type(answer) is tuple and len(<tuple>answer) == 3):
            raise TypeError(
                "sample_batch must return a tuple (next_states, rewards, terminated); got "
                f"{describe(answer)}"
            )
        self.asking = "sample_batch"  # it may have planned in between
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
        self.annotate(following, self.sound_rows(following, status), ends, next_states, count)
        for i in range(count * self.model.num_players):
            rewards[i] = given[i]
        for i in range(count):
            terminated[i] = ended[i]
        if priors != NULL or values != NULL:
            self.evaluate(following, count, priors, values)
        return 0

    cdef object sound_rows(self, following, int32_t *status):
        """Which rows are states: bool[N]. A NaN, or a number that is out of range, is refused."""
        if self.is_float:
            wrong = np.isnan(following)
            text = "sample_batch: next_states has a NaN"
        elif self.num_values > 0:
            wrong = (following < 0) | (following >= self.num_values)
            text = f"sample_batch: next_states has a state that is not from 0 to {self.num_values - 1}"
        else:
            return np.ones(len(following), np.bool_) if self.has_notes else None
        wrong = wrong.reshape(len(following), -1).any(axis=1)
        if wrong.any():
            self.text = text.encode()
            for row in np.flatnonzero(wrong):
                status[<int64_t>row] = MCTS_ERROR
        return ~wrong

    cdef int evaluate(self, states, int64_t count, double *priors, double *values) except -1:
        self.asking = "evaluate_batch"
        answer = self.evaluate_batch(states)
        self.asking = "evaluate_batch"
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
            if answer[0] is None:
                raise TypeError("evaluate_batch gives no priors")
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

    cdef str text_of(self, error):
        """What an exception of the function that is being asked says, in a line."""
        text = in_one_line(error)
        if text.startswith(self.asking):
            return text
        return f"{self.asking} raised {type(error).__name__}: {text}"

    cdef int fail(self, error) noexcept:
        """Keeps an exception, and what it says."""
        gives_up = isinstance(error, GIVEN_UP) and not self.gives_up_alone
        self.is_interrupted = gives_up or not isinstance(error, Exception)
        try:
            self.text = self.text_of(error).encode("utf-8", "replace")
        except BaseException:
            self.text = b"the model failed"
        self.errors[self.text[:TEXT_BYTES]] = error
        return MCTS_ERROR

    cdef object error_that_says(self, bytes text):
        """The exception behind what the core was told; None: there was none."""
        return self.errors.get(text)

    cdef forget_errors(self):
        """Their tracebacks hold on to whatever the model was doing."""
        self.errors.clear()
        self.is_interrupted = False


cdef bint fits(array, dtype) except -1:
    """False if integers would become others in that type, as NumPy does in silence."""
    if dtype.kind not in "iu" or array.dtype == dtype:
        return True
    return (array.astype(dtype) == array).all()


cdef object picked(rows, mask):
    """The rows where the mask is set."""
    return rows if mask.all() else rows[mask]


cdef object spread(rows, mask):
    """Those rows where the mask is set, and zeros elsewhere; contiguous."""
    if mask.all():
        return np.ascontiguousarray(rows)
    found = np.zeros((len(mask), *rows.shape[1:]), rows.dtype)
    found[mask] = rows
    return found


cdef const char *batch_error_text(void *ctx) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    return NULL if self.text is None else PyBytes_AS_STRING(self.text)


cdef int batch_step(void *ctx, int64_t count, const void *states, const int64_t *actions,
                    mcts_bitgen *const *rngs, void *next_states, double *rewards,
                    int32_t *terminated, void *observations, double *priors, double *values,
                    int32_t *status) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    if self.is_interrupted:
        return MCTS_ERROR
    try:
        self.step(count, states, actions, <mcts_bitgen **>rngs, next_states, rewards, terminated,
                  priors, values, status)
    except BaseException as error:
        return self.fail(error)
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
    if self.is_interrupted:
        return MCTS_ERROR
    try:
        self.evaluate(self.array_of(states, count), count, priors, values)
    except BaseException as error:
        return self.fail(error)
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


cdef int batch_rollout_action(void *ctx, const void *state, mcts_bitgen *rng,
                              int64_t *action) noexcept:
    cdef BatchModel self = <BatchModel>ctx
    cdef uint64_t *counter = <uint64_t *>rng.state
    if self.is_interrupted:
        return MCTS_ERROR
    self.stream._counter = counter[0]
    self.asking = "rollout_action"
    try:
        action[0] = PyNumber_Index(self.rollout_action(self.unpack(state), self.generator))
    except BaseException as error:
        return self.fail(error)
    finally:
        counter[0] = self.stream._counter
    return MCTS_OK
