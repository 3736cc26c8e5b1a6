"""Turns the head of a photo a little, in depth: a smooth displacement of the picture, drawn in one sampling.

The head is a relief over the photo: as deep as the landmarks say inside the face, falling to the depth of
the ears beyond it. A turn moves what lies far before the neck's axis and leaves the outline where it is;
tilts and shifts carry the outline along, and fade out into background and shoulders.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.raster import Grid, cover
from heygem.templates.canonical import OVAL, VERTEX_COUNT, CanonicalFace
from heygem.templates.easing import smooth_step

Array = NDArray[np.float64]
EARS = (127, 234, 93, 356, 454, 323)
ONE_MAP: Any = None  # for cv2.remap, where the first map holds both coordinates
FIXED_POINT_STEPS = 4
NODES_ACROSS_FACE = 32
# In radii of the face oval from its middle: hair ends about here, and here nothing moves any more.
DEPTH_ENDS, HEAD_ENDS, MOTION_ENDS = 1.75, 1.4, 2.0
NECK_ENDS = 1.8  # below the chin, where shoulders begin
NECK_BELOW_CHIN = 0.30  # the pivot, in face heights
RIM = 0.35  # in face widths: motion fades where the picture ends
RELIEF_BLUR = 0.035  # of the face's width


@dataclass(frozen=True, slots=True)
class HeadTurn:
    """Where the picture comes from.

    Attributes:
        displacement: (rows,columns,2) pixels to add to a place, on a coarse grid.
    """

    grid: Grid
    displacement: NDArray[np.float32]

    def moved(self, points_px: Array) -> Array:
        """(V,2) -> (V,2): where points of the picture come to."""
        # The displacement is known where they arrive, and varies slowly: so look there again.
        place = points_px
        for _ in range(FIXED_POINT_STEPS):
            place = points_px - self._at(place)
        return place

    def _at(self, points_px: Array) -> Array:
        nodes = self.grid.to_nodes(points_px)[None]
        rim = cv2.BORDER_REPLICATE
        return np.asarray(cv2.remap(self.displacement, nodes, ONE_MAP, cv2.INTER_LINEAR, borderMode=rim)[0])

    def pixel_map(self, scale: int) -> NDArray[np.float32]:
        """(h,w,2): which (x, y) of a plane each of its pixels over the grid comes from; `scale` 1 or 2."""
        # One more node all around, so that resizing has something to interpolate with at the rim.
        x, y = np.meshgrid(_centres(self.grid, 0, rim=1), _centres(self.grid, 1, rim=1))
        moved = np.stack([x, y], -1) + np.pad(self.displacement, ((1, 1), (1, 1), (0, 0)), "edge")
        nodes = ((moved - (scale - 1) / 2) / scale).astype(np.float32)
        step = self.grid.step_px // scale
        size = (nodes.shape[1] * step, nodes.shape[0] * step)
        return np.asarray(cv2.resize(nodes, size)[step:-step, step:-step], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class HeadRelief:
    """What turning does to each place of one photo; linear in the turn, for the turns are small.

    Attributes:
        weight: (rows,columns) how much of the head's motion a place takes.
        depth_px: (rows,columns) before the axis through the ears, times weight.
        arm_px: (rows,columns,2) from the pivot in the neck, times weight.
        axes: (2,2) directions of the face's right (in the picture) and down.
    """

    grid: Grid
    face_width_px: float
    weight: Array
    depth_px: Array
    arm_px: Array
    axes: Array

    @classmethod
    def of(cls, points_px: Array, face: CanonicalFace, width: int, height: int) -> "HeadRelief":
        """From the photo's (478,3) landmarks and size in pixels."""
        points = points_px[:VERTEX_COUNT].astype(np.float64)
        face_width = float(np.ptp(points[:, 0]))
        oval = _Oval.of(points)
        low = np.clip(oval.ends.min(0), 0, None)
        high = np.clip(oval.ends.max(0), low + 2, [width, height])
        grid = Grid.around(low, high, 2 * max(1, round(face_width / NODES_ACROSS_FACE / 2)))
        x, y = np.meshgrid(*(_centres(grid, axis) for axis in (0, 1)))
        places = np.stack([x, y], -1)
        limit = np.array([width - 1, height - 1])
        from_rim = np.minimum(places, limit - places).min(-1)
        weight = oval.weight(places) * smooth_step(from_rim, grid.step_px, RIM * face_width)
        chin_to_top = points[OVAL[18], :2] - points[OVAL[0], :2]
        pivot = points[OVAL[18], :2] + NECK_BELOW_CHIN * chin_to_top
        depth = _depth(points, face, oval, grid, places) * weight
        axes = np.stack([[-oval.up[1], oval.up[0]], -oval.up])
        return cls(grid, face_width, weight, depth, (places - pivot) * weight[..., None], axes)

    def at(self, turn: Array, shift: Array) -> HeadTurn:
        """`turn` (3,) radians and `shift` (2,) face widths, as in `Life`."""
        yaw, pitch, roll = turn
        moved = self.depth_px[..., None] * ((yaw, pitch) @ self.axes)
        moved += roll * np.stack([-self.arm_px[..., 1], self.arm_px[..., 0]], -1)
        moved += self.weight[..., None] * (self.face_width_px * shift @ self.axes)
        return HeadTurn(self.grid, (-moved).astype(np.float32))


@dataclass(frozen=True, slots=True)
class _Oval:
    """The outline of the face, as radii around its middle."""

    middle: Array
    order: NDArray[np.int64]  # (36,) of the outline's points by angle
    angles: Array  # (36,) ascending
    radii_px: Array  # (36,)
    up: Array  # (2,) towards the top of the head

    @classmethod
    def of(cls, points: Array) -> "_Oval":
        outline = points[list(OVAL)]
        middle = outline[:, :2].mean(0)
        away = outline[:, :2] - middle
        angles = np.arctan2(away[:, 1], away[:, 0])
        order = np.argsort(angles)
        top = away[0] / np.linalg.norm(away[0])
        radii = np.linalg.norm(away, axis=1)
        return cls(middle, order, angles[order], radii[order], top)

    @property
    def ends(self) -> Array:
        """(36,2) where motion ends in each direction."""
        away = np.stack([np.cos(self.angles), np.sin(self.angles)], 1)
        _, ends = self._fall(away @ self.up)
        return np.asarray(self.middle + away * (self.radii_px * ends)[:, None])

    def around(self, values: Array, places: Array) -> Array:
        """Values (36,) in the order of `angles`, at the angle of each place."""
        away = places - self.middle
        angles = np.arctan2(away[..., 1], away[..., 0])
        return np.asarray(np.interp(angles, self.angles, values, period=2 * np.pi))

    def radius(self, places: Array) -> Array:
        """How far out places lie, 1 on the outline."""
        distance = np.linalg.norm(places - self.middle, axis=-1)
        return np.asarray(distance / self.around(self.radii_px, places))

    def weight(self, places: Array) -> Array:
        """1 on the head, 0 on shoulders and background."""
        away = places - self.middle
        upward = away @ self.up / np.maximum(np.linalg.norm(away, axis=-1), 1e-6)  # -1 below .. 1 above
        return 1 - smooth_step(self.radius(places), *self._fall(upward))

    def _fall(self, upward: Array) -> tuple[Array, Array]:
        """Radii between which motion fades, for directions -1 (down) to 1 (up)."""
        below = smooth_step(-upward, 0.2, 0.9)
        return HEAD_ENDS + (1 - HEAD_ENDS) * below, MOTION_ENDS + (NECK_ENDS - MOTION_ENDS) * below


def _depth(points: Array, face: CanonicalFace, oval: _Oval, grid: Grid, places: Array) -> Array:
    """(rows,columns) pixels before the axis of the ears."""
    before = points[list(EARS), 2].mean() - points[:, 2]
    seen = np.stack([before, np.ones(len(before))], 1)
    filled = cover(points[:, :2], face.triangles, grid).fill(seen)  # 0 in the holes of eyes and mouth
    sigma = RELIEF_BLUR * float(np.ptp(points[:, 0])) / grid.step_px
    soft = cv2.GaussianBlur(filled, (0, 0), sigma)
    inside = soft[..., 0] / np.maximum(soft[..., 1], 1e-3)
    radius = oval.radius(places)
    around = before[list(OVAL)][oval.order]
    beyond = oval.around(around, places) * (1 - smooth_step(radius, 1.0, DEPTH_ENDS))
    share = smooth_step(radius, 0.85, 1.0)
    depth = inside * (1 - share) + beyond * share
    return np.asarray(cv2.GaussianBlur(depth, (0, 0), sigma))


def _centres(grid: Grid, axis: int, rim: int = 0) -> Array:
    """Pixel places of the nodes along x (0) or y (1), and of `rim` more on both sides."""
    start, count = ((grid.left_px, grid.columns), (grid.top_px, grid.rows))[axis]
    return np.asarray(start + (np.arange(-rim, count + rim) + 0.5) * grid.step_px - 0.5, dtype=np.float64)
