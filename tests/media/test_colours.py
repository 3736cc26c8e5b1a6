"""A video says of its colours what its template says, and is as silent where that is silent."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

from heygem.library.pictures import write_preview
from heygem.media.check import check_video
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import ColourTags, OutputVideo, VideoInfo
from heygem.media.writer import VideoWriter
from tests.media.clips import FORMATS, Clip, codes_of, make_clip

SILENT = frozenset(ColourTags().codes)
CODES = [codes for codes in product((2, 1, 9), (2, 1, 9), (2, 1, 14)) if 2 in codes]


def copied(template: VideoInfo, path: Path) -> Path:
    """The frames of a template, written as a job writes them."""
    output = OutputVideo(template.width, template.height, template.fps, template.frame_count, template.colour)
    with FrameSource(template) as source, VideoWriter(path, output) as writer:
        for frame in source.read():
            writer.write(frame)
    return path


@pytest.mark.parametrize("size", [(128, 96), (1280, 64)], ids=["small", "large"])
@pytest.mark.parametrize("codes", CODES)
def test_what_a_template_does_not_state_stays_unsaid(
    codes: tuple[int, int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    """Players that assume something else show template and video alike; we too read both alike."""
    path = make_clip(tmp_path / "template.mp4", Clip(size=size, frame_count=2, codes=codes))
    template = probe_video(path)
    made = copied(template, tmp_path / "made.mp4")
    assert codes_of(made) == codes_of(path) == codes
    assert probe_video(made).colour == template.colour
    check_video(made, 2, Fraction(25), with_audio=False)


@pytest.mark.parametrize("name", FORMATS)
def test_so_it_is_with_every_format_but_rgb_is_stated(name: str, tmp_path: Path) -> None:
    codec, pixel_format, _ = FORMATS[name]
    path = make_clip(tmp_path / name, Clip(codec, pixel_format, frame_count=2))
    template = probe_video(path)
    made = copied(template, tmp_path / "made.mp4")
    assert codes_of(made) == ((1, 1, 1) if name == "loop.gif" else codes_of(path))
    assert probe_video(made).colour == template.colour


def test_full_range_is_said_even_where_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "template.mp4"
    silent = ColourTags(6, 6, 6, full_range=True, unsaid=SILENT)
    template = probe_video(make_clip(tmp_path / "limited.mp4", Clip(frame_count=2)))
    copied(replace(template, colour=silent), path)
    made = copied(probe_video(path), tmp_path / "made.mp4")
    assert probe_video(made).colour == probe_video(path).colour == silent


def test_a_small_preview_of_a_large_clip_states_its_colours(tmp_path: Path) -> None:
    """Most players assume others for its size."""
    template = probe_video(make_clip(tmp_path / "template.mp4", Clip(size=(1280, 720), frame_count=6)))
    write_preview(template, tmp_path / "preview.mp4")
    assert template.colour.unsaid == SILENT
    assert codes_of(tmp_path / "preview.mp4") == (1, 1, 1)


def test_a_preview_of_a_small_clip_states_no_more_than_that(tmp_path: Path) -> None:
    template = probe_video(make_clip(tmp_path / "template.mp4", Clip(size=(640, 480), frame_count=6)))
    write_preview(template, tmp_path / "preview.mp4")
    assert codes_of(tmp_path / "preview.mp4") == (2, 2, 2)


def test_oblong_pixels_do_not_change_what_is_assumed(tmp_path: Path) -> None:
    """Made square they are 1280 wide, of which most players assume something else than of 960."""
    clip = Clip(size=(960, 72), frame_count=2, sample_aspect=Fraction(4, 3))
    template = probe_video(make_clip(tmp_path / "template.mp4", clip))
    made = probe_video(copied(template, tmp_path / "made.mp4"))
    assert made.width == 1280
    assert made.colour == replace(template.colour, unsaid=frozenset())
