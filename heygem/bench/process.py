"""Every measurement whose result depends on the state of its process gets a process of its own."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from heygem.bench.report import BenchError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def in_fresh_process(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The result of `function`, called in a new interpreter. It and its arguments must be importable by name.

    Raises:
        BenchError: the process died.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as executor:
        try:
            return executor.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            raise BenchError(f"The process of the measurement {function.__name__} died.") from None
