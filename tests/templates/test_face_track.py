import numpy as np
import pytest

from heygem.templates.face_track import FaceTrack


def track(present: list[bool]) -> FaceTrack:
    points = np.zeros((len(present), 478, 3), np.float32)
    points[:] = np.arange(len(present), dtype=np.float32)[:, None, None]
    points[~np.array(present)] = -999
    return FaceTrack(points, np.array(present), *looks(len(present)))


def looks(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    colours, covered = np.zeros((count, 468, 3), np.uint8), np.zeros((count, 468), np.uint8)
    return colours, np.zeros(count, np.float32), covered


def test_absent_frames_are_filled_between_their_neighbours() -> None:
    filled = track([False, True, False, False, True, False]).filled_points[:, 0, 0]
    np.testing.assert_allclose(filled, [1, 1, 2, 3, 4, 4])


def test_strength_is_zero_where_absent_and_ramps_beside() -> None:
    strength = track([True] * 6 + [False] + [True]).strength(3)
    np.testing.assert_allclose(strength, [1, 1, 1, 0.75, 0.5, 0.25, 0, 0.25])
    assert (track([True, True]).strength(3) == 1).all()


def test_one_record_per_frame() -> None:
    with pytest.raises(ValueError, match="rows for 3 frames"):
        FaceTrack(np.zeros((2, 478, 3), np.float32), np.ones(3, bool), *looks(3))
