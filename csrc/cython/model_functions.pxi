# A model of functions that are known by their addresses, as the struct of the native ABI.

from libc.stdint cimport uintptr_t
from libc.string cimport memcpy
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_SetContext

cdef extern from "mcts_model.h" nogil:
    enum: MCTS_MODEL_FLOAT64_STATE
    enum: MCTS_MODEL_STEP_EVALUATES


cdef void point(void *slot, dict functions, str name) except *:
    """Sets a function pointer of the struct to an address; NULL where there is none."""
    cdef uintptr_t address = functions.pop(name, 0)
    memcpy(slot, &address, sizeof(address))


cdef fill_functions(mcts_model *m, dict functions):
    point(&m.error_text, functions, "error_text")
    point(&m.key, functions, "key")
    point(&m.validate, functions, "validate")
    point(&m.terminal, functions, "terminal")
    point(&m.player, functions, "player")
    point(&m.actions, functions, "actions")
    point(&m.sample, functions, "sample")
    point(&m.transitions, functions, "transitions")
    point(&m.rollout_action, functions, "rollout_action")
    point(&m.rollout, functions, "rollout")
    point(&m.evaluate, functions, "evaluate")
    point(&m.step_batch, functions, "step_batch")
    point(&m.evaluate_batch, functions, "evaluate_batch")
    if functions:
        raise ValueError(f"the native ABI has no function {next(iter(functions))!r}")


cdef void free_functions(object capsule) noexcept:
    Py_XDECREF(<PyObject *>PyCapsule_GetContext(capsule))
    free(PyCapsule_GetPointer(capsule, MCTS_MODEL_CAPSULE_NAME))


def model_of_functions(
    dict functions,
    *,
    uintptr_t ctx,
    double discount,
    double min_return,
    double max_return,
    uint32_t state_bytes,
    uint32_t key_bytes,
    uint32_t observation_bytes,
    uint32_t num_actions,
    uint32_t max_outcomes,
    uint32_t num_players,
    bint thread_safe,
    bint deterministic,
    bint gives_priors,
    bint step_evaluates,
    bint float64_state,
    keep_alive,
):
    """The capsule of a model that is made of functions; what is wrong with it, ModelHandle says.

    Args:
      functions: address of each function, by its name in mcts_model.h.
      ctx: address that every function is given.
      thread_safe, deterministic, gives_priors, step_evaluates, float64_state: the flags of
        those names.
      keep_alive: what the addresses need; lives as long as the capsule.
    """
    cdef mcts_model *m = <mcts_model *>calloc(1, sizeof(mcts_model))
    if m == NULL:
        raise MemoryError
    try:
        fill_functions(m, dict(functions))
        capsule = PyCapsule_New(m, MCTS_MODEL_CAPSULE_NAME, free_functions)
    except BaseException:
        free(m)
        raise
    PyCapsule_SetContext(capsule, <PyObject *>keep_alive)
    Py_INCREF(keep_alive)
    m.abi_version, m.struct_size = MCTS_MODEL_ABI_VERSION, sizeof(mcts_model)
    m.ctx, m.discount = <void *>ctx, discount
    m.min_return, m.max_return = min_return, max_return
    m.state_bytes, m.key_bytes = state_bytes, key_bytes
    m.observation_bytes = observation_bytes
    m.num_actions = m.max_actions = num_actions
    m.max_outcomes, m.num_players = max_outcomes, num_players
    if thread_safe:
        m.flags |= MCTS_MODEL_THREAD_SAFE
    if deterministic:
        m.flags |= MCTS_MODEL_DETERMINISTIC
    if float64_state:
        m.flags |= MCTS_MODEL_FLOAT64_STATE
    if step_evaluates:
        m.flags |= MCTS_MODEL_STEP_EVALUATES
    if m.evaluate != NULL:
        m.flags |= MCTS_MODEL_VALUES
        if gives_priors:
            m.flags |= MCTS_MODEL_PRIORS
    return capsule
