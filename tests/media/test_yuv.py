"""Colours are those of the standards, and crops land where they are asked for."""

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import crop_rgb, frame_rgb, rgb_to_yuv, yuv_to_rgb

BT709, BT601, BT2020 = ColourTags(1, 1, 1), ColourTags(6, 6, 6), ColourTags(9, 9, 14)
FULL_709 = ColourTags(1, 1, 1, full_range=True)


def colour_frame(y: int, u: int, v: int, width: int = 32, height: int = 32) -> YuvFrame:
    chroma_shape = (height // 2, width // 2)
    return YuvFrame(
        np.full((height, width), y, np.uint8),
        np.full(chroma_shape, u, np.uint8),
        np.full(chroma_shape, v, np.uint8),
    )


@pytest.mark.parametrize(
    ("colour", "rgb", "yuv"),
    [
        (BT709, (255, 0, 0), (63, 102, 240)),
        (BT709, (0, 255, 0), (173, 42, 26)),
        (BT601, (255, 0, 0), (81, 90, 240)),
        (BT601, (0, 0, 255), (41, 240, 110)),
        (BT2020, (255, 0, 0), (74, 97, 240)),
        (FULL_709, (255, 255, 255), (255, 128, 128)),
        (BT709, (255, 255, 255), (235, 128, 128)),
        (BT709, (0, 0, 0), (16, 128, 128)),
    ],
)
def test_known_colours(colour: ColourTags, rgb: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    planes = rgb_to_yuv(np.full((2, 3, 3), rgb, np.uint8), colour)
    assert tuple(int(plane[1, 2]) for plane in planes) == yuv
    back = yuv_to_rgb(*planes, colour)
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - rgb).max() <= 2


@given(
    arrays(np.float32, (4, 5, 3), elements=st.floats(-20, 300, width=32)),
    st.sampled_from([BT709, BT601, BT2020, FULL_709]),
)
def test_there_and_back_is_the_same(rgb: np.ndarray, colour: ColourTags) -> None:
    back = yuv_to_rgb(*rgb_to_yuv(rgb, colour), colour)
    np.testing.assert_allclose(back, rgb, atol=2e-3)


def test_the_colours_of_a_frame_are_those_of_the_scaler() -> None:
    generator = np.random.default_rng(3)
    y, u, v = (generator.integers(60, 190, 1, np.uint8)[0] for _ in range(3))
    frame = colour_frame(int(y), int(u), int(v))
    picture = VideoFrame(32, 32, "yuv420p")
    for plane, values in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width] = values
    expected = picture.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    assert np.abs(frame_rgb(frame, BT709).astype(int) - expected).max() <= 2


@pytest.fixture
def ramp() -> YuvFrame:
    """Luma rises by one a column, chroma by two a row of chroma."""
    luma = np.tile(np.arange(40, 200, dtype=np.uint8), (120, 1))  # (120, 160)
    chroma = np.tile(np.arange(60, 180, 2, dtype=np.uint8)[:, None], (1, 80))  # (60, 80)
    return YuvFrame(luma, chroma, np.full((60, 80), 128, np.uint8))


def test_a_crop_without_scaling_is_a_cut_out(ramp: YuvFrame) -> None:
    crop_to_frame = np.array([[1.0, 0.0, 30.0], [0.0, 1.0, 24.0]])
    crop = crop_rgb(ramp, crop_to_frame, 64, BT709)
    assert (crop.shape, crop.dtype) == ((64, 64, 3), np.uint8)
    whole = frame_rgb(ramp, BT709)
    np.testing.assert_array_equal(crop, whole[24:88, 30:94])


@pytest.mark.parametrize("scale", [0.37, 1.0, 1.7, 2.0, 2.6, 4.0])
def test_a_scaled_crop_keeps_its_place(scale: float, ramp: YuvFrame) -> None:
    """On a linear ramp the value at a point is its position, whatever filter was used."""
    crop_to_frame = np.array([[scale, 0.0, 20.0], [0.0, scale, 16.0]])
    grey = ColourTags(1, 1, 1, full_range=True)
    size = 24
    crop = crop_rgb(YuvFrame(ramp.y, ramp.v, ramp.v), crop_to_frame, size, grey)
    columns = np.arange(size) * scale + 20.0 + 40.0
    assert np.abs(crop[size // 2, :, 0].astype(float) - columns).max() <= 1.0


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_chroma_keeps_its_place_too(scale: float, ramp: YuvFrame) -> None:
    crop_to_frame = np.array([[scale, 0.0, 20.0], [0.0, scale, 16.0]])
    flat = YuvFrame(np.full_like(ramp.y, 128), ramp.u, ramp.v)
    size = 24
    crop = crop_rgb(flat, crop_to_frame, size, FULL_709)
    _, u, _ = rgb_to_yuv(crop.astype(np.float32), FULL_709)
    rows = np.arange(size) * scale + 16.0  # in luma rows; chroma rises by one a luma row, 0.5 rows later
    assert np.abs(u[:, size // 2] - (60.0 + rows - 0.5)).max() <= 1.6


def test_a_turned_crop(ramp: YuvFrame) -> None:
    crop_to_frame = np.array([[0.0, -1.0, 100.0], [1.0, 0.0, 20.0]])  # right in the crop is down in the frame
    crop = crop_rgb(ramp, crop_to_frame, 32, BT709)
    expected = np.rot90(frame_rgb(ramp, BT709)[20:52, 69:101], 1)
    assert np.abs(crop.astype(int) - expected).max() <= 3


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (256, 128))  # (256, 256), one pixel each
    chroma = np.full((128, 128), 128, np.uint8)
    crop = crop_rgb(YuvFrame(stripes, chroma, chroma), np.array([[4.0, 0, 1.5], [0, 4.0, 1.5]]), 60, FULL_709)
    assert np.abs(crop.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("scale", [1.0, 5.0])
@pytest.mark.parametrize("offset", [-1000.0, 1000.0])
def test_beyond_the_frame_its_edge_is_repeated(scale: float, offset: float, ramp: YuvFrame) -> None:
    crop_to_frame = np.array([[scale, 0.0, offset], [0.0, scale, offset]])
    crop = crop_rgb(YuvFrame(ramp.y, ramp.v, ramp.v), crop_to_frame, 16, FULL_709)
    edge = int(ramp.y[0, 0 if offset < 0 else -1])
    assert np.abs(crop.astype(int) - edge).max() <= 2


def test_a_frame_smaller_than_one_pixel_of_the_crop_is_averaged_whole() -> None:
    crop_to_frame = np.array([[500.0, 0.0, -4000.0], [0.0, 500.0, -4000.0]])
    assert (crop_rgb(colour_frame(99, 128, 128), crop_to_frame, 16, FULL_709) == 99).all()


def test_planes_with_strides_and_read_only_planes_are_fine() -> None:
    padded = np.full((32, 48), 99, np.uint8)[:, :32]
    chroma = np.full((16, 24), 128, np.uint8)[:, :16]
    padded.flags.writeable = chroma.flags.writeable = False
    assert (crop_rgb(YuvFrame(padded, chroma, chroma), np.eye(2, 3), 16, FULL_709) == 99).all()
