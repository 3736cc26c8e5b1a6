"""Makes the derived files of heygem/assets/ anew from the presenter clips: thumbnails and the rehearsal clip.

Run from the project root: `python -m training.make_assets`.
"""

from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

ASSETS = Path(__file__).parents[1] / "heygem" / "assets"
THUMBNAIL_FRAME = 18  # mouth closed, eyes open, in every clip
THUMBNAIL_SIZE = (480, 270)
REHEARSAL_FRAMES = slice(50, 62)  # Anna closes her silence and starts to speak: a closed and an open mouth
REHEARSAL_SIZE = (1280, 720)  # that of a usual job: buffers and threads of that size are warm then, too

RgbImage = npt.NDArray[np.uint8]  # (H,W,3)


def read_frames(path: Path, frames: slice) -> list[RgbImage]:
    """The clip's frames in `frames` (start and stop)."""
    with av.open(path) as container:
        decoded = islice(container.decode(video=0), frames.start, frames.stop)
        return [frame.to_ndarray(format="rgb24", src_colorspace="ITU709") for frame in decoded]


def write_thumbnail(clip: Path) -> None:
    """Writes the still that the gallery shows for `clip`, beside it."""
    (image,) = read_frames(clip, slice(THUMBNAIL_FRAME, THUMBNAIL_FRAME + 1))
    small = cv2.resize(image, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(clip.with_suffix(".jpg")), bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])


def write_rehearsal_clip(clip: Path, target: Path) -> None:
    """Cuts `REHEARSAL_FRAMES` out of `clip`."""
    with av.open(target, "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "veryslow"})
        stream.width, stream.height = REHEARSAL_SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace = stream.codec_context.color_primaries = 1
        stream.codec_context.color_trc = 1
        stream.codec_context.color_range = 1
        for image in read_frames(clip, REHEARSAL_FRAMES):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        container.mux(stream.encode())


def main() -> None:
    """Writes every derived file."""
    for name in ("anna", "anna_idle", "marcus", "marcus_idle"):
        write_thumbnail(ASSETS / f"{name}.mp4")
    write_rehearsal_clip(ASSETS / "anna.mp4", ASSETS / "warmup.mp4")


if __name__ == "__main__":
    main()
