"""What an evaluation found: means with intervals by group, as JSON and as Markdown, and contact sheets."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo
from heygem.media.yuv import crop_rgb
from training.picture_ruler import eye_distance_px, mouth_centre
from training.ruler import MAX_LAG_FRAMES, bootstrap_interval

Figures = Mapping[str, float | None]  # None: the clip cannot have it
TILE_PX = 224
TILE_SIDE = 1.1  # in eye distances
SHEET_COLUMNS = 8
LANGUAGES = {"en": "English", "zh": "Mandarin"}

# Name, headline and decimals of each column; a figure that a table lacks is one that it cannot have.
COLUMNS = {
    "motion_r_zero": ("motion r 0", 3),
    "motion_r_best": ("motion r best", 3),
    "r_zero": ("r 0", 3),
    "r_best": ("r best", 3),
    "r_free": ("r 0, nothing before the mouth", 3),
    "lag_frames": ("lag", 1),
    "lmd": ("LMD", 4),
    "range": ("range", 2),
    "jitter": ("jitter", 2),
    "sharpness": ("sharpness", 2),
    "mouth_psnr": ("mouth PSNR", 1),
    "mouth_ssim": ("mouth SSIM", 3),
    "background_psnr": ("background PSNR", 1),
    "closure_f1": ("closure F1", 2),
    "asked_r": ("r with asked", 3),
    "asked_spread": ("spread over asked", 2),
    "template_r": ("r with template's own", 2),
    "open": ("open in silence", 4),
    "open_free": ("open, nothing before the mouth", 4),
}
TABLES = {"own": "Own sound", "other": "The next clip's sound", "silence": "Silence"}


@dataclass(frozen=True, slots=True)
class ClipReport:
    """One clip. `figures` by table ("own", "other", "silence") and name; `groups` it counts in."""

    name: str
    groups: tuple[str, ...]
    frames: int
    own_mouths: bool  # False: painted ones only
    figures: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Mean:
    """Over the clips that have the figure, with its 95 % interval."""

    mean: float
    low: float
    high: float
    clips: int


def groups_of(language: str, origin: str) -> tuple[str, ...]:
    """Which groups a clip counts in besides "all"."""
    return LANGUAGES.get(language, "other languages"), origin


def summary(reports: Sequence[ClipReport]) -> dict[str, dict[str, dict[str, Mean]]]:
    """Table -> group -> figure -> mean."""
    groups = ["all", *sorted({group for report in reports for group in report.groups})]
    return {
        table: {
            group: _means([one.figures[table] for one in reports if group in ("all", *one.groups)])
            for group in groups
        }
        for table in TABLES
    }


def _means(rows: Sequence[Figures]) -> dict[str, Mean]:
    means = {}
    for name in COLUMNS:
        values = [value for row in rows if (value := row.get(name)) is not None]
        if values:
            means[name] = Mean(float(np.mean(values)), *bootstrap_interval(values), len(values))
    return means


def lag_histogram(reports: Sequence[ClipReport], table: str) -> dict[int, int]:
    """Clips by the signed lag of their best correlation, in frames."""
    counted = Counter(report.figures[table]["lag_frames"] for report in reports)
    return {lag: counted[lag] for lag in range(-MAX_LAG_FRAMES, MAX_LAG_FRAMES + 1)}


def write_report(reports: Sequence[ClipReport], folder: Path) -> None:
    """`evaluation.json` with everything, and `evaluation.md` to read."""
    found = {
        "summary": {
            table: {
                group: {name: asdict(mean) for name, mean in means.items()} for group, means in groups.items()
            }
            for table, groups in summary(reports).items()
        },
        "lags": {table: lag_histogram(reports, table) for table in ("own", "other")},
        "clips": [asdict(report) for report in reports],
    }
    (folder / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "evaluation.md").write_text("\n".join(_markdown(reports)) + "\n", encoding="utf-8")


def _markdown(reports: Sequence[ClipReport]) -> Iterator[str]:
    for table, groups in summary(reports).items():
        names = [name for name in COLUMNS if name in groups["all"]]
        yield f"## {TABLES[table]}\n"
        yield from _table_head(["", "clips", *(COLUMNS[name][0] for name in names)])
        for group, means in groups.items():
            size = sum(group in ("all", *report.groups) for report in reports)
            yield _row([group, str(size), *(_interval(means.get(name), COLUMNS[name][1]) for name in names)])
        yield ""
        yield from _table_head(["clip", *(COLUMNS[name][0] for name in names)])
        for report in reports:
            figures = report.figures[table]
            yield _row([report.name, *(_number(figures[name], COLUMNS[name][1]) for name in names)])
        yield ""
    yield "## Lag of the best correlation, in frames (positive: the mouth is late)\n"
    yield from _table_head(["", *(f"{lag:+d}" for lag in lag_histogram(reports, "own"))])
    for table in ("own", "other"):
        yield _row([TABLES[table], *map(str, lag_histogram(reports, table).values())])


def _table_head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), _row(["---"] * len(cells))]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _interval(mean: Mean | None, decimals: int) -> str:
    if mean is None:
        return "-"
    return f"{mean.mean:.{decimals}f} ({mean.low:.{decimals}f} to {mean.high:.{decimals}f})"


def write_sheet(videos: Sequence[VideoInfo], points_px: NDArray[np.float32], path: Path) -> None:
    """Mouth close-ups at the same moments, a row for each video; placed by the landmarks of the real one."""
    count = min(len(points_px), *(video.frame_count for video in videos))
    moments = np.linspace(0, count - 1, SHEET_COLUMNS + 2)[1:-1].round().astype(int).tolist()
    rows = [np.concatenate(list(_close_ups(video, points_px, moments)), 1) for video in videos]
    cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))


def _close_ups(
    video: VideoInfo, points_px: NDArray[np.float32], moments: Sequence[int]
) -> Iterator[NDArray[np.uint8]]:
    """(224,224,3) RGB for each moment."""
    with FrameSource(video) as source:
        for moment, frame in zip(moments, source.read_schedule(moments), strict=True):
            scale = TILE_SIDE * eye_distance_px(points_px[moment]) / TILE_PX
            corner = mouth_centre(points_px[moment]) - scale * (TILE_PX - 1) / 2
            yield crop_rgb(frame, np.column_stack([np.eye(2) * scale, corner]), TILE_PX, video.colour)
