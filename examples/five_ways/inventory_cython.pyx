# cython: language_level=3
"""The inventory of plain_python.py as a Cython extension: it fills in the struct itself."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "mcts_model.h" nogil:
    const char *MCTS_MODEL_CAPSULE_NAME
    enum: MCTS_MODEL_ABI_VERSION, MCTS_MODEL_THREAD_SAFE

    ctypedef struct mcts_bitgen:
        pass

    double mcts_random_double(mcts_bitgen *)

    ctypedef struct mcts_model:
        uint32_t abi_version, struct_size
        uint64_t flags
        double discount
        uint32_t state_bytes, num_actions, max_actions, num_players
        int (*sample)(void *, const void *, int64_t, mcts_bitgen *, void *, double *, int32_t *,
                      void *) noexcept nogil


cdef int sample(void *ctx, const void *state, int64_t action, mcts_bitgen *rng, void *next_state,
                double *rewards, int32_t *terminated, void *observation) noexcept nogil:
    cdef int64_t stock = min((<const int64_t *>state)[0] + action, <int64_t>20)
    cdef int64_t sold = min(<int64_t>(mcts_random_double(rng) * 10.0), stock)
    (<int64_t *>next_state)[0] = stock - sold
    rewards[0] = 3.0 * sold - 1.0 * action - 0.25 * (stock - sold)
    terminated[0] = 0
    return 0


cdef mcts_model inventory  # static: what is not set below is zero
inventory.abi_version = MCTS_MODEL_ABI_VERSION
inventory.struct_size = sizeof(mcts_model)
inventory.flags = MCTS_MODEL_THREAD_SAFE
inventory.discount = 0.95
inventory.state_bytes = sizeof(int64_t)
inventory.num_actions = inventory.max_actions = 11
inventory.num_players = 1
inventory.sample = sample


def capsule():
    """The model's capsule; the struct lives as long as this module, which is never unloaded."""
    return PyCapsule_New(&inventory, MCTS_MODEL_CAPSULE_NAME, NULL)
