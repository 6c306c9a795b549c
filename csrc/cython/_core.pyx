# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled core: the search, and the two ways in which a model reaches it.

    stream.pxi            SplitMix64, the random stream as a NumPy bit generator
    seed_words.pxi        SeedWords: NumPy's way from a seed to a stream, sooner
    model_handle.pxi      ModelHandle: a model behind the native ABI
    model_functions.pxi   functions known by their addresses, as such a model
    held_model.pxi        what models that need the GIL share
    python_model.pxi      PythonModel: a Python object made to look like one
    row_generator.pxi     RowGenerator: random numbers for the rows of a batch
    batch_model.pxi       BatchModel: a vectorised Python object made to look like one
    search.pxi            Search, CancelFlag
    read.pxi              a finished search, read out for a plan
    columns.pxi           PlanColumns: what searches have come to, one behind the other
    batch.pxi             SearchBatch: many searches at once
"""

cimport cython
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.math cimport INFINITY, NAN, isnan, sqrt
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from cpython.number cimport PyNumber_Index
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_New
from cpython.ref cimport Py_INCREF, Py_XDECREF, Py_XINCREF

from numbers import Integral

from mcts_service.errors import (
    Cancelled, DeadlineExpired, InvalidRequest, MCTSServiceError, ModelFault, NoLegalAction,
    ReplicaLost, TerminalState,
)

include "core.pxi"
include "stream.pxi"
include "seed_words.pxi"
include "model_handle.pxi"
include "model_functions.pxi"
include "held_model.pxi"
include "python_model.pxi"
include "row_generator.pxi"
include "batch_model.pxi"
include "options.pxi"
include "search.pxi"
include "read.pxi"
include "columns.pxi"
include "batch.pxi"

logarithm_fill_tables()
