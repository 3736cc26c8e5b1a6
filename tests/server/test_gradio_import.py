"""Inside the block components have no source and nobody looks for garbage; after it all is as before."""

import gc
import inspect
from pathlib import Path

import pytest

from heygem.server.gradio_import import importing_gradio


class ComponentMeta(type):
    """Named as Gradio's."""


class Button(metaclass=ComponentMeta):
    pass


class Plain:
    pass


def test_only_components_hide_their_source() -> None:
    with importing_gradio():
        assert not gc.isenabled()
        assert Path(inspect.getfile(Plain)) == Path(__file__)
        with pytest.raises(OSError, match="Button"):
            inspect.getfile(Button)
    assert gc.isenabled()
    assert Path(inspect.getfile(Button)) == Path(__file__)


def test_an_import_that_fails_leaves_nothing_behind() -> None:
    with pytest.raises(ImportError), importing_gradio():
        raise ImportError("no gradio here")
    assert gc.isenabled()
    assert Path(inspect.getfile(Button)) == Path(__file__)


def test_gradio_still_hides_behind_the_same_name() -> None:
    """Else the block would do nothing, quietly."""
    import gradio
    from gradio import component_meta

    assert type(gradio.Button).__name__ == component_meta.ComponentMeta.__name__ == ComponentMeta.__name__
    assert "inspect.getfile" in inspect.getsource(component_meta.create_or_modify_pyi)
