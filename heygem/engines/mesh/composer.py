"""Draws one output frame: skin moved by differences and a mouth from the bank, in copies of the planes.

Only the box of the mesh is touched. A pixel whose displacement is zero and whose mouth weight is zero keeps
its value bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.film_grain import GrainCut, missing_grain
from heygem.engines.mesh.geometry import DrawMesh, facing
from heygem.engines.mesh.photo.fine_photo import TurnedPhoto
from heygem.engines.mesh.photo.sway import ONE_MAP
from heygem.engines.mesh.raster import Grid, cover
from heygem.media.types import YuvFrame

Array = NDArray[np.float64]
Plane = NDArray[np.uint8]
NODES_ACROSS_FACE = 130  # grid density: nodes per face width
MARGIN_PX = 2
COLOUR_SHIFT_MAX = 40.0
LIGHT_REACH = 0.11  # of the mouth layer's width: how far a difference of light on the ring is felt
LIGHT_PRIOR = 0.004  # what the mean over the ring weighs against its near parts
RING_LEAST = 0.05  # a ring thinner than this has no say


@dataclass(frozen=True, slots=True)
class Drawing:
    """What to draw into one frame.

    Vertices (V,2) before and after, the mouths with their shares, and how much of the mouth layer is seen at
    each vertex: (V,) in 0..1.
    """

    source_px: Array
    target_px: Array
    mouths: Sequence[tuple[MouthPatch, float]]
    mouth_weight: Array
    turned: TurnedPhoto | None = None  # the frame is one of a photo whose head turns, with all that is drawn
    grain: GrainCut | None = None  # on the mouths, which have none of their own

    def arrived_px(self) -> Array:
        """(V,2) where the vertices are seen in the end: where the turned head takes them."""
        return self.target_px if self.turned is None else self.turned.turn.moved(self.target_px)


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle of one plane; `scale` is 1 for luma and 2 for chroma planes."""

    left: int
    top: int
    width: int
    height: int

    def of(self, plane: Plane) -> Plane:
        return plane[self.top : self.top + self.height, self.left : self.left + self.width]

    def within(self, box: "_Box") -> tuple[slice, slice]:
        """Rows and columns of an array over `box` that lie over this one too."""
        left, top = self.left - box.left, self.top - box.top
        rows = slice(max(top, 0), max(top + self.height, 0))
        return rows, slice(max(left, 0), max(left + self.width, 0))


class Composer:
    """Stateless but for the mesh; safe to call from several threads."""

    def __init__(self, mesh: DrawMesh) -> None:
        self._mesh = mesh

    def compose(self, frame: YuvFrame, drawing: Drawing) -> YuvFrame:
        """A new frame with the drawing in it; `frame` itself is left alone."""
        place = drawing.arrived_px()
        grid = drawing_grid(drawing, place, self._mesh, frame.y.shape)
        triangles = self._mesh.triangles
        triangles = triangles[facing(place, triangles)]
        fields = cover(place, triangles, grid).fill(self._attributes(drawing))
        drawn = frame.copy()
        if drawing.turned is None:
            warp_skin(drawn.planes, frame, fields[..., :2], grid)
        else:
            warp_picture(drawn.planes, frame, fields[..., :2], grid, drawing.turned)
        if drawing.mouths:
            reach = light_reach(grid.to_nodes(place[self._mesh.of_mouth]))
            lay_mouths(drawn.planes, drawing, fields[..., 2:], grid, float(reach))
        return drawn

    def _attributes(self, drawing: Drawing) -> Array:
        """(V,3+2M): where skin comes from, how much is mouth, and where each mouth comes from."""
        mouths = [patch.vertices_px for patch, _ in drawing.mouths]
        moves = drawing.source_px - drawing.target_px
        return np.concatenate([moves, drawing.mouth_weight[:, None], *mouths], 1)


def lay_mouths(
    planes: Sequence[Plane], drawing: Drawing, fields: NDArray[np.float32], grid: Grid, reach: float
) -> None:
    """Blend the weighted mouths over the skin; `fields` (rows,columns,1+2M): mouth weight, then sources.

    `reach` is that of light, in nodes.
    """
    window = _window(fields[..., 0])
    if window is None:
        return
    grid, fields = _part(grid, window), fields[window]
    sources = [fields[..., first : first + 2] for first in range(1, fields.shape[2], 2)]
    for index, plane in enumerate(planes):
        scale = 1 if index == 0 else 2
        box = _clipped(grid, plane.shape, scale)
        if box.width <= 0 or box.height <= 0:
            continue
        weight = _to_pixels(fields[..., 0], grid, scale, box)
        mouth = np.zeros(weight.shape, np.float32)
        for (patch, share), source in zip(drawing.mouths, sources, strict=True):
            mouth += share * _sample(patch, index, _to_pixels(source, grid, scale, box), scale)
        skin = box.of(plane).astype(np.float32)
        mouth += _light_shift(skin, mouth, weight, _shape_of(grid, skin.shape, scale), reach)
        blended = skin + weight * (mouth - skin)
        if drawing.grain is not None and index == 0:  # the eye hardly sees it in colours
            grain = drawing.grain.over(box.left, box.top, box.width, box.height)
            blended += np.sqrt(missing_grain(weight)) * grain
        box.of(plane)[...] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)


def drawing_grid(drawing: Drawing, place_px: Array, mesh: DrawMesh, shape: tuple[int, ...]) -> Grid:
    """A grid over everything that moves, kept inside the picture (H,W); the mesh (V,2) is at `place_px`."""
    points = np.concatenate([drawing.source_px[mesh.used], place_px[mesh.used]])
    limit = np.array([shape[1], shape[0]], dtype=float)
    low = np.clip(points.min(0) - MARGIN_PX, 0, limit - 2)
    high = np.clip(points.max(0) + MARGIN_PX, low + 2, limit)
    face_width = float(np.ptp(drawing.source_px[:, 0]))
    return Grid.around(low, high, max(1, round(face_width / NODES_ACROSS_FACE)))


def _clipped(grid: Grid, shape: tuple[int, ...], scale: int) -> _Box:
    """The grid's rectangle in a plane, cut where it leaves the picture."""
    left, top = grid.left_px // scale, grid.top_px // scale
    width = min(grid.width_px // scale, shape[1] - left)
    height = min(grid.height_px // scale, shape[0] - top)
    return _Box(left, top, width, height)


def _to_pixels(nodes: NDArray[np.float32], grid: Grid, scale: int, box: _Box) -> NDArray[np.float32]:
    """Node values (rows,columns[,A]) -> values at the pixels of `box` in a plane."""
    size = (grid.width_px // scale, grid.height_px // scale)
    full = cv2.resize(nodes, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(full[: box.height, : box.width], dtype=np.float32)


def warp_skin(
    planes: Sequence[Plane], frame: YuvFrame, displacement: NDArray[np.float32], grid: Grid
) -> None:
    """Pull each pixel of the box from where the mesh says it came from."""
    for index, (plane, source) in enumerate(zip(planes, frame.planes, strict=True)):
        scale = 1 if index == 0 else 2
        box = _clipped(grid, plane.shape, scale)
        offset = _to_pixels(displacement, grid, scale, box) / scale
        columns = np.arange(box.left, box.left + box.width, dtype=np.float32)
        rows = np.arange(box.top, box.top + box.height, dtype=np.float32)
        map_x, map_y = offset[..., 0] + columns, offset[..., 1] + rows[:, None]
        box.of(plane)[...] = cv2.remap(source, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def warp_picture(
    planes: Sequence[Plane],
    frame: YuvFrame,
    displacement: NDArray[np.float32],
    grid: Grid,
    turned: TurnedPhoto,
) -> None:
    """Pull each pixel from where the mesh and the turned head together say it came from: one sampling."""
    head, luma = turned.turn, turned.photo.luma_twice_at(turned.level)
    for scale, pairs in ((1, [(planes[0], luma)]), (2, [(planes[1], frame.u), (planes[2], frame.v)])):
        shape = pairs[0][0].shape
        box, inner = _clipped(head.grid, shape, scale), _clipped(grid, shape, scale)
        source_at = head.pixel_map(scale)[: box.height, : box.width]
        source_at[inner.within(box)] += (
            _to_pixels(displacement, grid, scale, inner)[box.within(inner)] / scale
        )
        if scale == 1:
            source_at *= 2
        # The eye sees colours softly: linear is enough for them.
        how = cv2.INTER_CUBIC if scale == 1 else cv2.INTER_LINEAR
        for plane, source in pairs:
            box.of(plane)[...] = cv2.remap(source, source_at, ONE_MAP, how, borderMode=cv2.BORDER_REPLICATE)


def _sample(patch: MouthPatch, index: int, source: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """One plane of a mouth at (h,w,2) luma positions of its own frame."""
    plane = patch.pixels.planes[index]
    # A chroma sample sits in the middle of its 2x2 luma samples.
    centre = (scale - 1) / 2
    map_x = (source[..., 0] - patch.left_px - centre) / scale
    map_y = (source[..., 1] - patch.top_px - centre) / scale
    drawn = cv2.remap(plane, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, dtype=np.float32)


def light_reach(mouth_nodes: NDArray[np.floating]) -> NDArray[np.floating]:
    """(...,N,2) vertices of the mouth layer in nodes -> (...,) how far a difference of light is felt."""
    return np.asarray(LIGHT_REACH * np.ptp(mouth_nodes[..., 0], axis=-1))


def _light_shift(
    skin: NDArray[np.float32],
    mouth: NDArray[np.float32],
    weight: NDArray[np.float32],
    small: tuple[int, int],
    reach: float,
) -> NDArray[np.float32]:
    """What to add to the mouth so that it meets the light and colour of the skin all along its edge.

    (h,w) each -> (h,w): the difference on the ring, at the `small` size (w,h) of the nodes, spread inwards
    as a normalised convolution (Knutsson and Westin 1993), so that a shadow on one side stays on that side.
    """
    ring = weight * (1 - weight)
    share, missing = (
        np.asarray(cv2.resize(values, small, interpolation=cv2.INTER_AREA), np.float32)
        for values in (ring, (skin - mouth) * ring)
    )
    total = float(share.sum())
    if total < RING_LEAST:
        return np.zeros_like(skin)
    everywhere = float(missing.sum()) / total  # far from the ring, the mean over all of it
    found = (_spread(missing, reach) + LIGHT_PRIOR * everywhere) / (_spread(share, reach) + LIGHT_PRIOR)
    limited = np.clip(found, -COLOUR_SHIFT_MAX, COLOUR_SHIFT_MAX)
    return np.asarray(cv2.resize(limited, skin.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _spread(values: NDArray[np.float32], reach: float) -> NDArray[np.float32]:
    """A Gaussian blur; beyond the edges there is nothing."""
    blurred = cv2.GaussianBlur(values, (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred, np.float32)


def _shape_of(grid: Grid, shape: tuple[int, ...], scale: int) -> tuple[int, int]:
    """Columns and rows of the nodes under (h,w) pixels."""
    return max(shape[1] * scale // grid.step_px, 1), max(shape[0] * scale // grid.step_px, 1)


def _window(alpha: NDArray[np.float32]) -> tuple[slice, slice] | None:
    """The smallest window of nodes, even in size, with any mouth in it."""
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if len(rows) == 0:
        return None
    return _even(rows, alpha.shape[0]), _even(columns, alpha.shape[1])


def _even(used: NDArray[np.int64], limit: int) -> slice:
    start = max(int(used[0]) - 1, 0) // 2 * 2
    stop = min(-(-(int(used[-1]) + 2) // 2) * 2, limit)
    return slice(start, stop)


def _part(grid: Grid, window: tuple[slice, slice]) -> Grid:
    rows, columns = window
    return Grid(
        grid.left_px + columns.start * grid.step_px,
        grid.top_px + rows.start * grid.step_px,
        columns.stop - columns.start,
        rows.stop - rows.start,
        grid.step_px,
    )
