"""The rasteriser against plain arithmetic, point by point."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heygem.engines.mesh.raster import Grid, cover

finite = st.floats(-20, 60, allow_nan=False, width=32)


def test_linear_attributes_come_out_linear() -> None:
    """Barycentric interpolation reproduces any linear function exactly, at every covered node."""
    rng = np.random.default_rng(1)
    vertices = rng.uniform(0, 96, (12, 2))
    triangles = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    grid = Grid(0, 0, 32, 32, 3)
    values = cover(vertices, triangles, grid).fill((vertices @ [2.0, -3.0] + 5)[:, None], background=np.nan)
    rows, columns = np.nonzero(~np.isnan(values[..., 0]))
    assert len(rows) > 50
    x, y = columns * 3 + 1, rows * 3 + 1  # node centres
    np.testing.assert_allclose(values[rows, columns, 0], 2 * x - 3 * y + 5, atol=2e-2)


@given(st.lists(st.tuples(finite, finite), min_size=3, max_size=3))
def test_covered_nodes_are_inside_the_triangle(corners: list[tuple[float, float]]) -> None:
    vertices = np.array(corners, dtype=float)
    coverage = cover(vertices, np.array([[0, 1, 2]]), Grid(0, 0, 40, 40, 1))
    assert (coverage.weights >= -2e-3).all()
    np.testing.assert_allclose(coverage.weights.sum(1), 1, atol=1e-3)
    assert ((coverage.nodes >= 0) & (coverage.nodes < 1600)).all()


def test_two_halves_of_a_square_leave_no_crack() -> None:
    vertices = np.array([[-1.0, -1], [30, -1], [30, 30], [-1, 30]])
    values = cover(vertices, np.array([[0, 1, 2], [0, 2, 3]]), Grid(0, 0, 28, 28, 1)).fill(np.ones((4, 1)))
    assert (values > 0.99).all()


def test_a_mesh_outside_the_grid_covers_nothing() -> None:
    vertices = np.array([[-50.0, -50], [-40, -50], [-45, -40]])
    assert len(cover(vertices, np.array([[0, 1, 2]]), Grid(0, 0, 10, 10, 2)).nodes) == 0


@given(
    st.tuples(st.floats(0, 500), st.floats(0, 500)),
    st.tuples(st.floats(3, 400), st.floats(3, 400)),
    st.integers(1, 6),
)
def test_grid_is_even_and_covers_its_box(
    low: tuple[float, float], size: tuple[float, float], step: int
) -> None:
    grid = Grid.around(np.array(low), np.array(low) + size, step)
    assert grid.left_px % 2 == grid.top_px % 2 == grid.width_px % 2 == grid.height_px % 2 == 0
    assert grid.left_px <= low[0] and grid.top_px <= low[1]
    assert grid.left_px + grid.width_px >= low[0] + size[0]
    assert grid.top_px + grid.height_px >= low[1] + size[1]
