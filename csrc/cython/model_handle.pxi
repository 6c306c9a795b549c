cdef class ModelHandle:
    """A model behind the native ABI, asked one question at a time.

    States are bytes here; `mcts_service.models.NativeModel` gives them their public form.
    """

    cdef const mcts_model *model
    cdef readonly object capsule
    cdef object owner

    def __init__(self, capsule, owner=None):
        if not PyCapsule_IsValid(capsule, MCTS_MODEL_CAPSULE_NAME):
            raise InvalidRequest(
                "model",
                f"is {type(capsule).__name__}; must be a capsule named "
                f"{MCTS_MODEL_CAPSULE_NAME.decode()!r}",
            )
        self.model = <const mcts_model *>PyCapsule_GetPointer(capsule, MCTS_MODEL_CAPSULE_NAME)
        self.capsule, self.owner = capsule, owner
        refusal = search_refuses(self.model)
        if refusal != NULL:
            raise InvalidRequest("model", refusal.decode())

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

    cdef int check(self, int status, str function) except -1:
        if status >= 0:
            return 0
        text = b""
        if self.model.error_text != NULL and self.model.error_text(self.model.ctx) != NULL:
            text = self.model.error_text(self.model.ctx)
        reason = text.decode("utf-8", "replace") or f"returned {status}"
        if status == MCTS_INVALID_STATE:
            raise InvalidRequest("state", reason)
        raise ModelFault(f"{function}: {reason}")

    cdef const void *bytes_of(self, bytes state) except NULL:
        if PyBytes_GET_SIZE(state) != self.model.state_bytes:
            raise InvalidRequest(
                "state", f"has {len(state)} bytes; must have {self.model.state_bytes}"
            )
        return PyBytes_AS_STRING(state)

    def validate(self, bytes state):
        """Raises InvalidRequest where the bytes are not a state of the model."""
        if self.model.validate != NULL:
            self.check(self.model.validate(self.model.ctx, self.bytes_of(state)), "validate")

    def is_terminal(self, bytes state):
        """Whether nothing can be done in the state any more, as far as the model tells."""
        cdef int32_t terminal = 0
        if self.model.terminal != NULL:
            self.check(
                self.model.terminal(self.model.ctx, self.bytes_of(state), &terminal), "terminal"
            )
        return terminal != 0

    def current_player(self, bytes state):
        """The player to move."""
        cdef int32_t player = 0
        if self.model.player != NULL:
            self.check(self.model.player(self.model.ctx, self.bytes_of(state), &player), "player")
        return player

    def legal_actions(self, bytes state):
        """The legal actions, ascending."""
        cdef int32_t count = 0
        cdef int32_t *actions
        if self.model.actions == NULL:
            return list(range(self.model.num_actions))
        actions = <int32_t *>calloc(self.model.max_actions, sizeof(int32_t))
        if actions == NULL:
            raise MemoryError
        try:
            self.check(
                self.model.actions(self.model.ctx, self.bytes_of(state), &count, actions), "actions"
            )
            return [actions[i] for i in range(count)]
        finally:
            free(actions)

    def sample(self, bytes state, int64_t action, rng):
        """One transition: (next state, rewards by player, terminated)."""
        cdef SplitMix64 stream = stream_of(rng)
        cdef int32_t terminated = 0
        cdef double[255] rewards
        cdef bytes following = PyBytes_FromStringAndSize(NULL, self.model.state_bytes)
        memset(PyBytes_AS_STRING(following), 0, self.model.state_bytes)
        self.check(
            self.model.sample(
                self.model.ctx, self.bytes_of(state), action, &stream.bitgen,
                PyBytes_AS_STRING(following), rewards, &terminated, NULL,
            ),
            "sample",
        )
        return following, tuple([rewards[p] for p in range(self.model.num_players)]), terminated != 0

    def transitions(self, bytes state, int64_t action):
        """All outcomes: [(probability, next state, rewards by player, terminated)]."""
        if self.model.transitions == NULL:
            raise InvalidRequest("model", "gives samples only, no transitions")
        cdef uint32_t size = self.model.state_bytes, players = self.model.num_players, i, p
        cdef int32_t count = 0
        outcomes = self.model.max_outcomes
        cdef bytes probabilities = bytes(8 * outcomes), states = bytes(size * outcomes)
        cdef bytes rewards = bytes(8 * outcomes * players), ends = bytes(4 * outcomes)
        cdef double *probability = <double *>PyBytes_AS_STRING(probabilities)
        cdef double *reward = <double *>PyBytes_AS_STRING(rewards)
        cdef int32_t *end = <int32_t *>PyBytes_AS_STRING(ends)
        self.check(
            self.model.transitions(
                self.model.ctx, self.bytes_of(state), action, &count, probability,
                PyBytes_AS_STRING(states), reward, end,
            ),
            "transitions",
        )
        return [
            (
                probability[i],
                states[i * size : (i + 1) * size],
                tuple([reward[i * players + p] for p in range(players)]),
                end[i] != 0,
            )
            for i in range(<uint32_t>count)
        ]

    def rollout(self, bytes state, int64_t max_steps, rng):
        """The model's own rollout, or a uniformly random one: discounted returns by player."""
        if self.model.rollout == NULL:
            return self.rollout_by_steps(state, max_steps, rng)
        cdef SplitMix64 stream = stream_of(rng)
        cdef int64_t steps = 0
        cdef double[255] returns
        self.check(
            self.model.rollout(
                self.model.ctx, self.bytes_of(state), max_steps, self.model.discount,
                &stream.bitgen, returns, &steps,
            ),
            "rollout",
        )
        return tuple([returns[p] for p in range(self.model.num_players)])

    def rollout_by_steps(self, bytes state, int64_t max_steps, rng):
        """A uniformly random rollout by `sample` alone, drawing as the search's own does."""
        cdef SplitMix64 stream = stream_of(rng)
        generator = np.random.Generator(stream)
        returns, weight, terminated = [0.0] * self.model.num_players, 1.0, False
        for _ in range(max_steps):
            legal = self.legal_actions(state)
            action = legal[((mcts_splitmix64(&stream._counter) >> 32) * <uint64_t>len(legal)) >> 32]
            state, rewards, terminated = self.sample(state, action, generator)
            returns = [total + weight * reward for total, reward in zip(returns, rewards)]
            weight *= self.model.discount
            if terminated:
                break
        return tuple(returns)
