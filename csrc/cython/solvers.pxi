# The kernels that solve: csrc/solvers.

cdef extern from "sparse_table.h" nogil:
    ctypedef struct sparse_source:
        int32_t num_states
        int32_t num_actions
        const int32_t *row_start
        const double *probabilities
        const int32_t *next_states
        const double *rewards
        const uint8_t *terminated
        const uint8_t *terminal

    ctypedef struct sparse_table:
        int32_t num_states
        int32_t num_actions
        int32_t num_rows
        int32_t num_entries
        int32_t *state_start
        int32_t *row_action
        int32_t *row_start
        double *row_reward
        uint8_t *row_ends
        double *probability
        int32_t *next_state
        double least_mass
        double greatest_mass
        int32_t longest_row
        int32_t row_capacity
        int32_t entry_capacity

    sparse_table *sparse_table_new(const sparse_source *source)
    sparse_table *sparse_table_for_policy(const sparse_table *table)
    int32_t sparse_table_follow(sparse_table *chain, const sparse_table *table,
                                const int32_t *policy)
    void sparse_table_clear(sparse_table *chain)
    int64_t sparse_table_policy_entries(const sparse_table *table)
    sparse_table *sparse_table_mix(const sparse_table *table, const double *weights)
    void sparse_table_free(sparse_table *table)

cdef extern from "sweep.h" nogil:
    ctypedef struct sweep_change:
        double least
        double greatest
        double largest

    ctypedef struct sweep_job:
        const sparse_table *table
        double discount
        const double *values
        double *new_values
        double *q
        int32_t *policy
        sparse_table *chain

    void sweep_nothing(sweep_change *change)
    void sweep_states(const sweep_job *job, int32_t begin, int32_t end, int backwards,
                      sweep_change *change)
    void sweep_by_threads(const sweep_job *job, int32_t begin, int32_t end, int32_t num_threads,
                          sweep_change *change)
    void sweep_listed(const sweep_job *job, const int32_t *states, int64_t count,
                      sweep_change *change)

cdef extern from "predecessors.h" nogil:
    ctypedef struct predecessors:
        int64_t num_links

    predecessors *predecessors_new(const sparse_table *table)
    void predecessors_free(predecessors *links)
    int32_t ending_policy(const sparse_table *table, const predecessors *links,
                          const uint8_t *allowed, int32_t *policy, uint8_t *reached,
                          int32_t *pending)
    void endless_states(const sparse_table *table, const predecessors *links, uint8_t *inside,
                        uint8_t *stays, int32_t *left, int32_t *pending)

cdef extern from "prioritized.h" nogil:
    ctypedef struct prioritized:
        pass

    prioritized *prioritized_new(const sparse_table *table, const predecessors *links,
                                 double discount, double *values)
    void prioritized_free(prioritized *p)
    int64_t prioritized_run(prioritized *p, double threshold, int64_t most_backups)
