# What the C core declares, as far as the bindings use it.

cdef extern from "mcts_model.h" nogil:
    const char *MCTS_MODEL_CAPSULE_NAME
    enum: MCTS_MODEL_ABI_VERSION
    enum: MCTS_OK, MCTS_ERROR, MCTS_INVALID_STATE
    enum: MCTS_MODEL_THREAD_SAFE, MCTS_MODEL_DETERMINISTIC
    enum: MCTS_MODEL_VALUES, MCTS_MODEL_PRIORS

    ctypedef struct mcts_bitgen:
        void *state
        uint64_t (*next_uint64)(void *)
        uint32_t (*next_uint32)(void *)
        double (*next_double)(void *)
        uint64_t (*next_raw)(void *)

    uint64_t mcts_splitmix64(uint64_t *)

    ctypedef struct mcts_model:
        uint32_t abi_version, struct_size
        uint64_t flags
        void *ctx
        double discount, min_return, max_return
        uint32_t state_bytes, key_bytes, action_bytes, observation_bytes
        uint32_t num_actions, max_actions, max_outcomes, num_players
        int (*enter)(void *) noexcept nogil
        void (*leave)(void *) noexcept nogil
        int (*retain)(void *, const void *) noexcept nogil
        void (*release)(void *, const void *) noexcept nogil
        const char *(*error_text)(void *) noexcept nogil
        int (*key)(void *, const void *, void *) noexcept nogil
        int (*validate)(void *, const void *) noexcept nogil
        int (*terminal)(void *, const void *, int32_t *) noexcept nogil
        int (*player)(void *, const void *, int32_t *) noexcept nogil
        int (*actions)(void *, const void *, int32_t *, int32_t *) noexcept nogil
        int (*sample)(void *, const void *, int64_t, mcts_bitgen *, void *, double *, int32_t *,
                      void *) noexcept nogil
        int (*transitions)(void *, const void *, int64_t, int32_t *, double *, void *, double *,
                           int32_t *) noexcept nogil
        int (*rollout_action)(void *, const void *, mcts_bitgen *, int64_t *) noexcept nogil
        int (*rollout)(void *, const void *, int64_t, double, mcts_bitgen *, double *,
                       int64_t *) noexcept nogil
        int (*evaluate)(void *, const void *, double *, double *) noexcept nogil
        int (*step_batch)(void *, int64_t, const void *, const int64_t *, mcts_bitgen *const *,
                          void *, double *, int32_t *, void *, double *, double *,
                          int32_t *) noexcept nogil
        int (*evaluate_batch)(void *, int64_t, const void *, double *, double *,
                              int32_t *) noexcept nogil

cdef extern from "rng.h" nogil:
    mcts_bitgen stream_bitgen(uint64_t *counter)

cdef extern from "logarithm.h" nogil:
    void logarithm_fill_tables()

cdef extern from "tree.h" nogil:
    ctypedef uint32_t ref
    enum: NODE_TERMINAL, NODE_SOLVED

    ctypedef struct node:
        ref block
        uint8_t flags, player

    ctypedef struct block_head:
        uint32_t visits, count
        uint8_t player

    ctypedef struct outcome:
        ref node
        uint32_t visits
        ref next[2]
        ref sibling

    ctypedef struct c_edges "edges":
        block_head *head
        uint32_t count
        double *value
        double *reward
        double *prior
        uint32_t *visits
        uint32_t *flights
        ref *child

    enum: BLOCK_PRIORS, BLOCK_FLIGHTS

    ctypedef struct tree:
        size_t state_size, key_size, bytes_per_state
        unsigned layout
        ref root, last_owned
        uint64_t nodes
        uint32_t deepest

    node *node_at(const tree *, ref)
    void *node_state(const tree *, node *)
    void *node_key(const tree *, node *)
    ref *node_previous_owned(const tree *, node *)
    ctypedef struct graph_part:
        double value
    graph_part *node_graph(node *)
    outcome *outcome_at(const tree *, ref)
    uint64_t tree_bytes(const tree *)
    c_edges edges_at(const tree *, const node *)
    int32_t edge_action(const tree *, const c_edges *, uint32_t)
    bint node_is_expanded(const node *)
    uint32_t node_visits(const tree *, const node *)
    ref child_node(const tree *, ref)

cdef extern from "leaf.h" nogil:
    bint node_is_opened_leaf(const node *)
    c_edges leaf_at(const tree *, const node *)

cdef extern from "single.h" nogil:
    ctypedef struct single_view:
        pass
    c_edges edges_seen(const tree *, const single_view *, const node *)

cdef extern from "ask.h" nogil:
    enum: FAILED, OUT_OF_BYTES

    ctypedef struct fault:
        const char *function
        const char *problem
        int status
        char text[256]

cdef extern from "search.h" nogil:
    ctypedef enum search_selection:
        SELECTION_UCB1, SELECTION_UCB1_TUNED, SELECTION_PUCT, SELECTION_GUMBEL,
        SELECTION_THOMPSON, SELECTION_MENTS
    ctypedef enum search_sharing:
        SHARING_NONE, SHARING_DEPTH, SHARING_STATE
    ctypedef enum search_backup:
        BACKUP_MEAN, BACKUP_BELLMAN, BACKUP_MAX, BACKUP_SOFT
    ctypedef enum search_evaluation:
        EVALUATION_ROLLOUT, EVALUATION_VALUE, EVALUATION_TRIAL, EVALUATION_MIXED,
        EVALUATION_CONSTANT
    ctypedef enum search_rollout:
        ROLLOUT_MODEL, ROLLOUT_RANDOM, ROLLOUT_DECISIVE
    ctypedef enum search_recommendation:
        RECOMMEND_DUE, RECOMMEND_VISITS, RECOMMEND_VALUE, RECOMMEND_LOWER_BOUND

    ctypedef enum search_outcome_key:
        OUTCOME_STATE, OUTCOME_OBSERVATION, OUTCOME_NONE

    ctypedef struct search_options:
        search_selection selection
        double exploration, soft_temperature
        uint32_t considered
        double gumbel_visits, gumbel_value_scale
        bint scale_by_bounds
        double action_widening, outcome_widening, widening_exponent
        uint32_t max_depth
        search_evaluation evaluation
        double value_weight, leaf_value
        search_rollout rollout
        uint32_t rollout_depth
        search_backup backup
        search_sharing sharing
        search_outcome_key outcome_key
        search_recommendation recommendation
        uint32_t in_flight, threads
        double discount
        bint prove, early_stop

    ctypedef struct search_root:
        const void *state
        uint32_t num_states
        uint32_t horizon
        const int32_t *allowed
        uint32_t num_allowed
        uint64_t seed, max_bytes, planned

    enum: ROOT_INVALID, ROOT_TERMINAL, ROOT_NO_ACTION

    ctypedef enum stop_reason:
        STOP_NONE, STOP_SIMULATIONS, STOP_TIME_LIMIT, STOP_MAX_BYTES, STOP_CANCELLED,
        STOP_SOLVED, STOP_DECIDED, STOP_SLICE

    ctypedef int atomic_int

    ctypedef struct search_limits:
        uint64_t simulations
        int64_t deadline, slice_deadline
        atomic_int *cancelled

    ctypedef struct search_t "search":
        tree tree
        search_options options
        unsigned recipe
        single_view view
        bint deterministic, exact, carried, bellman, decided_by_clock
        size_t state_size
        uint32_t *root_before
        double *root_mean
        double discount
        uint64_t simulations, model_steps, tree_depth, landings, meetings
        fault fault

    enum: RECIPE_PROVEN, RECIPE_PRIORS

    const char *search_refuses(const mcts_model *)
    const char *search_refuses_options(const mcts_model *, search_options)
    search_t *search_new(const mcts_model *, search_options, size_t bytes_per_state)
    search_t *search_new_beside(const search_t *)
    void search_free(search_t *)
    int search_clear(search_t *)
    int search_begin(search_t *, const search_root *)
    void search_resume(search_t *, const search_root *)
    void search_add_noise(search_t *, const double *, double)
    void search_settle(search_t *)
    int search_run(search_t *, const search_limits *, stop_reason *)
    int64_t search_now()

cdef extern from "keep.h" nogil:
    ctypedef struct kept:
        pass
    bint search_keep(const search_t *, kept *)
    void search_put_back(search_t *, kept *)

cdef extern from "batch.h" nogil:
    ctypedef struct batch_end:
        int status
        stop_reason reason
    ctypedef struct batch_t "batch":
        pass
    batch_t *batch_new(search_t **, uint32_t count)
    void batch_free(batch_t *)
    void batch_pause_after(batch_t *, uint64_t simulations)
    void batch_run(batch_t *, const search_limits *, batch_end *)
    void batch_run_each(batch_t *, const search_limits *, batch_end *)
    void batch_wake_by(batch_t *, atomic_int *)
    int64_t batch_longest_round(const batch_t *)
    bint batch_holds_both(const search_t *, const search_t *)

cdef extern from "stdatomic.h" nogil:
    void atomic_store(atomic_int *, int)
    int atomic_load(atomic_int *)

cdef extern from "bellman.h" nogil:
    void bellman_read(const search_t *, const c_edges *, uint32_t, bint whole)

cdef extern from "prove.h" nogil:
    void prove_returns(const search_t *, const node *, double *)

cdef extern from "statistics.h" nogil:
    ctypedef struct edge_statistics:
        double value, standard_error, lower, upper, prior
        bint proven
    edge_statistics statistics_of(const search_t *, const c_edges *, uint32_t)

cdef extern from "recommend.h" nogil:
    uint32_t recommend(const search_t *, const node *)

cdef extern from "reroot.h" nogil:
    enum: NOT_IN_TREE
    int search_advance(search_t *, int32_t action, const void *next_state)
    int search_advance_to(search_t *, const void *state, uint32_t least, uint32_t most,
                          uint32_t *steps)
