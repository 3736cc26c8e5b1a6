"""Variants of clips keep sound and motion together; scores know what they are called for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.motion_scores import LIP_LANDMARKS, score, speaking
from training.motion_teachers import FOLDS, fold_of_clips
from training.speech_lips import SAMPLES_PER_FRAME, Basis, Clip
from training.speech_variants import Variant, cut, insert_silence, padded, random_variant

FRAMES = 120


def make_basis() -> Basis:
    """Two shapes: the lower inner lip moves down; all the lips move aside."""
    ids = np.array(sorted(LIP_LANDMARKS), np.int64)
    components = np.zeros((2, len(ids), 3), np.float32)
    components[0, ids == 14, 1] = 1
    components[1, :, 0] = 1
    return Basis(np.zeros((len(ids), 3), np.float32), components, ids, eye_corners=0.556)


def make_clip(group: str = "a", frames: int = FRAMES, seed: int = 0) -> Clip:
    rng = np.random.default_rng(seed)
    opening = np.clip(np.convolve(rng.normal(0, 0.06, frames), np.ones(3) / 3, "same"), 0, None)
    motion = np.stack([opening, rng.normal(0, 0.01, frames)], 1).astype(np.float32)
    samples = rng.normal(0, 0.1, frames * SAMPLES_PER_FRAME).astype(np.float32)
    return Clip("c", "train", group, "en", False, 1.0, samples, motion, opening.astype(np.float32))


def test_a_clip_scores_perfectly_against_itself() -> None:
    clip = make_clip()
    own = score(clip.motion, clip, make_basis())
    figures = (own.r_zero, own.r_best, own.lag_frames, own.range, own.jitter, own.closure_f1)
    assert figures == pytest.approx((1, 1, 0, 1, 1, 1))


@pytest.mark.parametrize("late", [-3, 2])
def test_a_late_mouth_has_a_positive_lag(late: int) -> None:
    clip = make_clip()
    shifted = score(np.roll(clip.motion, late, axis=0), clip, make_basis())
    assert shifted.lag_frames == late
    assert shifted.r_best > 0.99
    assert shifted.r_zero < 0.6


def test_half_the_motion_has_half_the_range() -> None:
    clip = make_clip()
    assert score(clip.motion / 2, clip, make_basis()).range == pytest.approx(0.5, abs=1e-3)


def test_a_mouth_that_never_closes_finds_no_closure() -> None:
    clip = make_clip()
    ajar = clip.motion + np.float32([0.05, 0])
    assert clip.closed.any()
    assert score(ajar, clip, make_basis()).closure_f1 == 0


def test_silence_is_not_speaking() -> None:
    samples = make_clip().samples.copy()
    samples[: 10 * SAMPLES_PER_FRAME] *= 0.001
    np.testing.assert_array_equal(np.flatnonzero(~speaking(samples)), np.arange(10))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_variant_has_a_frame_for_every_640_samples(seed: int) -> None:
    sound = torch.from_numpy(make_clip().samples)
    generator = torch.Generator().manual_seed(seed)
    variant = random_variant(sound, [sound[:9600]], np.random.default_rng(seed), generator)
    assert len(variant.samples) == SAMPLES_PER_FRAME * len(variant.source) == 640 * len(variant.presence)
    assert torch.isfinite(variant.samples).all()
    assert ((variant.source >= 0) & (variant.source < FRAMES)).all()
    assert ((variant.presence >= 0) & (variant.presence <= 1)).all()
    assert variant.bend(torch.ones(FRAMES, 3)).shape == (len(variant.source), 3)


def test_motion_rests_in_a_pause_and_goes_on_where_it_was() -> None:
    sound = torch.from_numpy(make_clip().samples)
    track = torch.arange(1, FRAMES + 1, dtype=torch.float32)[:, None]
    paused = insert_silence(Variant.plain(sound), 50, torch.zeros(20 * SAMPLES_PER_FRAME))
    bent = paused.bend(track)[:, 0]
    torch.testing.assert_close(bent[:50], track[:50, 0])
    assert 0 < bent[51] < bent[50] < bent[49]  # easing out
    assert (bent[52:70] == 0).all()  # within 120 ms, and until the very end of the pause
    torch.testing.assert_close(bent[71:], track[51:, 0])
    assert (paused.samples[50 * SAMPLES_PER_FRAME : 70 * SAMPLES_PER_FRAME] == 0).all()
    torch.testing.assert_close(paused.samples[70 * SAMPLES_PER_FRAME :], sound[50 * SAMPLES_PER_FRAME :])


def test_padding_is_silent_and_a_cut_takes_its_frames_along() -> None:
    part = padded(cut(Variant.plain(torch.from_numpy(make_clip().samples)), 30, 40), 50)
    assert len(part.samples) == 50 * SAMPLES_PER_FRAME
    torch.testing.assert_close(part.source[:40], torch.arange(30.0, 70.0))
    assert (part.presence[:40] == 1).all()
    assert (part.presence[42:] == 0).all()
    assert (part.samples[40 * SAMPLES_PER_FRAME :] == 0).all()


def test_people_stay_in_one_fold() -> None:
    clips = [make_clip(group=f"g{number % 7}", frames=30 + 10 * number) for number in range(21)]
    fold_of = fold_of_clips(clips)
    by_group = {
        clip.group: {int(f) for f, c in zip(fold_of, clips, strict=True) if c.group == clip.group}
        for clip in clips
    }
    assert all(len(found) == 1 for found in by_group.values())
    assert set(fold_of.tolist()) == set(range(FOLDS))
