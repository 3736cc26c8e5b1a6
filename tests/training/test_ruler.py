"""The ruler gives the known answer for tracks and pictures made to have one."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from heygem.media.types import ColourTags, Waveform, YuvFrame
from heygem.templates.canonical import LIPS
from training import picture_ruler, ruler
from training.ruler import RIGID, Ruler

FRAMES = 120
FPS = Fraction(25)
EYES_PX = 100.0
Array = NDArray[np.float64]


def make_track(opening: Array | None = None) -> Array:
    """(120,478,2) pixels: a still random face, eye corners 100 px apart, lips parted by `opening` (in E)."""
    rng = np.random.default_rng(7)
    face = rng.uniform(0, 200, (478, 2))
    face[33], face[263] = (50, 60), (50 + EYES_PX, 60)
    track = np.repeat(face[None], FRAMES, 0)
    opening = make_opening() if opening is None else opening
    track[:, 13] = (100, 150)
    track[:, 14] = (100, 150)
    track[:, 14, 1] += opening * EYES_PX
    return track


def make_opening(seed: int = 0) -> Array:
    """Syllables: bursts of opening with closed lips between them."""
    noise = np.random.default_rng(seed).normal(0, 0.1, FRAMES)
    return np.clip(np.convolve(noise, np.ones(4) / 4, "same"), 0, None)


def moved(track: Array, angle: float, scale: float, shift: tuple[float, float]) -> Array:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return track @ turn.T * scale + shift


@settings(max_examples=30, deadline=None)
@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.2, 5),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_turning_scaling_and_shifting_a_face_changes_nothing(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    track = make_track()
    laid_on = Ruler.of(track)
    np.testing.assert_allclose(
        laid_on.normalised(moved(track, angle, scale, shift)), laid_on.normalised(track), atol=1e-9
    )


def test_each_frame_is_laid_by_its_own_rigid_points() -> None:
    track = make_track()
    shaken = np.stack([moved(frame, 0.01 * i, 1 + 0.002 * i, (i, -i)) for i, frame in enumerate(track)])
    laid_on = Ruler.of(track)
    np.testing.assert_allclose(laid_on.normalised(shaken), laid_on.normalised(track), atol=1e-9)


def test_a_mirrored_face_is_not_turned_into_the_real_one() -> None:
    track = make_track()
    laid_on = Ruler.of(track)
    difference = laid_on.normalised(track * (-1, 1)) - laid_on.normalised(track)
    assert np.abs(difference[:, RIGID]).max() > 0.2


def test_the_opening_is_told_in_eye_distances() -> None:
    track = make_track(np.full(FRAMES, 0.25))
    assert ruler.opening(Ruler.of(track).normalised(track)) == pytest.approx(0.25)


def test_a_track_against_itself_is_perfect() -> None:
    track = make_track()
    shape = Ruler.of(track).normalised(track)
    opening = ruler.opening(shape)
    assert ruler.best_correlation(opening, opening) == (pytest.approx(1), 0)
    assert ruler.lip_distance(shape, shape) == 0
    assert ruler.closure_f1(opening, opening, np.ones(FRAMES, bool)) == pytest.approx(1)


@pytest.mark.parametrize("late", [-5, -2, 3, 5])
def test_a_late_mouth_has_a_positive_lag(late: int) -> None:
    opening = make_opening()
    r_best, lag = ruler.best_correlation(np.roll(opening, late), opening)
    assert lag == late
    assert r_best > 0.99
    assert ruler.correlation(np.roll(opening, late), opening) < 0.6


def test_a_mouth_that_never_moves_correlates_with_nothing() -> None:
    assert ruler.best_correlation(np.full(FRAMES, 0.1), make_opening()) == (0, 0)


def test_lip_distance_is_the_mean_over_points_whatever_the_place() -> None:
    track = make_track()
    shape = Ruler.of(track).normalised(track)
    away = shape.copy()
    away[:, LIPS] += (0.3, -0.2)  # the whole mouth elsewhere: no matter
    assert ruler.lip_distance(away, shape) == pytest.approx(0, abs=1e-12)
    # one point aside by d: it is off by d * 39/40 from the middle, the 39 others by d / 40 each
    away[:, LIPS[0]] += (0.4, 0)
    assert ruler.lip_distance(away, shape) == pytest.approx(0.4 * 2 * 39 / 40**2)


def test_jitter_is_the_second_difference() -> None:
    still = make_track(np.zeros(FRAMES))
    shape = Ruler.of(still).normalised(still)
    assert ruler.jitter(shape) == pytest.approx(0, abs=1e-12)
    steady = shape + np.arange(FRAMES)[:, None, None] * 0.01
    assert ruler.jitter(steady) == pytest.approx(0, abs=1e-12)
    trembling = shape + (np.arange(FRAMES)[:, None, None] % 2) * (0.03, 0.04)
    assert ruler.jitter(trembling) == pytest.approx(4 * 0.05 / 2)


def test_a_closure_one_frame_off_is_found_and_two_frames_off_is_not() -> None:
    real = np.full(FRAMES, 0.2)
    real[[20, 60]] = 0.0
    speech = np.ones(FRAMES, bool)
    assert ruler.closure_f1(np.roll(real, 1), real, speech) == pytest.approx(1)
    assert ruler.closure_f1(np.roll(real, 2), real, speech) == 0
    half = real.copy()
    half[60] = 0.2
    assert ruler.closure_f1(half, real, speech) == pytest.approx(2 / 3)


def test_only_closures_within_speech_count() -> None:
    real = np.full(FRAMES, 0.2)
    real[60] = 0.0
    silent_there = np.ones(FRAMES, bool)
    silent_there[60] = False
    assert ruler.closure_f1(real, real, silent_there) is None


def test_speaking_frames_are_those_with_sound() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 640 * 40).astype(np.float32)
    samples[640 * 10 : 640 * 20] *= 10 ** (-45 / 20)
    marks = ruler.speaking(Waveform(samples, 16_000), FPS, 50)
    np.testing.assert_array_equal(np.flatnonzero(~marks), [*range(10, 20), *range(40, 50)])


def test_open_frames_count_from_200_ms_and_above_the_own_closed_mouth() -> None:
    template = np.r_[np.full(20, 0.05), np.full(80, 0.3)]
    made = np.full(25, 0.06)
    made[:5] = 0.4  # closing
    assert ruler.open_share(made, template, FPS) == 0
    made[15:] = 0.08
    assert ruler.open_share(made, template, FPS) == pytest.approx(0.5)
    assert ruler.open_share(made, template, FPS, np.arange(25) < 20) == pytest.approx(1 / 3)
    assert ruler.open_share(made, template, FPS, np.zeros(25, bool)) == 0


def test_another_frame_rate_keeps_the_time() -> None:
    line = np.arange(50) / 25
    np.testing.assert_allclose(ruler.at_rate(line, Fraction(25), Fraction(30))[:58], np.arange(58) / 30)
    np.testing.assert_array_equal(ruler.at_rate(line, FPS, FPS), line)


def test_the_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = np.random.default_rng(0).normal(0.7, 0.1, 14).tolist()
    low, high = ruler.bootstrap_interval(values)
    assert low < np.mean(values) < high
    assert high - low == pytest.approx(2 * 1.96 * np.std(values) / 14**0.5, rel=0.1)
    assert ruler.bootstrap_interval(values) == (low, high)
    assert ruler.bootstrap_interval([0.5] * 4) == (0.5, 0.5)


def make_grey() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 200, (120, 160)).astype(np.float32)


def test_psnr_knows_its_decibels() -> None:
    grey = make_grey()
    assert picture_ruler.psnr(grey + 10, grey) == pytest.approx(20 * np.log10(25.5), abs=1e-3)
    assert picture_ruler.psnr(grey, grey) == pytest.approx(78.13, abs=0.01)


def test_the_background_does_not_see_the_lower_face() -> None:
    grey = make_grey()
    box = picture_ruler.Box(40, 30, 100, 90)
    made = grey.copy()
    box.of(made)[...] = 0
    assert picture_ruler.background_psnr(made, grey, box) == picture_ruler.psnr(grey, grey)
    assert picture_ruler.background_psnr(grey + 10, grey, box) == pytest.approx(28.13, abs=0.01)


def test_equal_pictures_are_similar_and_inverted_ones_are_not() -> None:
    grey = make_grey()
    assert picture_ruler.ssim(grey, grey) == pytest.approx(1)
    assert picture_ruler.ssim(200 - grey, grey) < 0


def test_half_the_contrast_has_a_quarter_of_the_detail() -> None:
    mouth = make_grey()
    assert picture_ruler.detail(mouth / 2) == pytest.approx(picture_ruler.detail(mouth) / 4, rel=1e-4)


def test_the_mouth_box_lies_where_the_landmarks_say() -> None:
    grey = np.zeros((300, 400), np.float32)
    points = np.zeros((478, 2))
    points[33], points[263] = (150, 100), (250, 100)
    points[list(LIPS)] = (200, 180)
    grey[180 - 46 : 180 + 46, 200 - 62 : 200 + 62] = 1.0  # half of 0.62 x 100 by three quarters of that
    mouth = picture_ruler.mouth_of(grey, points)
    assert mouth.shape == (96, 128)
    assert mouth.min() == 1.0
    points[list(LIPS)] = (203, 180)
    assert picture_ruler.mouth_of(grey, points).min() == 0.0


def test_a_mouth_box_at_the_edge_is_cut() -> None:
    box = picture_ruler.Box.around(np.array([-5.0, 110]), np.array([20.0, 400]), make_grey())
    assert box == picture_ruler.Box(0, 110, 20, 120)


def test_black_and_white_are_0_and_255_whatever_the_range() -> None:
    luma = np.array([[16, 235]], np.uint8)
    chroma = np.zeros((1, 1), np.uint8)
    frame = YuvFrame(luma, chroma, chroma)
    np.testing.assert_allclose(picture_ruler.grey_of(frame, ColourTags()), [[0, 255]], atol=1e-3)
    np.testing.assert_array_equal(picture_ruler.grey_of(frame, ColourTags(full_range=True)), luma)
