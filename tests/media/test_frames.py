"""Frames come in the right order, exactly, from every kind of file and in any schedule."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from heygem.errors import MediaError
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import frame_rgb
from tests.media.clips import DARK, FORMATS, LIGHT, Clip, make_clip, number_of, numbered_luma


def numbers(path: Path, schedule: list[int] | None = None, buffer_bytes: int = 2**28) -> list[int]:
    with FrameSource(probe_video(path), buffer_bytes) as source:
        frames = source.read() if schedule is None else source.read_schedule(schedule)
        return [number_of(frame.y) for frame in frames]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_each_frame_once(name: str, tmp_path: Path) -> None:
    codec, pixel_format, _ = FORMATS[name]
    path = make_clip(tmp_path / name, Clip(codec, pixel_format, frame_count=30))
    assert numbers(path) == list(range(30))


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_planes_are_the_decoders_own_bit_for_bit(codec: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mkv", Clip(codec, size=(134, 98)))
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray() for frame in container.decode(video=0)]
    with FrameSource(probe_video(path)) as source:
        for frame, planes in zip(source.read(), expected, strict=True):
            given_planes = np.concatenate([plane.ravel() for plane in (frame.y, frame.u, frame.v)])
            np.testing.assert_array_equal(given_planes, planes.ravel())


def test_the_decoders_memory_is_read_only_and_a_copy_is_not(tmp_path: Path) -> None:
    with FrameSource(probe_video(make_clip(tmp_path / "clip.mp4"))) as source:
        frame = next(source.read())
    with pytest.raises(ValueError, match="read-only"):
        frame.y[0, 0] = 1
    own = frame.copy()
    own.y[0, 0] = frame.y[0, 0] ^ 255
    assert own.y[0, 0] != frame.y[0, 0]


@pytest.fixture(scope="module", params=["mp4", "avi"])
def long_clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty frames with B-frames and a keyframe every seven; AVI does not say when a frame is shown."""
    folder = tmp_path_factory.mktemp("clips")
    return make_clip(folder / f"long.{request.param}", Clip(frame_count=60, keyframe_every=7))


def test_reading_may_start_anywhere(long_clip: Path) -> None:
    with FrameSource(probe_video(long_clip)) as source:
        assert [number_of(frame.y) for frame in source.read(41)] == list(range(41, 60))


@settings(max_examples=25, deadline=None)
@given(
    schedule=st.lists(st.integers(0, 59), max_size=30),
    buffered=st.integers(1, 20),
)
def test_any_schedule_gives_the_frames_asked_for(long_clip: Path, schedule: list[int], buffered: int) -> None:
    assert numbers(long_clip, schedule, buffered * 128 * 96 * 3 // 2) == schedule


def test_ping_pong(long_clip: Path) -> None:
    schedule = [*range(60), *range(58, 0, -1), *range(60)]
    assert numbers(long_clip, schedule, 11 * 128 * 96 * 3 // 2) == schedule


@pytest.fixture
def only_new_objects() -> Iterator[None]:
    """What lives already is not among the collector's objects; a whole test session is a million of them."""
    gc.freeze()
    yield
    gc.unfreeze()


def frames_in_memory() -> int:
    return sum(isinstance(thing, YuvFrame) for thing in gc.get_objects())


@pytest.mark.usefixtures("only_new_objects")
def test_going_backwards_holds_no_more_than_the_buffer(long_clip: Path) -> None:
    buffered = 5
    with FrameSource(probe_video(long_clip), buffered * 128 * 96 * 3 // 2) as source:
        for _ in source.read_schedule(range(59, -1, -1)):
            assert 0 < frames_in_memory() <= buffered + 2  # the one given last, and the one decoded last


def test_a_varying_rate_gives_the_nearest_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "phone.mp4", Clip(ticks=(0, 40, 80, 200, 240, 280)))
    assert numbers(path) == [0, 1, 2, 2, 3, 3, 4, 5]


@pytest.mark.parametrize("keyframe_every", [1, 7, 60])
def test_frames_far_apart_are_found(keyframe_every: int, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", Clip(frame_count=60, keyframe_every=keyframe_every))
    assert numbers(path, [0, 2, 3, 30, 32, 59]) == [0, 2, 3, 30, 32, 59]


def test_another_rate_resamples_in_time(tmp_path: Path) -> None:
    info = probe_video(make_clip(tmp_path / "clip.mp4"))
    with FrameSource(replace(info, fps=Fraction(50), frame_count=24)) as source:
        seen = [number_of(frame.y) for frame in source.read()]
    assert seen[::2] == list(range(12))
    assert len(seen) == 24


def turned_clip(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """A clip whose track header asks players to turn it: a, b, c, d of the display matrix."""
    make_clip(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    for offset, value in zip((0, 4, 12, 16), matrix, strict=True):
        content[place + offset : place + offset + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("matrix", "quarter_turns_right"), [((0, 1, -1, 0), 1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 3)]
)
def test_rotation_is_applied(
    matrix: tuple[int, int, int, int], quarter_turns_right: int, tmp_path: Path
) -> None:
    with FrameSource(probe_video(make_clip(tmp_path / "lying.mp4"))) as source:
        lying = next(source.read())
    info = probe_video(turned_clip(tmp_path / "turned.mp4", matrix))
    with FrameSource(info) as source:
        turned = next(source.read())
    assert turned.y.shape == (info.height, info.width)
    for plane, original in ((turned.y, lying.y), (turned.u, lying.u), (turned.v, lying.v)):
        np.testing.assert_array_equal(plane, np.rot90(original, -quarter_turns_right))


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    with FrameSource(
        probe_video(make_clip(tmp_path / "odd.webm", Clip("libvpx-vp9", size=(131, 97))))
    ) as source:
        frame = next(source.read())
    assert (frame.y.shape, frame.u.shape, frame.v.shape) == ((96, 130), (48, 65), (48, 65))


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("ten.mkv", "libx265", "yuv420p10le"),
        ("full.mkv", "libx264", "yuvj444p"),
        ("pro.mov", "prores_ks", "yuv422p10le"),
        ("rgb.mkv", "ffv1", "bgr0"),
        ("alpha.mov", "png", "rgba"),
    ],
)
def test_other_pixel_formats_keep_their_levels(
    name: str, codec: str, pixel_format: str, tmp_path: Path
) -> None:
    path = make_clip(tmp_path / name, Clip(codec, pixel_format, frame_count=3))
    info = probe_video(path)
    with FrameSource(info) as source:
        frame = list(source.read())[2]
    rgb = frame_rgb(frame, info.colour)
    grey = (numbered_luma(2, 128, 96).astype(float) - 16) * 255 / 219
    inner = np.arange(8) * 16 + 8
    assert np.abs(rgb[60, inner].astype(float) - grey[60, inner, None]).max() < 6


def make_grey_wedge(path: Path, transfer: int) -> Path:
    """One bt2020 picture of sixteen greys, from black to the brightest that ten bits can say."""
    levels = np.repeat(np.linspace(64, 940, 16), 8).astype(np.uint16)
    options = {"x265-params": "log-level=none:lossless=1:bframes=0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries = 9, 9
        context.color_trc, context.color_range = transfer, 1
        frame = av.VideoFrame(128, 64, "yuv420p10le")
        for plane, values in zip(frame.planes, (levels, 512, 512), strict=True):
            np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)[:, : plane.width] = values
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_high_dynamic_range_is_tone_mapped(transfer: int, tmp_path: Path) -> None:
    path = make_grey_wedge(tmp_path / "hdr.mkv", transfer)
    info = probe_video(path)
    assert info.colour == ColourTags(1, 1, 1, full_range=False)
    with FrameSource(info) as source:
        frame = next(source.read())
    luma = frame.y[32, 4::8].astype(int)
    assert luma[0] == pytest.approx(16, abs=2)
    assert 220 <= luma[-1] <= 236
    assert (np.diff(luma) > 0).all()  # highlights keep their shades: they are not clipped
    assert np.abs(frame.u.astype(int) - 128).max() <= 2


def test_damage_in_the_middle_repeats_the_frame_before(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "scratched.mkv", Clip("mjpeg", "yuvj420p", frame_count=12))
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0)]
    content = path.read_bytes()
    for packet in packets[5:7]:
        content = content.replace(packet, bytes(len(packet)))
    path.write_bytes(content)
    assert numbers(path) == [0, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11]


def test_a_video_cut_off_gives_the_frames_it_has(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "cut.mkv", Clip("mjpeg", "yuvj420p", frame_count=30))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    seen = numbers(path)
    assert seen == list(range(len(seen)))
    assert 10 <= len(seen) <= 20


def test_a_photo_is_the_same_frame_at_every_index(tmp_path: Path) -> None:
    Image.new("RGB", (100, 80), (255, 0, 0)).save(tmp_path / "red.png")
    info = probe_video(tmp_path / "red.png")
    with FrameSource(info) as source:
        frames = list(source.read_schedule([0, 7, 500, 3]))
    assert len(frames) == 4
    for frame in frames:
        assert np.abs(frame_rgb(frame, info.colour).astype(int) - [255, 0, 0]).max() <= 3


def test_a_closed_clip_leaves_no_decoder_behind(long_clip: Path) -> None:
    info = probe_video(long_clip)
    gc.collect()
    before = threads()
    gc.disable()  # nothing may depend on it: it comes late, and each decoder holds threads and pictures
    try:
        with FrameSource(info) as source:
            assert next(iter(source.read_schedule([3]))).y.any()
            assert threads() - before
        del source
        assert threads() - before == set()  # one of an earlier test may have ended meanwhile
    finally:
        gc.enable()


def threads() -> set[int]:
    """Ids, those of the decoders' own threads too, which Python does not know."""
    return {thread.id for thread in psutil.Process().threads()}


def test_a_file_that_vanished_is_a_media_error(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4")
    info = probe_video(path)
    path.unlink()
    with pytest.raises(MediaError, match="clip.mp4"):
        FrameSource(info)


def test_the_bars_are_readable() -> None:
    assert [number_of(numbered_luma(number, 128, 96)) for number in (0, 5, 255)] == [0, 5, 255]
    assert DARK < 125 < LIGHT
