# cython: language_level=3, boundscheck=False, wraparound=False
"""Sweeps over sparse tables: what value and policy iteration are put together from.

All of it lets go of the GIL, and asks every few milliseconds whether a signal has come.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from cpython.exc cimport PyErr_CheckSignals

import numpy as np

include "solvers.pxi"
include "sparse_table.pxi"
include "predecessors.pxi"
include "prioritized.pxi"
