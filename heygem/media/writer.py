"""Encodes frames and sound into the finished H.264 + AAC file. The only lossy step of a job."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from heygem import __version__
from heygem.errors import DiskFullError, MediaError
from heygem.media.pictures import plane_rows, usual_code
from heygem.media.soundtrack import SoundTrack
from heygem.media.types import ColourTag, OutputVideo, YuvFrame

_PROVENANCE = json.dumps({"ai_generated": True, "generator": "HeyGem", "version": __version__})
_UNSPECIFIED = 2
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class VideoWriter:
    """Writes one MP4; use it as a context manager. Memory does not grow with the length.

    The sound of `audio_path` (None: no sound) is cut, or padded with silence, to the length of the video. The
    file appears under `path` while it grows, so give a partial name; it is removed if the block raises.

    Raises:
        DiskFullError: no space is left.
        MediaError: the sound cannot be read, the file cannot be written, or frames are missing at the end.
    """

    def __init__(self, path: Path, info: OutputVideo, audio_path: Path | None = None) -> None:
        self._path = path
        self._info = info
        self._frames_written = 0
        self._container: OutputContainer = av.open(
            f"file:{path}", "w", format="mp4", options={"movflags": "+faststart"}
        )
        with self._removed_on_error():
            self._container.metadata.update({"comment": _PROVENANCE, "description": _PROVENANCE})
            self._stream = _add_picture_stream(self._container, info)
            self._sound: SoundTrack | None = None
            if audio_path is not None:
                self._sound = SoundTrack(self._container, audio_path, info.frame_count / info.fps)
            self._container.start_encoding()  # creates the file: a bad folder is found now

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._abandon()

    def write(self, frame: YuvFrame) -> None:
        """Encode the next frame. Its planes are copied: they may change afterwards."""
        with self._removed_on_error():
            picture = VideoFrame(self._info.width, self._info.height, "yuv420p")
            for plane, values in zip(picture.planes, (frame.y, frame.u, frame.v), strict=True):
                plane_rows(plane)[:, : plane.width] = values
            picture.pts = self._frames_written
            picture.time_base = 1 / self._info.fps
            self._container.mux(self._stream.encode(picture))
            self._frames_written += 1
            if self._sound is not None:
                self._sound.write_until(self._frames_written / self._info.fps)

    def close(self) -> None:
        """Finish the file."""
        with self._removed_on_error():
            if self._frames_written != self._info.frame_count:
                raise MediaError(
                    f"Only {self._frames_written} of {self._info.frame_count} frames were made: try again."
                )
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def _abandon(self) -> None:
        with suppress(av.FFmpegError):
            self._container.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _removed_on_error(self) -> Iterator[None]:
        """Whatever goes wrong inside leaves no file; what the library says becomes an error of ours."""
        try:
            yield
        except av.FFmpegError as error:
            self._abandon()
            if error.errno in _DISK_FULL:
                raise DiskFullError(
                    f"The disk that holds '{self._path.parent}' is full: free some space, then try again.",
                    folder=str(self._path.parent),
                ) from error
            raise MediaError(
                f"The video '{self._path.name}' could not be written ({error.strerror})."
            ) from error
        except BaseException:
            self._abandon()
            raise


def _add_picture_stream(container: OutputContainer, info: OutputVideo) -> VideoStream:
    options = {"crf": str(info.crf), "preset": info.preset}
    stream = container.add_stream("libx264", rate=info.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = info.width, info.height, "yuv420p"
    context = stream.codec_context
    context.thread_type = "AUTO"  # "slice" would make the encoder cut each picture into slices
    context.time_base = 1 / info.fps
    codes = _written_codes(info)
    context.colorspace, context.color_primaries = codes["matrix"], codes["primaries"]
    # Limited range needs no leaving out: of H.264 in MP4 it changes no byte, with other tags or without.
    context.color_trc, context.color_range = codes["transfer"], 2 if info.colour.full_range else 1
    return stream


def _written_codes(info: OutputVideo) -> dict[ColourTag, int]:
    """What the source left unsaid stays so, unless players assume something else for a video of this size."""
    colour, usual = info.colour, usual_code(info.width, info.height)
    return {
        tag: _UNSPECIFIED if tag in colour.unsaid and code == usual else code
        for tag, code in colour.codes.items()
    }
