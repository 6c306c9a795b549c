/* The least that a search over a Python model can cost: the calls to `sample`, nothing else.
 *
 * Plays episodes of random actions from `start`, each of at most `horizon` steps. Called through
 * ctypes.PyDLL, which keeps the GIL held. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "mcts_model.h"

/* One call, whose next state, a new reference, replaces *state. Whether it terminated; -1 with
 * an exception set. */
static int take_step(PyObject *sample, PyObject **state, PyObject *action, PyObject *rng) {
  PyObject *arguments[] = {NULL, *state, action, rng};
  PyObject *answer =
      PyObject_Vectorcall(sample, arguments + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
  if (!answer) return -1;
  if (!PyTuple_Check(answer) || PyTuple_GET_SIZE(answer) != 3) {
    Py_DECREF(answer);
    PyErr_SetString(PyExc_TypeError, "sample must return (next_state, reward, terminated)");
    return -1;
  }
  int terminated = PyTuple_GET_ITEM(answer, 2) == Py_True;
  Py_DECREF(*state);
  *state = PyTuple_GET_ITEM(answer, 0);
  Py_INCREF(*state);
  Py_DECREF(answer);
  return terminated;
}

/* `actions` is a tuple. The number of steps taken; -1 with an exception set. */
int64_t bare_loop(PyObject *sample, PyObject *start, PyObject *actions, PyObject *rng,
                  int64_t horizon, int64_t episodes) {
  uint32_t num_actions = (uint32_t)PyTuple_GET_SIZE(actions);
  uint64_t counter = 0;
  mcts_bitgen choices = {.state = &counter};
  int64_t steps = 0;
  for (int64_t episode = 0; episode < episodes; episode++) {
    PyObject *state = start;
    int terminated = 0;
    Py_INCREF(state);
    for (int64_t depth = 0; terminated == 0 && depth < horizon; depth++, steps++) {
      PyObject *action = PyTuple_GET_ITEM(actions, mcts_random_below(&choices, num_actions));
      terminated = take_step(sample, &state, action, rng);
    }
    Py_DECREF(state);
    if (terminated < 0) return -1;
  }
  return steps;
}
