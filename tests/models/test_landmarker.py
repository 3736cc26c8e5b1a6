"""The face nets on a presenter that ships: they find her and her mouth, and nobody in an empty picture."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.yuv import crop_rgb
from heygem.models.blendshapes import BLENDSHAPE_NAMES
from heygem.models.golden import deviation, read_goldens
from heygem.models.landmarker import CROP_PX, DETECTOR_PX, FaceLandmarker, Images, Reach
from heygem.models.resident import LoadContext
from heygem.templates.canonical import CHIN, INNER_LIPS, OUTER_LIPS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "models" / "face-landmarker"
REACHES: tuple[Reach, ...] = ("short", "full")
# Landmarks, left and right as seen: irises, corners of the mouth; middles of the inner lips.
LEFT_IRIS, RIGHT_IRIS = 468, 473
LEFT_CORNER, RIGHT_CORNER = 61, 291
UPPER_LIP, LOWER_LIP = 13, 14
FOREHEAD = 10
JAW = [CHIN, 148, 377, 176, 400, 149, 378]
LOWER_FACE = [*INNER_LIPS[1:10], *OUTER_LIPS[1:10], *JAW]


class Scene:
    """A frame of 1280 x 720 with one face in its middle."""

    def __init__(self, path: Path) -> None:
        info = probe_video(path)
        with FrameSource(info) as source:
            self._crop = partial(crop_rgb, next(iter(source.read())), colour=info.colour)
        self._middle = np.array([info.width, info.height]) / 2
        self.side_px = min(info.width, info.height)

    def square(self, size: int, side_px: float, offset_px: tuple[float, float] = (0, 0)) -> Images:
        """(size,size,3) RGB of a square beside the middle of the frame."""
        scale = side_px / size
        corner = self._middle + offset_px - side_px / 2 + (scale - 1) / 2
        return self._crop(np.column_stack([np.eye(2) * scale, corner]), size)


@pytest.fixture(scope="module")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker(LoadContext(FOLDER, torch.device("cpu"), "fp32"))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(ROOT / "heygem" / "assets" / "anna_idle.mp4")


@pytest.fixture(scope="module")
def crops(scene: Scene) -> Images:
    """(9,256,256,3): the face, ever larger and farther aside."""
    sides = np.linspace(480, 400, 9)
    return np.stack([scene.square(CROP_PX, side, (480 - side, 0)) for side in sides])


@pytest.fixture(scope="module")
def points(landmarker: FaceLandmarker, crops: Images) -> NDArray[np.float32]:
    return landmarker.landmarks(crops)[0]


@pytest.mark.parametrize("reach", REACHES)
def test_one_face_is_found_where_it_is(landmarker: FaceLandmarker, scene: Scene, reach: Reach) -> None:
    ((face,),) = landmarker.detect(scene.square(DETECTOR_PX[reach], scene.side_px)[None], reach)
    left_eye, right_eye, nose, mouth, left_ear, right_ear = face.keypoints  # as seen
    assert face.score > 0.7
    assert 0.2 < face.box.min() < face.box.max() < 0.8
    assert left_ear[0] < left_eye[0] < nose[0] < right_eye[0] < right_ear[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < mouth[1]


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("grey", [0, 127, 255])
def test_nobody_is_in_an_empty_picture(landmarker: FaceLandmarker, reach: Reach, grey: int) -> None:
    size = DETECTOR_PX[reach]
    assert landmarker.detect(np.full((2, size, size, 3), grey, np.uint8), reach) == [[], []]


def test_pictures_of_a_batch_are_answered_in_their_order(landmarker: FaceLandmarker, scene: Scene) -> None:
    picture = scene.square(192, scene.side_px)
    found = landmarker.detect(np.stack([np.zeros_like(picture), picture]), "full")
    assert [len(faces) for faces in found] == [0, 1]


@pytest.mark.parametrize("reach", REACHES)
def test_the_mesh_lies_where_the_detector_saw_eyes_and_mouth(
    landmarker: FaceLandmarker, scene: Scene, reach: Reach
) -> None:
    side = 480.0
    ((face,),) = landmarker.detect(scene.square(DETECTOR_PX[reach], side)[None], reach)
    mesh, presence = landmarker.landmarks(scene.square(CROP_PX, side)[None])
    seen = mesh[0, [LEFT_IRIS, RIGHT_IRIS, UPPER_LIP], :2]
    assert presence[0] > 0.9
    assert np.abs(face.keypoints[[0, 1, 3]] * CROP_PX - seen).max() < 8


def test_eyes_and_mouth_are_in_plausible_places(points: NDArray[np.float32]) -> None:
    face = points[0, :, :2]
    height = face[CHIN, 1] - face[FOREHEAD, 1]
    eyes = face[[LEFT_IRIS, RIGHT_IRIS]]
    corners = face[[LEFT_CORNER, RIGHT_CORNER]]
    assert 0.4 * CROP_PX < height < 0.9 * CROP_PX
    assert eyes[0, 0] < corners[0, 0] < corners[1, 0] < eyes[1, 0]
    assert np.ptp(eyes[:, 1]) < 0.03 * height
    assert 0.35 < (corners[:, 1].mean() - eyes[:, 1].mean()) / height < 0.5
    assert 0 <= face[LOWER_LIP, 1] - face[UPPER_LIP, 1] < 0.03 * height  # she is silent


def test_landmarks_follow_the_face(landmarker: FaceLandmarker, scene: Scene) -> None:
    here, aside = landmarker.landmarks(
        np.stack([scene.square(CROP_PX, 480), scene.square(CROP_PX, 480, (15, 0))])
    )[0]
    shift = here[:468, :2] - aside[:468, :2]
    np.testing.assert_allclose(shift.mean(0), [15 * CROP_PX / 480, 0], atol=1)


@pytest.mark.parametrize("count", [3, 9])
def test_a_batch_is_its_pictures_one_by_one(landmarker: FaceLandmarker, crops: Images, count: int) -> None:
    together, presence = landmarker.landmarks(crops[:count])
    singly = [landmarker.landmarks(crop[None]) for crop in crops[:count]]
    np.testing.assert_allclose(together, np.concatenate([mesh for mesh, _ in singly]), atol=1e-3)
    np.testing.assert_allclose(presence, np.concatenate([sure for _, sure in singly]), atol=1e-5)


def test_no_picture_gives_no_landmarks(landmarker: FaceLandmarker) -> None:
    mesh, presence = landmarker.landmarks(np.empty((0, CROP_PX, CROP_PX, 3), np.uint8))
    assert (mesh.shape, presence.shape) == ((0, 478, 3), (0,))


def test_presence_is_low_where_no_face_is(landmarker: FaceLandmarker) -> None:
    assert landmarker.landmarks(np.full((1, CROP_PX, CROP_PX, 3), 127, np.uint8))[1] < 0.1


def test_a_dropped_jaw_is_read_as_one(landmarker: FaceLandmarker, points: NDArray[np.float32]) -> None:
    silent = points[:1, :, :2].copy()
    open_wide = silent.copy()
    open_wide[:, LOWER_FACE, 1] += 25
    shapes = landmarker.blendshapes(np.concatenate([silent, open_wide]))
    assert shapes.shape == (2, len(BLENDSHAPE_NAMES)) == (2, 52)
    assert 0 <= shapes.min() <= shapes.max() <= 1
    jaw_open = shapes[:, BLENDSHAPE_NAMES.index("jawOpen")]
    assert jaw_open[0] < 0.05
    assert jaw_open[1] > 0.5


@pytest.mark.parametrize("bucket", FaceLandmarker.buckets)
def test_it_gives_what_was_recorded(landmarker: FaceLandmarker, bucket: str) -> None:
    assert deviation(landmarker.warm(bucket), read_goldens(FOLDER)[bucket]) < 1e-4


def test_it_counts_its_bytes(landmarker: FaceLandmarker) -> None:
    stored = sum(path.stat().st_size for path in FOLDER.glob("face_*.safetensors"))
    assert stored < landmarker.bytes_resident < 2.5 * stored  # float16 on disk, float32 here
