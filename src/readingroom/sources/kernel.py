"""`@kernel` compiles a function over arrays to machine code, and keeps its Python type for mypy.

Rule 1: a kernel gets arrays and numbers and gives numbers; it raises nothing, so no error text can hold a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, compiled at its first call and cached on disk; it releases the interpreter lock."""
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True)(function))
