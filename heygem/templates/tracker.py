"""Follows one face through a clip: detector for the first look, then landmarks from frame to frame."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.errors import FaceTooSmallError, NoFaceError
from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import crop_rgb
from heygem.models.landmarker import DETECTOR_PX, Detection, FaceLandmarker
from heygem.templates.canonical import LIPS, VERTEX_COUNT
from heygem.templates.cover import LOOK_EVERY_FRAMES, CoverWatch, CoverWindow, covers_in, lasting
from heygem.templates.face_track import FaceTrack
from heygem.templates.likeness import Likeness
from heygem.templates.region import Region, Square

PRESENCE_MIN = 0.5
SMALLEST_FACE_PX = 48.0
COLOUR_BLUR_PX = 5
DETAIL_BOX_PX = 128  # a mouth is looked at with 128 to 255 px for its width, or as it is
FACES_LOOKED_AT = 4
LOST_SEARCH_FACES = 4.0  # side of the square searched first for a lost face, in its widths
PARTS_EVERY_FRAMES = (
    8  # searching the parts of a picture is dear; a clip without a face must not take for ever
)
PART_SIDES = (0.7, 0.35)  # of the picture's short side
# A lost face may return within this many face widths; farther away it has to look like the same person.
RETURN_DISTANCE_FACES = 1.5


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one frame: (478,3) float32 landmarks in frame pixels, (468,3) uint8 RGB around vertices.

    `window`: what is to be looked at for things before it; None in most frames.
    """

    points_px: NDArray[np.float32]
    colours: NDArray[np.uint8]
    window: CoverWindow | None = None

    @property
    def centre_px(self) -> NDArray[np.float64]:
        return np.asarray(self.points_px[:VERTEX_COUNT, :2].mean(0), dtype=np.float64)

    @property
    def width_px(self) -> float:
        return float(np.ptp(self.points_px[:VERTEX_COUNT, 0]))


class FaceTracker:
    """Tracks the main face of a clip, or the one at `face_point` ((x, y) in 0..1 of the frame)."""

    def __init__(
        self,
        landmarker: FaceLandmarker,
        colour: ColourTags,
        face_point: tuple[float, float] | None = None,
        cover_watch: CoverWatch | None = None,
    ) -> None:
        """Without a `cover_watch` nothing is known of what is before the face for long."""
        self._landmarker = landmarker
        self._cover_watch = cover_watch
        self._cover_is_due = False
        self._colour = colour
        self._face_point = face_point
        self._last: Face | None = None
        self._likeness = Likeness()
        self._searched = 0

    def track(self, frames: Iterable[YuvFrame], on_frame: Callable[[int], None]) -> FaceTrack:
        """One pass over the clip; `on_frame(count)` after each frame.

        Raises:
            NoFaceError: no frame shows a face.
            FaceTooSmallError: the face is under 48 px wide.
        """
        empty = Face(np.zeros((478, 3), np.float32), np.zeros((VERTEX_COUNT, 3), np.uint8))
        faces: list[Face | None] = []
        detail: list[float] = []
        following = False
        for frame in frames:
            self._cover_is_due = len(faces) % LOOK_EVERY_FRAMES == 0
            face = self._follow(frame) if following else None
            face = face or self._find(frame)
            following = face is not None
            if face:
                self._last = face
                self._likeness.learn(face.points_px)
            faces.append(face)
            detail.append(mouth_detail(frame.y, face.points_px) if face else 0.0)
            on_frame(len(faces))
        track = FaceTrack(
            points=np.stack([(face or empty).points_px for face in faces]),
            present=np.array([face is not None for face in faces]),
            colours=np.stack([(face or empty).colours for face in faces]),
            detail=np.array(detail, np.float32),
            covered=_covered(faces, self._cover_watch),
        )
        return _usable(track)

    def faces_in(self, frame: YuvFrame) -> list[Face]:
        """All faces that are seen when looking at the whole picture, each once, the largest first."""
        height, width = frame.y.shape
        whole = Square.around(np.array([width, height]) / 2, max(width, height))
        looks = (self._look_twice(frame, region) for region in self._regions(frame, whole))
        apart: list[Face] = []
        for face in sorted(filter(None, looks), key=lambda face: -face.width_px):
            if all(_distance(face, other.centre_px) > other.width_px / 2 for other in apart):
                apart.append(face)
        return apart

    def _follow(self, frame: YuvFrame) -> Face | None:
        """Landmarks inside the region the last frame's landmarks ask for."""
        assert self._last is not None
        return self._look(frame, Region.of_landmarks(self._last.points_px))

    def _look(self, frame: YuvFrame, region: Region) -> Face | None:
        """One run of the landmark net; None where it sees no face."""
        crop = region.crop(frame, self._colour)
        points, presence = self._landmarker.landmarks(crop[None])
        if presence[0] < PRESENCE_MIN:
            return None
        watch = self._cover_watch if self._cover_is_due else None
        window = CoverWindow.of(crop, points[0], watch.face) if watch else None
        return Face(region.in_frame(points[0]), _colours_at(crop, points[0, :VERTEX_COUNT, :2]), window)

    def _find(self, frame: YuvFrame) -> Face | None:
        """Look for faces square by square, twice at each, and choose whom to follow."""
        for square in self._squares(frame):
            looks = (self._look_twice(frame, region) for region in self._regions(frame, square))
            chosen = self._choose([face for face in looks if face], frame)
            if chosen:
                return chosen
        return None

    def _look_twice(self, frame: YuvFrame, region: Region) -> Face | None:
        """A detector's crop is coarse: the landmarks in it ask for a better one."""
        face = self._look(frame, region)
        return face and self._look(frame, Region.of_landmarks(face.points_px))

    def _squares(self, frame: YuvFrame) -> Iterator[Square]:
        """Where to search: where the face was or is said to be, the whole picture, its parts."""
        height, width = frame.y.shape
        if self._last is not None:
            yield Square.around(self._last.centre_px, LOST_SEARCH_FACES * self._last.width_px)
        elif self._face_point is not None:
            point = np.array(self._face_point) * (width, height)
            yield from (Square.around(point, part * min(width, height)) for part in (0.4, 0.8))
        yield Square.around(np.array([width, height]) / 2, max(width, height))
        if self._last is None and self._searched % PARTS_EVERY_FRAMES == 0:
            yield from _parts(width, height)
        self._searched += 1

    def _regions(self, frame: YuvFrame, square: Square) -> list[Region]:
        """Candidate regions of the first detector that finds any in a square, best score first."""
        for reach, size in DETECTOR_PX.items():
            crop = crop_rgb(frame, square.crop_to_frame(size), size, self._colour)
            found: list[Detection] = self._landmarker.detect(crop[None], reach)[0]
            if found:
                best = sorted(found, key=lambda detection: -detection.score)[:FACES_LOOKED_AT]
                return [Region.of_detection(square, detection) for detection in best]
        return []

    def _choose(self, faces: list[Face], frame: YuvFrame) -> Face | None:
        """The followed person; at first the face pointed at, or the largest and most central one."""
        if not faces:
            return None
        height, width = frame.y.shape
        if self._last is not None:
            last = self._last
            nearest = min(faces, key=lambda face: _distance(face, last.centre_px))
            reach_px = RETURN_DISTANCE_FACES * max(last.width_px, nearest.width_px)
            if _distance(nearest, last.centre_px) <= reach_px:
                return nearest
            return next((face for face in faces if self._likeness.is_of(face.points_px)), None)
        if self._face_point is not None:
            point = np.array(self._face_point) * (width, height)
            return min(faces, key=lambda face: _distance(face, point))
        middle, spread = np.array([width, height]) / 2, 0.5 * max(width, height)
        return max(
            faces, key=lambda face: face.width_px**2 * np.exp(-((_distance(face, middle) / spread) ** 2))
        )


def look_where_it_was(
    landmarker: FaceLandmarker, colour: ColourTags, frames: Sequence[YuvFrame], points_px: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Landmarks (M,478,3) of the face in each of M frames, whose head is where the landmarks (478,3) say."""
    region = Region.of_landmarks(points_px)
    points, _ = landmarker.landmarks(np.stack([region.crop(frame, colour) for frame in frames]))
    return region.in_frame(points)


def mouth_detail(luma: NDArray[np.uint8], points_px: NDArray[np.float32]) -> float:
    """Variance of the Laplacian of luma (H,W) in the box of the lips of (478,3): low where they are blurred.

    Large boxes are shrunk first: how sharp the noise of a sensor is does not matter.
    """
    lips = points_px[list(LIPS), :2]
    left, top = np.clip(np.floor(lips.min(0)), 0, np.array(luma.shape[::-1]) - 2).astype(int)
    right, bottom = np.ceil(np.maximum(lips.max(0), (left + 2, top + 2))).astype(int)
    box = luma[top:bottom, left:right]
    shrink = max(box.shape[1] // DETAIL_BOX_PX, 1)
    size = (max(box.shape[1] // shrink, 1), max(box.shape[0] // shrink, 1))
    return float(cv2.Laplacian(cv2.resize(box, size, interpolation=cv2.INTER_AREA), cv2.CV_32F).var())


def _colours_at(crop: NDArray[np.uint8], places_px: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(S,S,3) RGB and (V,2) crop pixels -> (V,3): means of 5x5 px, at the nearest pixel."""
    soft = cv2.blur(crop, (COLOUR_BLUR_PX, COLOUR_BLUR_PX))
    x, y = np.clip(np.round(places_px), 0, crop.shape[0] - 1).astype(np.int64).T
    return np.asarray(soft[y, x], np.uint8)


def _covered(faces: Sequence[Face | None], watch: CoverWatch | None) -> NDArray[np.uint8]:
    """(N,468) in parts of 255, from the frames that were looked at."""
    if watch is None:
        return np.zeros((len(faces), VERTEX_COUNT), np.uint8)
    windows = {index: face.window for index, face in enumerate(faces) if face and face.window}
    looks = covers_in(list(windows.values()), watch.seer)
    return np.round(lasting(looks, np.array(list(windows), np.int64), len(faces)) * 255).astype(np.uint8)


def _parts(width: int, height: int) -> Iterator[Square]:
    """Overlapping squares over the picture, larger first: for faces too small to be seen in the whole."""
    for part in PART_SIDES:
        side = part * min(width, height)
        for y in np.linspace(0, height - side, round(2 * height / side) - 1):
            for x in np.linspace(0, width - side, round(2 * width / side) - 1):
                yield Square(np.array([x, y]), side)


def _distance(face: Face, point_px: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(face.centre_px - point_px))


def _usable(track: FaceTrack) -> FaceTrack:
    if not track.present.any():
        raise NoFaceError(
            "No face was found in the template: use a clip or photo that shows one from the front."
        )
    width = track.face_width_px()
    if width < SMALLEST_FACE_PX:
        raise FaceTooSmallError(
            f"The face in the template is only {width:.0f} pixels wide: use a closer or larger picture "
            f"(at least {SMALLEST_FACE_PX:.0f} pixels).",
            width_px=f"{width:.0f}",
            least_px=f"{SMALLEST_FACE_PX:.0f}",
        )
    return track
