"""What is before a face for long is found where it is; what passes is left to those who go by colour."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from heygem.assets.catalog import DEFAULT_TEMPLATES, DefaultTemplate
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import YuvFrame
from heygem.models.cover import ANSWER_PX, COVER_PX, CoverNet
from heygem.models.landmarker import FaceLandmarker
from heygem.models.resident import LoadContext
from heygem.templates.canonical import CHIN, LIPS, NOSE_BASE, VERTEX_COUNT, CanonicalFace
from heygem.templates.cover import CoverWatch, CoverWindow, covers_in, lasting
from heygem.templates.face_track import FaceTrack
from heygem.templates.tracker import FaceTracker

MODELS = Path(__file__).parents[2] / "models"
FACE = CanonicalFace.load(MODELS / "face-landmarker" / "canonical_face.npz")
SIDE = 256


class DarkSeer:
    """Takes for covered what is black."""

    def covered(self, mouths: np.ndarray) -> np.ndarray:
        assert mouths.shape[1:] == (COVER_PX, COVER_PX, 3) and mouths.dtype == np.uint8
        dark = [(cv2.resize(one, (ANSWER_PX, ANSWER_PX)).mean(-1) < 100) for one in mouths]
        return np.stack(dark).astype(np.float32)


def face_at(degrees: float) -> np.ndarray:
    """Landmarks (478,3) of a face, turned in the picture."""
    angle = np.radians(degrees)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.zeros((478, 3), np.float32)
    points[:VERTEX_COUNT, :2] = FACE.vertices[:, :2] @ turned.T * 170 + SIDE / 2
    return points


@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_places_behind_something_are_told_from_those_beside_it(degrees: float) -> None:
    points = face_at(degrees)
    crop = np.full((SIDE, SIDE, 3), 180, np.uint8)
    chin = points[CHIN, :2]
    cv2.circle(crop, (round(float(chin[0])), round(float(chin[1]))), 16, (20, 20, 20), -1)
    [found] = covers_in([CoverWindow.of(crop, points, FACE)], DarkSeer())
    assert found[CHIN] > 0.9
    assert found[[*LIPS, NOSE_BASE]].max() < 0.1
    assert found[points[:VERTEX_COUNT, 1] < SIDE / 3].max() == 0  # out of the window's reach


def looks(covered: list[int]) -> np.ndarray:
    """(M,468), in each of which so many places are surely covered."""
    found = np.zeros((len(covered), VERTEX_COUNT), np.float32)
    for row, count in enumerate(covered):
        found[row, :count] = 0.9
    return found


def test_between_two_looks_the_surer_one_holds() -> None:
    found = lasting(looks([0, 9, 0, 9]), np.array([0, 4, 8, 12]), 15)
    assert (found[:, 0] > 0.5).tolist() == [False] + [True] * 14
    found = lasting(looks([9, 0, 0]), np.array([0, 4, 8]), 9)
    assert (found[:, 0] > 0.5).tolist() == [True] * 5 + [False] * 4


@pytest.mark.parametrize("covered", [[9, 0, 0, 0, 0, 0], [2, 2, 2, 2], []])
def test_what_passes_and_what_is_a_speck_is_nothing_that_lasts(covered: list[int]) -> None:
    found = lasting(looks(covered), np.arange(len(covered)) * 4, 30)
    assert found.shape == (30, VERTEX_COUNT) and not found.any()


@pytest.fixture(scope="module")
def nets() -> tuple[FaceLandmarker, CoverNet]:
    device = torch.device("cpu")
    landmarker = FaceLandmarker(LoadContext(MODELS / "face-landmarker", device, "fp32"))
    return landmarker, CoverNet(LoadContext(MODELS / "mouth-cover", device, "fp32"))


def with_microphone(frame: YuvFrame, place_px: np.ndarray, width_px: float) -> YuvFrame:
    """A black ball on a stick, at a place of the frame."""
    held = frame.copy()
    for plane, level, parts in ((held.y, 32, 1), (held.u, 128, 2), (held.v, 128, 2)):
        x, y = (round(float(value) / parts) for value in place_px)
        radius = round(width_px / 2 / parts)
        cv2.circle(plane, (x, y), radius, level, -1, cv2.LINE_AA)
        cv2.line(plane, (x, y), (x + radius, y + 8 * radius), level, radius, cv2.LINE_AA)
    return held


@pytest.mark.parametrize("template", DEFAULT_TEMPLATES, ids=lambda template: template.name)
def test_a_microphone_that_is_always_there_is_seen_before_a_real_face(
    nets: tuple[FaceLandmarker, CoverNet], template: DefaultTemplate
) -> None:
    landmarker, seer = nets
    info = probe_video(template.video_path)
    with FrameSource(info) as reader:
        bare = next(iter(reader.read())).copy()

    def track_of(frame: YuvFrame) -> FaceTrack:
        tracker = FaceTracker(landmarker, info.colour, cover_watch=CoverWatch(seer, FACE))
        return tracker.track([frame] * 2, lambda _: None)

    free = track_of(bare)
    assert free.covered.max() < 0.5 * 255
    points = free.points[0, :VERTEX_COUNT, :2]
    radius = 0.15 * float(np.ptp(points[:, 0]))
    middle = (points[CHIN] + points[list(LIPS)].mean(0)) / 2
    held = track_of(with_microphone(bare, middle, 2 * radius))
    away = np.linalg.norm(held.points[0, :VERTEX_COUNT, :2] - middle, axis=1)
    assert np.mean(held.covered[0, away < 0.8 * radius] / 255) > 0.8
    assert held.covered[0, NOSE_BASE] < 0.3 * 255
