"""Which frames of a clip lend their mouth to others."""

import numpy as np
from scipy.spatial.transform import Rotation

from heygem.engines.mesh.portrait import Portrait
from heygem.templates.canonical import CHIN, LIPS, MOUTH_CORNERS
from heygem.templates.face_track import FaceTrack
from tests.drawn_face import FACE, FACE_PX, MESH

FRAMES = 40


def portrait_of(
    yaw_degrees: np.ndarray, shaded: slice = slice(0), covered: np.ndarray | None = None
) -> Portrait:
    """A head turned by so much in each frame; some have something a little darker at a mouth corner.

    `covered` (N,468), 0..255: what is before it for long.
    """
    turns = Rotation.from_euler("y", yaw_degrees[:, None], degrees=True).as_matrix()  # (N,3,3)
    points = FACE.vertices @ turns.transpose(0, 2, 1) * FACE_PX + (240, 200, 0)
    irises = np.zeros((len(points), 10, 3))
    colours, detail = np.full((len(points), 468, 3), 150, np.uint8), np.ones(len(points), np.float32)
    corner = np.linalg.norm(FACE.vertices - FACE.vertices[MOUTH_CORNERS[0]], axis=1) < 0.1
    colours[shaded, corner] -= 38
    if covered is None:
        covered = np.zeros((len(points), 468), np.uint8)
    track = FaceTrack(
        np.concatenate([points, irises], 1).astype(np.float32),
        np.ones(len(points), bool),
        colours,
        detail,
        covered,
    )
    return Portrait.of(track, FACE, MESH)


def test_a_mouth_on_the_outline_of_the_face_is_not_lent() -> None:
    yaw = np.where(np.arange(FRAMES) < 20, 0.0, 60.0)
    portrait = portrait_of(yaw)
    assert portrait.shows_mouth.all()
    assert portrait.lends_mouth[:16].all() and not portrait.lends_mouth[26:].any()
    assert portrait.restful_frame() < 20


def test_a_mouth_beside_something_odd_is_not_lent_though_it_is_shown() -> None:
    portrait = portrait_of(np.zeros(120), slice(50, 54))
    assert portrait.shows_mouth.all() and portrait.visible.min() > 0.95
    assert not portrait.lends_mouth[46:58].any()
    assert portrait.lends_mouth[:40].all() and portrait.lends_mouth[64:].all()


def test_a_hand_that_stays_beside_the_mouth_does_not_forbid_it_and_one_before_it_does() -> None:
    covered = np.zeros((120, 468), np.uint8)
    covered[:, np.linalg.norm(FACE.vertices - FACE.vertices[CHIN], axis=1) < 0.05] = 255
    covered[60:, list(LIPS)] = 255
    portrait = portrait_of(np.zeros(120), covered=covered)
    assert portrait.visible[:, CHIN].max() < 0.1
    assert portrait.shows_mouth[:45].all() and not portrait.shows_mouth[60:].any()


def test_a_portrait_knows_how_large_its_face_is() -> None:
    assert abs(portrait_of(np.zeros(FRAMES)).px_per_unit / FACE_PX - 1) < 0.01


def test_where_a_head_is_always_turned_all_frames_lend() -> None:
    portrait = portrait_of(np.full(FRAMES, 60.0))
    assert portrait.lends_mouth.all()
