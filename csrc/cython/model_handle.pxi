# A compiled model, asked one question at a time. The core's own questions are asked, so that an
# answer is checked here as it is in a search.

from cpython.pycapsule cimport PyCapsule_CheckExact, PyCapsule_GetName

cdef extern from "mcts_model.h" nogil:
    enum: MCTS_INVALID_ACTION

cdef extern from "arena.h" nogil:
    size_t arena_round(size_t)

cdef extern from "ask.h" nogil:
    ctypedef unsigned char c_bool "bool"
    int fault_set(fault *, const mcts_model *, void *, const char *function, const char *problem,
                  int status)
    int ask_sample(const mcts_model *, void *, const void *state, int32_t action, mcts_bitgen *,
                   size_t state_size, void *next_state, double *rewards, uint32_t players,
                   c_bool *terminated, void *observation, fault *)
    int ask_transitions(const mcts_model *, void *, const void *state, int32_t action,
                        size_t state_size, int32_t *count, double *probability,
                        unsigned char *next_states, double *reward, int32_t *terminated, fault *)
    int ask_actions(const mcts_model *, void *, const void *state, int32_t *actions,
                    int32_t *count, fault *)
    int ask_player(const mcts_model *, void *, const void *state, uint8_t *player, fault *)
    int ask_terminal(const mcts_model *, void *, const void *state, c_bool *terminal, fault *)
    int ask_rollout_action(const mcts_model *, void *, const void *state, bint random,
                           mcts_bitgen *, int32_t *scratch, int32_t *action, fault *)
    int ask_rollout(const mcts_model *, void *, const void *state, uint32_t max_steps,
                    double discount, mcts_bitgen *, double *returns, uint32_t players,
                    uint64_t *steps, fault *)


cdef object refused_capsule(capsule):
    """Why something is no model's capsule."""
    cdef const char *name
    found = type(capsule).__name__
    if PyCapsule_CheckExact(capsule):
        name = PyCapsule_GetName(capsule)
        found = "a capsule without a name"
        if name != NULL:
            found = f"a capsule named {(<bytes>name).decode('utf-8', 'replace')!r}"
    right = MCTS_MODEL_CAPSULE_NAME.decode()
    return InvalidRequest("model", f"is {found}; must be a capsule named {right!r}")


cdef int raise_fault(const fault *f) except -1:
    """How the model broke its contract, or refused the state or the action, as an exception."""
    function, text = f.function.decode(), f.text.decode("utf-8", "replace")
    if f.problem != NULL:
        raise ModelFault(f"{function}: {f.problem.decode()}")
    reason = text or f"{function} returned status {f.status}"
    if f.status == MCTS_INVALID_STATE:
        raise InvalidRequest("state", reason)
    if f.status == MCTS_INVALID_ACTION:
        raise InvalidRequest("action", reason)
    raise ModelFault(reason)


cdef class ModelHandle:
    """A model behind the native ABI, asked one question at a time.

    States are bytes here; `mcts_service.models.NativeModel` gives them their public form. The
    GIL is not held while the model answers.
    """

    cdef const mcts_model *model
    cdef readonly object capsule
    cdef object owner

    def __init__(self, capsule, owner=None):
        if not PyCapsule_IsValid(capsule, MCTS_MODEL_CAPSULE_NAME):
            raise refused_capsule(capsule)
        self.model = <const mcts_model *>PyCapsule_GetPointer(capsule, MCTS_MODEL_CAPSULE_NAME)
        self.capsule, self.owner = capsule, owner
        refusal = search_refuses(self.model)
        if refusal != NULL:
            raise InvalidRequest("model", refusal.decode())
        if self.model.release != NULL:
            raise InvalidRequest(
                "model", "release is there: states that are handles cannot be shown as bytes"
            )

    @property
    def num_actions(self):
        return self.model.num_actions

    @property
    def num_players(self):
        return self.model.num_players

    @property
    def discount(self):
        return self.model.discount

    @property
    def return_bounds(self):
        return self.model.min_return, self.model.max_return

    @property
    def state_bytes(self):
        return self.model.state_bytes

    @property
    def deterministic(self):
        return bool(self.model.flags & MCTS_MODEL_DETERMINISTIC)

    @property
    def thread_safe(self):
        return bool(self.model.flags & MCTS_MODEL_THREAD_SAFE)

    @property
    def has_value(self):
        return bool(self.model.flags & MCTS_MODEL_VALUES)

    @property
    def has_priors(self):
        return bool(self.model.flags & MCTS_MODEL_PRIORS)

    @property
    def max_outcomes(self):
        return self.model.max_outcomes

    @property
    def has_transitions(self):
        return self.model.transitions != NULL

    @property
    def observes(self):
        return self.model.observation_bytes > 0

    @property
    def answers_in_batches(self):
        return self.model.step_batch != NULL or self.model.evaluate_batch != NULL

    cdef int enter(self, fault *f) noexcept nogil:
        cdef int status = MCTS_OK
        if self.model.enter != NULL:
            status = self.model.enter(self.model.ctx)
        if status < 0:
            return fault_set(f, self.model, self.model.ctx, b"enter", NULL, status)
        return MCTS_OK

    cdef void leave(self) noexcept nogil:
        if self.model.leave != NULL:
            self.model.leave(self.model.ctx)

    cdef const void *bytes_of(self, bytes state) except NULL:
        if PyBytes_GET_SIZE(state) != self.model.state_bytes:
            raise InvalidRequest(
                "state", f"has {len(state)} bytes; must have {self.model.state_bytes}"
            )
        return PyBytes_AS_STRING(state)

    def validate(self, bytes state):
        """Raises InvalidRequest where the bytes are not a state of the model."""
        cdef const void *subject = self.bytes_of(state)
        cdef const mcts_model *m = self.model
        cdef fault f
        cdef int status
        if m.validate == NULL:
            return
        with nogil:
            status = self.enter(&f)
            if status == MCTS_OK:
                status = m.validate(m.ctx, subject)
                if status < 0:
                    fault_set(&f, m, m.ctx, b"validate", NULL, status)
                self.leave()
        if status < 0:
            raise_fault(&f)

    def is_terminal(self, bytes state):
        """Whether nothing can be done in the state any more, as far as the model tells."""
        cdef const void *subject = self.bytes_of(state)
        cdef c_bool terminal = 0
        cdef fault f
        cdef int status
        with nogil:
            status = self.enter(&f)
            if status == MCTS_OK:
                status = ask_terminal(self.model, self.model.ctx, subject, &terminal, &f)
                self.leave()
        if status < 0:
            raise_fault(&f)
        return terminal != 0

    def current_player(self, bytes state):
        """The player to move."""
        cdef const void *subject = self.bytes_of(state)
        cdef uint8_t player = 0
        cdef fault f
        cdef int status
        with nogil:
            status = self.enter(&f)
            if status == MCTS_OK:
                status = ask_player(self.model, self.model.ctx, subject, &player, &f)
                self.leave()
        if status < 0:
            raise_fault(&f)
        return player

    def legal_actions(self, bytes state):
        """The legal actions, ascending."""
        cdef const void *subject = self.bytes_of(state)
        cdef int32_t count = 0, i
        cdef fault f
        cdef int status
        cdef int32_t *actions = <int32_t *>calloc(self.model.max_actions, sizeof(int32_t))
        if actions == NULL:
            raise MemoryError
        try:
            with nogil:
                status = self.enter(&f)
                if status == MCTS_OK:
                    status = ask_actions(self.model, self.model.ctx, subject, actions, &count, &f)
                    self.leave()
            if status < 0:
                raise_fault(&f)
            return [actions[i] for i in range(count)]
        finally:
            free(actions)

    def sample(self, bytes state, int32_t action, rng):
        """One transition: (next state, rewards by player, terminated)."""
        cdef const void *subject = self.bytes_of(state)
        cdef SplitMix64 stream = stream_of(rng)
        cdef uint64_t counter = stream._counter
        cdef mcts_bitgen bitgen = stream_bitgen(&counter)
        cdef uint32_t size = self.model.state_bytes
        cdef c_bool terminated = 0
        cdef double[255] rewards
        cdef fault f
        cdef int status
        cdef bytes following = PyBytes_FromStringAndSize(NULL, size)
        cdef bytes observed = bytes(self.model.observation_bytes)
        cdef void *observation = PyBytes_AS_STRING(observed) if observed else NULL
        cdef char *next_state = PyBytes_AS_STRING(following)
        with nogil:
            status = self.enter(&f)
            if status == MCTS_OK:
                status = ask_sample(self.model, self.model.ctx, subject, action, &bitgen, size,
                                    next_state, rewards, self.model.num_players, &terminated,
                                    observation, &f)
                self.leave()
        stream._counter = counter
        if status < 0:
            raise_fault(&f)
        return following, tuple([rewards[p] for p in range(self.model.num_players)]), terminated != 0

    def transitions(self, bytes state, int32_t action):
        """All outcomes: [(probability, next state, rewards by player, terminated)]."""
        if self.model.transitions == NULL:
            raise InvalidRequest("model", "gives samples only, no transitions")
        cdef const void *subject = self.bytes_of(state)
        cdef uint32_t players = self.model.num_players, size = self.model.state_bytes
        cdef size_t row = arena_round(size)
        outcomes = self.model.max_outcomes
        probabilities, rewards = np.full(outcomes, np.nan), np.full((outcomes, players), np.nan)
        ends, states = np.full(outcomes, -1, np.int32), np.zeros((outcomes, row), np.uint8)
        cdef double[::1] probability = probabilities
        cdef double[:, ::1] reward = rewards
        cdef int32_t[::1] end = ends
        cdef uint8_t[:, ::1] following = states
        cdef int32_t count = 0
        cdef fault f
        cdef int status
        with nogil:
            status = self.enter(&f)
            if status == MCTS_OK:
                status = ask_transitions(self.model, self.model.ctx, subject, action, row, &count,
                                         &probability[0], &following[0, 0], &reward[0, 0],
                                         &end[0], &f)
                self.leave()
        if status < 0:
            raise_fault(&f)
        if not np.isfinite(rewards[:count]).all():  # of every player
            raise ModelFault("transitions: a reward is not a finite number, or was not set")
        return [
            (probability[i], states[i, :size].tobytes(), tuple(rewards[i].tolist()), end[i] != 0)
            for i in range(count)
        ]

    def rollout(self, bytes state, uint32_t max_steps, rng):
        """The model's own rollout, or one by steps: discounted returns by player."""
        if self.model.rollout == NULL:
            return self.rollout_by_steps(state, max_steps, rng)
        cdef const void *subject = self.bytes_of(state)
        cdef SplitMix64 stream = stream_of(rng)
        cdef uint64_t counter = stream._counter, steps = 0
        cdef mcts_bitgen bitgen = stream_bitgen(&counter)
        cdef double[255] returns
        cdef fault f
        cdef int status
        with nogil:
            status = self.enter(&f)
            if status == MCTS_OK:
                status = ask_rollout(self.model, self.model.ctx, subject, max_steps,
                                     self.model.discount, &bitgen, returns,
                                     self.model.num_players, &steps, &f)
                self.leave()
        stream._counter = counter
        if status < 0:
            raise_fault(&f)
        return tuple([returns[p] for p in range(self.model.num_players)])

    def rollout_action(self, bytes state, rng):
        """The action of the rollout policy: the model's own, or a uniformly random one."""
        cdef const void *subject = self.bytes_of(state)
        cdef SplitMix64 stream = stream_of(rng)
        cdef uint64_t counter = stream._counter
        cdef mcts_bitgen bitgen = stream_bitgen(&counter)
        cdef int32_t action = 0
        cdef fault f
        cdef int status
        cdef int32_t *scratch = <int32_t *>calloc(self.model.max_actions, sizeof(int32_t))
        if scratch == NULL:
            raise MemoryError
        try:
            with nogil:
                status = self.enter(&f)
                if status == MCTS_OK:
                    status = ask_rollout_action(self.model, self.model.ctx, subject, False,
                                                &bitgen, scratch, &action, &f)
                    self.leave()
            stream._counter = counter
            if status < 0:
                raise_fault(&f)
            return action
        finally:
            free(scratch)

    def rollout_by_steps(self, bytes state, int64_t max_steps, rng):
        """A rollout by `rollout_action` and `sample`, step by step as the search's own goes."""
        generator = np.random.Generator(stream_of(rng))
        returns, weight, terminated = [0.0] * self.model.num_players, 1.0, False
        for _ in range(max_steps):
            action = self.rollout_action(state, generator)
            state, rewards, terminated = self.sample(state, action, generator)
            returns = [total + weight * reward for total, reward in zip(returns, rewards)]
            weight *= self.model.discount
            if terminated:
                break
        return tuple(returns)
