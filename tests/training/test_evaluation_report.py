"""A report says for each group of clips what was found there, and a sheet shows the moments it promises."""

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from heygem.media.probe import probe_video
from heygem.media.types import OutputVideo, VideoInfo, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.templates.canonical import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, LIPS
from training.evaluation_report import (
    SHEET_COLUMNS,
    TILE_PX,
    ClipReport,
    groups_of,
    lag_histogram,
    summary,
    write_report,
    write_sheet,
)


def make_report(name: str, language: str, r_zero: float, f1: float | None = 0.5, lag: int = 0) -> ClipReport:
    figures = {"r_zero": r_zero, "lag_frames": lag, "closure_f1": f1}
    tables = {"own": figures, "other": figures, "silence": {"open": 0.0}}
    return ClipReport(name, groups_of(language, "real"), 100, True, tables)


REPORTS = [
    make_report("a", "en", 0.8, lag=-1),
    make_report("b", "en", 0.6, f1=None),
    make_report("c", "zh", 0.4, f1=0.9, lag=2),
    make_report("d", "tr", 0.2, lag=2),
]


def test_each_group_has_the_mean_of_its_own_clips() -> None:
    own = summary(REPORTS)["own"]
    assert list(own) == ["all", "English", "Mandarin", "other languages", "real"]
    means = {group: (found["r_zero"].mean, found["r_zero"].clips) for group, found in own.items()}
    assert means["all"] == means["real"] == (pytest.approx(0.5), 4)
    assert means["English"] == (pytest.approx(0.7), 2)
    assert means["other languages"] == (pytest.approx(0.2), 1)


def test_a_clip_without_a_figure_does_not_count_in_its_mean() -> None:
    f1 = summary(REPORTS)["own"]["English"]["closure_f1"]
    assert (f1.mean, f1.clips) == (0.5, 1)


def test_lags_are_counted_with_their_sign() -> None:
    lags = lag_histogram(REPORTS, "own")
    assert {lag: count for lag, count in lags.items() if count} == {-1: 1, 0: 1, 2: 2}
    assert list(lags) == list(range(-5, 6))


def test_the_files_hold_every_clip(tmp_path: Path) -> None:
    write_report(REPORTS, tmp_path)
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert [clip["name"] for clip in found["clips"]] == ["a", "b", "c", "d"]
    assert found["summary"]["silence"]["all"]["open"]["mean"] == 0
    lines = (tmp_path / "evaluation.md").read_text().splitlines()
    assert "| b | 0.600 | 0.0 | - |" in lines
    assert "| English | 2 | 0.700 (0.600 to 0.800) | -0.5 (-1.0 to 0.0) | 0.50 (0.50 to 0.50) |" in lines


def make_clip(path: Path, first_luma: int, frame_count: int = 40) -> VideoInfo:
    """Each frame is two brighter than the one before."""
    chroma = np.full((60, 80), 128, np.uint8)
    with VideoWriter(path, OutputVideo(160, 120, Fraction(25), frame_count)) as writer:
        for number in range(frame_count):
            luma = np.full((120, 160), first_luma + 2 * number, np.uint8)
            writer.write(YuvFrame(luma, chroma, chroma))
    return probe_video(path)


def test_a_sheet_shows_the_same_moments_of_every_video(tmp_path: Path) -> None:
    points = np.zeros((40, 478, 3), np.float32)
    points[:, EYE_OUTER_LEFT, :2], points[:, EYE_OUTER_RIGHT, :2] = (50, 30), (110, 30)
    points[:, list(LIPS), :2] = (80, 80)
    videos = [make_clip(tmp_path / "real.mp4", 30), make_clip(tmp_path / "made.mp4", 60)]
    write_sheet(videos, points, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    tiles = sheet.reshape(2, TILE_PX, SHEET_COLUMNS, TILE_PX).mean((1, 3))
    assert (np.diff(tiles, axis=1) > 5).all()  # later and later
    np.testing.assert_allclose(tiles[1] - tiles[0], 30 * 255 / 219, atol=3)
