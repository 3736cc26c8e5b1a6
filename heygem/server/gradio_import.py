"""Imports Gradio in two thirds of the time it takes by itself: the page waits for nothing else that long."""

import gc
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_COMPONENT = "ComponentMeta"  # Gradio's class of component classes


@contextmanager
def importing_gradio() -> Iterator[None]:
    """Leave out what nobody needs of the import that is made inside; for the main thread.

    Gradio makes very many objects, all to stay: looking for garbage among them takes 0.4 s. And for each
    class of components it parses its own source and writes a file of type hints beside it, 1 s in all; it
    does not where a component has no source to be found.
    """
    find_source = inspect.getfile
    gc.disable()
    setattr(inspect, "getfile", _hiding_components(find_source))  # noqa: B010 (mypy takes no plain one)
    try:
        yield
    finally:
        setattr(inspect, "getfile", find_source)  # noqa: B010
        gc.enable()


def _hiding_components(find_source: Callable[[Any], str]) -> Callable[[Any], str]:
    def find(thing: Any) -> str:
        if type(thing).__name__ == _COMPONENT:
            raise OSError(f"{thing.__name__} keeps its source to itself while Gradio is imported")
        return find_source(thing)

    return find
