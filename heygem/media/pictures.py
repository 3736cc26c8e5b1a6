"""Turns decoded pictures of any kind into upright 8-bit 4:2:0 planes of even size."""

from fractions import Fraction

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from heygem.media.types import ColourTag, ColourTags, YuvFrame

_WITHOUT_MEANING = (0, 2, 3)  # RGB, unspecified, reserved
_HDR_TRANSFERS = (16, 18)  # PQ, HLG
_PASSED_THROUGH = ("yuv420p", "yuvj420p", "yuva420p")  # their first three planes are what we want
_SMALLEST_HD_SIDE = 1280
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


def usual_code(width: int, height: int) -> int:
    """What most players assume for a tag that a file of this size (in pixels) lacks: 1 bt709, 6 bt601."""
    return 1 if max(width, height) >= _SMALLEST_HD_SIDE else 6


def source_colour(picture: VideoFrame) -> ColourTags:
    """The tags of a decoded picture; where the file is silent, what players assume for its size."""
    usual = 1 if _is_rgb(picture) else usual_code(picture.width, picture.height)
    stored: dict[ColourTag, int] = {
        "matrix": picture.colorspace,
        "primaries": picture.color_primaries,
        "transfer": picture.color_trc,
    }
    unsaid = frozenset(tag for tag, code in stored.items() if code in _WITHOUT_MEANING)
    codes = {tag: usual if tag in unsaid else int(code) for tag, code in stored.items()}
    is_full = int(picture.color_range) == 2 or picture.format.name.startswith("yuvj")
    return ColourTags(**codes, full_range=is_full, unsaid=unsaid)


def shown_colour(picture: VideoFrame) -> ColourTags:
    """The tags of the planes made of `picture`: its own, but bt709 for RGB and HDR (tone-mapped)."""
    colour = source_colour(picture)
    if _is_rgb(picture) or colour.transfer in _HDR_TRANSFERS:
        return ColourTags()
    return colour


class PicturePlanes:
    """Makes a `YuvFrame` of each decoded picture of one file. All come out in the size of the first one.

    The planes of an 8-bit 4:2:0 picture with square pixels are handed over as views, bit for bit; others are
    converted by the scaler (10-bit, 4:2:2, 4:4:4, RGB, oblong pixels, and pictures that change size midway).
    `pixel_aspect` is the width of a pixel over its height.
    """

    def __init__(self, first: VideoFrame, pixel_aspect: Fraction) -> None:
        self.colour = shown_colour(first)
        self._size = (round(first.width * pixel_aspect), first.height)
        self._turn = _TURNS.get(round(first.rotation / 90) * 90 % 360)
        self._graph: Graph | None = None
        self._graph_kind: tuple[str, int, int] | None = None
        width, height = (side // 2 * 2 for side in self._size)
        is_lying = self._turn is not None and self._turn != cv2.ROTATE_180
        self.width, self.height = (height, width) if is_lying else (width, height)

    def frame(self, picture: VideoFrame) -> YuvFrame:
        """The planes of `picture`, upright. They may be views of its memory, and are read-only then."""
        is_plain = picture.format.name in _PASSED_THROUGH and (picture.width, picture.height) == self._size
        plain = picture if is_plain else self._converted(picture)
        width, height = (side // 2 * 2 for side in self._size)
        planes = (
            _plane(plain, 0, width, height),
            _plane(plain, 1, width // 2, height // 2),
            _plane(plain, 2, width // 2, height // 2),
        )
        if self._turn is None:
            return YuvFrame(*planes)
        turned = [cv2.rotate(plane, self._turn) for plane in planes]
        return YuvFrame(*(plane.astype(np.uint8, copy=False) for plane in turned))

    def _converted(self, picture: VideoFrame) -> VideoFrame:
        kind = (picture.format.name, picture.width, picture.height)
        if self._graph is None or kind != self._graph_kind:
            self._graph, self._graph_kind = self._scaler(picture), kind
        self._graph.vpush(picture)
        return self._graph.vpull()

    def _scaler(self, picture: VideoFrame) -> Graph:
        """A graph from pictures like this one to 8-bit 4:2:0 in the size and colours of the first."""
        source, target = source_colour(picture), self.colour
        settings = [f"w={self._size[0]}:h={self._size[1]}:flags=area+accurate_rnd+full_chroma_int"]
        settings.append(f"out_color_matrix={target.matrix}:out_range={_range_name(target)}")
        if not _is_rgb(picture):
            settings.append(f"in_color_matrix={source.matrix}:in_range={_range_name(source)}")
        if source.transfer in _HDR_TRANSFERS:  # "perceptual" rolls highlights off instead of clipping them
            settings.append("out_primaries=bt709:out_transfer=bt709:intent=perceptual")
        graph = Graph()
        graph.link_nodes(
            graph.add(
                "buffer",
                f"video_size={picture.width}x{picture.height}:pix_fmt={picture.format.name}:time_base=1/1000"
                f":colorspace={int(picture.colorspace)}:range={int(picture.color_range)}",
            ),
            graph.add("scale", ":".join(settings)),
            graph.add("format", "yuv420p"),
            graph.add("buffersink"),
        ).configure()
        return graph


def _is_rgb(picture: VideoFrame) -> bool:
    return picture.format.is_rgb or picture.format.has_palette


def _range_name(colour: ColourTags) -> str:
    return "full" if colour.full_range else "limited"


def plane_rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """The memory of a plane as (rows, bytes of a row with padding); keeps the picture alive."""
    memory: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]
    return memory.reshape(-1, plane.line_size)


def _plane(picture: VideoFrame, index: int, width: int, height: int) -> NDArray[np.uint8]:
    view = plane_rows(picture.planes[index])[:height, :width]
    view.flags.writeable = False  # the decoder predicts later pictures from this memory
    return view
