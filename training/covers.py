"""Draws things before a face, and beards on it, into mouth crops: lessons for the net that tells them apart.

All of it is drawn: microphones, fingers, brushes, cloth and boards, and beards, shadows and lipstick, which
are no covers.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.models.mouth import CROP_PX

Picture = NDArray[np.float32]
Mask = NDArray[np.float32]
Rng = np.random.Generator
PLAIN = 0.45  # chance of a face with nothing before it
BEARDED, SHADED, PAINTED_LIPS, PAINTED_FACE = 0.5, 0.3, 0.2, 0.06
ROWS, COLUMNS = np.mgrid[:CROP_PX, :CROP_PX].astype(np.float32)


def lesson(picture: Picture, lips: Mask, others: Picture, rng: Rng) -> tuple[Picture, Mask]:
    """Crop (160,160,3) RGB 0..255, its lips (160,160), another crop -> what to look at, and the truth."""
    made = picture
    if rng.random() < BEARDED:
        made = with_beard(made, lips, rng)
    if rng.random() < PAINTED_LIPS:
        made = with_lipstick(made, lips, rng)
    if rng.random() < PAINTED_FACE:
        made = with_paint(made, lips, rng)
    truth = np.zeros((CROP_PX, CROP_PX), np.float32)
    if rng.random() >= PLAIN:
        for _ in range(1 if rng.random() < 0.8 else 2):
            shape = SHAPES[int(rng.choice(len(SHAPES), p=SHAPE_CHANCES))](rng)
            made = made + shape[..., None] * (_filling(made, others, shape, rng) - made)
            truth = np.maximum(truth, shape)
    if rng.random() < SHADED:
        made = made * _shadow(rng)[..., None]
    return _filmed(made, rng), truth


def _microphone(rng: Rng) -> Mask:
    """A ball on a stick."""
    drawn = np.zeros((CROP_PX, CROP_PX), np.float32)
    x, y = rng.uniform(20, 140), rng.uniform(70, 165)
    wide, tall = rng.uniform(14, 46), rng.uniform(0.8, 1.4)
    centre = (int(x), int(y))
    cv2.ellipse(drawn, centre, (int(wide), int(wide * tall)), rng.uniform(0, 180), 0, 360, 1, -1, cv2.LINE_AA)
    if rng.random() < 0.8:
        angle = rng.uniform(0.15, 0.85) * np.pi
        end = (int(x + 250 * np.cos(angle)), int(y + 250 * np.sin(angle)))
        cv2.line(drawn, centre, end, 1, max(int(wide * rng.uniform(0.5, 1.3)), 3), cv2.LINE_AA)
    return drawn


def _fingers(rng: Rng) -> Mask:
    """Some capsules side by side."""
    drawn = np.zeros((CROP_PX, CROP_PX), np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along, beside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    thick = rng.uniform(12, 30)
    tip = np.array([rng.uniform(10, 150), rng.uniform(40, 160)])
    for number in range(int(rng.integers(1, 5))):
        start = tip + beside * number * thick * rng.uniform(0.8, 1.1) + along * rng.uniform(-12, 12)
        end = start + along * 260 + beside * rng.uniform(-40, 40)
        cv2.line(drawn, _px(start), _px(end), 1, int(thick), cv2.LINE_AA)
    return drawn


def _stick(rng: Rng) -> Mask:
    """A brush, a pen, a spoon."""
    drawn = np.zeros((CROP_PX, CROP_PX), np.float32)
    tip, angle = np.array([rng.uniform(20, 140), rng.uniform(50, 150)]), rng.uniform(0, 2 * np.pi)
    end = tip + 260 * np.array([np.cos(angle), np.sin(angle)])
    cv2.line(drawn, _px(tip), _px(end), 1, int(rng.integers(4, 16)), cv2.LINE_AA)
    if rng.random() < 0.6:
        cv2.circle(drawn, _px(tip), int(rng.integers(4, 16)), 1, -1, cv2.LINE_AA)
    return drawn


def _blob(rng: Rng) -> Mask:
    """A fist, a cup, a sleeve: a lump with a wavy outline."""
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = rng.uniform(18, 60) * (
        1 + 0.25 * np.sin(turns * rng.integers(1, 4) + rng.uniform(0, 6)) * rng.random()
    )
    centre = np.array([rng.uniform(0, 160), rng.uniform(50, 175)])
    around = centre + np.stack([np.cos(turns) * radius, np.sin(turns) * radius * rng.uniform(0.6, 1.6)], 1)
    drawn = np.zeros((CROP_PX, CROP_PX), np.float32)
    cv2.fillPoly(drawn, [np.round(around).astype(np.int32)], 1.0, cv2.LINE_AA)
    return drawn


def _board(rng: Rng) -> Mask:
    """A mask, a sheet, a phone: what lies beyond a straight edge."""
    angle = rng.uniform(0, 2 * np.pi)
    distance = (COLUMNS - 80) * np.cos(angle) + (ROWS - 90) * np.sin(angle)
    return np.clip(distance - rng.uniform(5, 60), 0, 1).astype(np.float32)


SHAPES: tuple[Callable[[Rng], Mask], ...] = (_microphone, _fingers, _stick, _blob, _board)
SHAPE_CHANCES = (0.38, 0.25, 0.12, 0.17, 0.08)


def _filling(picture: Picture, others: Picture, shape: Mask, rng: Rng) -> Picture:
    """What a cover looks like inside its shape: skin, plain stuff, a mesh, or a piece of another picture."""
    kind = rng.random()
    inside = cv2.distanceTransform((shape > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    round_off = np.clip(inside / rng.uniform(6, 30), 0, 1)[..., None]
    if kind < 0.3:  # skin, of the same person or another
        skin = np.median((picture if rng.random() < 0.7 else others)[40:60, 20:140].reshape(-1, 3), axis=0)
        colour = skin * rng.uniform(0.7, 1.15) + rng.normal(0, 6, 3)
        filled = colour * (0.62 + 0.38 * round_off) + _grain(rng, 4)[..., None]
    elif kind < 0.8:  # black, grey, or any colour
        level = rng.uniform(5, 70) if rng.random() < 0.6 else rng.uniform(60, 235)
        colour = level + rng.normal(0, 4 if rng.random() < 0.7 else 40, 3)
        sheen = rng.uniform(-40, 60) * _bump(rng)[..., None]
        filled = colour * (1 - rng.uniform(0, 0.5) * (1 - round_off)) + sheen + _weave(rng)[..., None]
    else:
        filled = cv2.warpAffine(
            others,
            cv2.getRotationMatrix2D((80, 80), rng.uniform(0, 360), rng.uniform(0.8, 2.5)),
            (CROP_PX, CROP_PX),
            borderMode=cv2.BORDER_REFLECT,
        )
    return np.clip(filled, 0, 255).astype(np.float32)


def with_beard(picture: Picture, lips: Mask, rng: Rng) -> Picture:
    """Stubble, a full beard, a moustache or a goatee: hair grows on a face and covers nothing."""
    x, y = _middle(lips)
    jaw = _soft(1 - ((COLUMNS - x) / rng.uniform(55, 95)) ** 2 - ((ROWS - y - 20) / rng.uniform(45, 80)) ** 2)
    cheeks_free = _soft((ROWS - y + rng.uniform(-10, 40)) / 25)
    moustache = _soft(
        1 - ((COLUMNS - x) / rng.uniform(25, 50)) ** 2 - ((ROWS - y + 22) / rng.uniform(10, 16)) ** 2
    )
    goatee = _soft(1 - ((COLUMNS - x) / rng.uniform(14, 32)) ** 2 - ((ROWS - y - 42) / 28) ** 2)
    long = _soft(1.2 - ((COLUMNS - x) / rng.uniform(40, 80)) ** 2) * _soft((ROWS - y - 4) / 20)
    parts = [jaw * cheeks_free, moustache, goatee, long]
    chances = (0.6, 0.6, 0.5, 0.2)
    worn = [part for part, chance in zip(parts, chances, strict=True) if rng.random() < chance] or parts[:1]
    where = np.max(worn, axis=0) * (1 - cv2.GaussianBlur(cv2.dilate(lips, np.ones((5, 5))), (0, 0), 1.5))
    hair = rng.choice([20, 40, 60, 110, 170, 215, 235]) + np.array([18.0, 4.0, -12.0]) * rng.uniform(0, 1.6)
    strokes = cv2.GaussianBlur(rng.normal(0, 1, picture.shape[:2]).astype(np.float32), (0, 0), 0.8)
    strokes += cv2.blur(rng.normal(0, 1, picture.shape[:2]).astype(np.float32), (1, 7)) * 1.5
    locks = cv2.GaussianBlur(rng.normal(0, 1, picture.shape[:2]).astype(np.float32), (0, 0), 2.5, sigmaY=9)
    strokes += locks * rng.uniform(0, 12)
    dense = np.clip(rng.uniform(0.25, 1.1) + 0.35 * strokes, 0, 1) * where * rng.uniform(0.5, 1)
    shade = hair + (strokes * rng.uniform(5, 22))[..., None]
    return np.asarray(picture + dense[..., None] * (np.clip(shade, 0, 255) - picture), np.float32)


def with_paint(picture: Picture, lips: Mask, rng: Rng) -> Picture:
    """A clown's or a fan's: a colour around the mouth, the same on both sides."""
    x, y = _middle(lips)
    away = np.abs(COLUMNS - x) / rng.uniform(20, 90), (ROWS - y - rng.uniform(-30, 30)) / rng.uniform(8, 60)
    where = _soft(4 * (1 - away[0] ** 2 - away[1] ** 2)) * rng.uniform(0.4, 0.95)
    shade = rng.uniform(10, 250, 3) * (picture.mean(-1, keepdims=True) / max(float(picture.mean()), 1.0))
    return np.asarray(picture + where[..., None] * (np.clip(shade, 0, 255) - picture), np.float32)


def with_lipstick(picture: Picture, lips: Mask, rng: Rng) -> Picture:
    """Lips of another colour."""
    tint = rng.uniform([120, 10, 20], [255, 120, 150]) / 130
    amount = (lips * rng.uniform(0.2, 0.7))[..., None]
    return np.asarray(np.clip(picture * (1 + amount * (tint - 1)), 0, 255), np.float32)


def _filmed(picture: Picture, rng: Rng) -> Picture:
    """Other light, softer, with noise and a codec's crumbs."""
    light = rng.uniform(0.5, 1.35) * rng.uniform(0.88, 1.12, 3)
    made = 255 * np.clip(picture / 255 * light, 0, 1) ** rng.uniform(0.75, 1.35)
    if rng.random() < 0.5:
        made = cv2.GaussianBlur(made, (0, 0), rng.uniform(0.3, 2.2))
    made = np.clip(made + rng.normal(0, rng.uniform(0, 5), made.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        made = cv2.imdecode(cv2.imencode(".jpg", made, quality)[1], cv2.IMREAD_COLOR)
    return np.asarray(made, np.float32)


def _shadow(rng: Rng) -> Mask:
    """Light that falls off across the face."""
    angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(4, 60)
    distance = (COLUMNS - 80) * np.cos(angle) + (ROWS - 80) * np.sin(angle) + rng.uniform(-50, 50)
    return np.asarray(1 - rng.uniform(0.1, 0.6) * _soft(distance / width + 0.5), np.float32)


def _weave(rng: Rng) -> Mask:
    """The mesh of a microphone, cloth, or nothing."""
    if rng.random() < 0.4:
        return np.zeros((CROP_PX, CROP_PX), np.float32)
    step, angle = rng.uniform(2, 7), rng.uniform(0, np.pi)
    across, along = (COLUMNS * np.cos(angle + turn) + ROWS * np.sin(angle + turn) for turn in (0, np.pi / 2))
    return np.asarray(
        rng.uniform(3, 25) * np.sin(across * 2 * np.pi / step) * np.sin(along * 2 * np.pi / step)
    )


def _grain(rng: Rng, levels: float) -> Mask:
    return np.asarray(cv2.GaussianBlur(rng.normal(0, levels, (CROP_PX, CROP_PX)), (0, 0), 1.2), np.float32)


def _bump(rng: Rng) -> Mask:
    """A soft highlight somewhere."""
    x, y = rng.uniform(20, 140, 2)
    return np.asarray(np.exp(-((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / (2 * rng.uniform(8, 40) ** 2)))


def _soft(value: NDArray[np.floating]) -> Mask:
    return np.asarray(np.clip(value, 0, 1), np.float32)


def _middle(lips: Mask) -> tuple[float, float]:
    weight = max(float(lips.sum()), 1e-3)
    return float((lips * COLUMNS).sum() / weight), float((lips * ROWS).sum() / weight)


def _px(place: NDArray[np.floating]) -> tuple[int, int]:
    return int(place[0]), int(place[1])
