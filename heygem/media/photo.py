"""Reads photos: upright, without transparency, in a size that suits a video."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.errors import UnreadableMediaError
from heygem.media.container import check_readable

_MAX_SIDE_PX = 1920  # a still template gains nothing from more, and H.264 players stumble over it
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def is_photo_file(path: Path) -> bool:
    """Whether the content is JPEG, PNG or WebP, whatever the name says.

    Raises:
        UnreadableMediaError: missing or empty.
    """
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:] == b"WEBP")


def read_photo(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB, turned as its EXIF data say, at most 1920 px on the longer side.

    Raises:
        UnreadableMediaError: the file is damaged.
    """
    try:
        rgb = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        rgb = None
    if rgb is None:
        raise UnreadableMediaError(
            f"The photo '{path.name}' is damaged: open it on your computer and save it again as JPEG or PNG.",
            file=path.name,
        )
    height, width = rgb.shape[:2]
    scale = _MAX_SIDE_PX / max(height, width)
    if scale < 1:
        smaller = (max(round(width * scale), 1), max(round(height * scale), 1))
        rgb = cv2.resize(rgb, smaller, interpolation=cv2.INTER_AREA)
    return np.asarray(rgb, np.uint8)
