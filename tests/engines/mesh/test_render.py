"""A plan over a small bank: which mouths are taken, and which are mixed."""

from fractions import Fraction

import numpy as np

from heygem.engines.base import LipSyncOptions
from heygem.engines.mesh.bank import MouthBank, MouthPatch
from heygem.engines.mesh.drawer import ThreadDrawer
from heygem.engines.mesh.inside import looks_of
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.render import FrameRenderer, RenderPlan, Wish
from heygem.engines.mesh.shaping import wanted_gap
from heygem.engines.mesh.speech_motion import Motion
from heygem.templates.canonical import lip_gap
from heygem.templates.face_track import FaceTrack
from tests.drawn_face import FACE, MESH, landmarks
from tests.drawn_mouth import mouth

DRAWER = ThreadDrawer(MESH, threads=1)
RENDERER = FrameRenderer(MESH, FACE, np.zeros((468, 3), np.float32), DRAWER)
JAW = np.zeros((1, 468, 3), np.float32)
JAW[0, :, 1] = FACE.vertices[:, 1] > FACE.vertices[13, 1] + 0.005
FRAMES = 60


def still_portrait() -> Portrait:
    nods = [landmarks(y=200 + (frame % 3) * 0.1, degrees=(frame % 5) * 0.1) for frame in range(FRAMES)]
    points = np.stack(nods).astype(np.float32)
    colours, detail = np.full((FRAMES, 468, 3), 150, np.uint8), np.ones(FRAMES, np.float32)
    free = np.zeros((FRAMES, 468), np.uint8)
    return Portrait.of(FaceTrack(points, np.ones(FRAMES, bool), colours, detail, free), FACE, MESH)


def plan_of(patches: list[MouthPatch], openings: list[float], asked: list[float]) -> RenderPlan:
    """Mouths filmed ten frames apart with these lip gaps, and the plan for lips that are asked to open so."""
    portrait = still_portrait()
    rest = float(wanted_gap(portrait.neutral[None])[0])
    shapes = portrait.neutral + (np.array(openings)[:, None, None] - rest) * JAW[0]
    keys = portrait.keys(shapes, wanted_gap(shapes), np.arange(len(openings)) * 10)
    motion = Motion(np.array(asked, np.float32)[:, None] - rest, JAW, *np.ones((2, len(asked)), np.float32))
    schedule, bank = np.arange(len(asked)), MouthBank(tuple(patches), keys, looks_of(patches, MESH.ring))
    return RENDERER.plan(portrait, bank, motion, schedule, LipSyncOptions(), Fraction(25))


TREMBLING = [0.083, 0.091, 0.1, 0.105, 0.103, 0.092, 0.083, 0.084, 0.1, 0.105]


def test_teeth_do_not_blink_while_lips_tremble() -> None:
    assert len(set(plan_of([mouth(teeth=True), mouth()], [0.08, 0.106], TREMBLING).path)) == 1
    assert len(set(plan_of([mouth(), mouth()], [0.08, 0.106], TREMBLING).path)) == 2


def test_teeth_that_must_come_come_at_once() -> None:
    """Lips that open far leave a mouth without teeth for one with them: no frame shows both."""
    patches, asked = [mouth(), mouth(teeth=True)], [0.08] * 6 + [0.2] * 6
    plan = plan_of(patches, [0.08, 0.2], asked)
    assert set(plan.path) == {0, 1}
    drawings = [drawing for drawing in RENDERER.drawings(plan) if drawing is not None]
    assert len(drawings) == len(asked)
    assert all(len(drawing.mouths) == 1 for drawing in drawings)


def test_mouths_that_look_alike_fade_into_each_other() -> None:
    plan = plan_of([mouth(), mouth()], [0.08, 0.2], [0.08] * 6 + [0.2] * 6)
    drawings = [drawing for drawing in RENDERER.drawings(plan) if drawing is not None]
    assert [len(drawing.mouths) for drawing in drawings] == [1] * 5 + [2, 2] + [1] * 5


def test_a_smear_is_left_for_a_mouth_that_fits_a_little_worse() -> None:
    smear = mouth()
    smear.pixels.y[:] = 130
    plan = plan_of([smear, mouth(teeth=True), mouth(teeth=True)], [0.1, 0.12, 0.2], [0.1] * 4)
    assert set(plan.path) == {1}


def test_a_face_with_parted_lips_rests_so_and_speaks_from_a_closed_mouth() -> None:
    portrait = still_portrait()
    resting, speaking = np.zeros(4, np.float32), np.ones(4, np.float32)
    motion = Motion(np.zeros((8, 1), np.float32), JAW, np.zeros(8, np.float32), np.r_[resting, speaking])
    shapes = Wish.of(portrait, motion, 1.0, MESH, FACE).shapes(0, 8)
    assert lip_gap(portrait.rest) > 0.015
    np.testing.assert_allclose(shapes[:4], portrait.rest[None].repeat(4, 0), atol=1e-6)
    assert lip_gap(shapes[4:]).max() < 0.006
