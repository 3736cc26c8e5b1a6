"""The AAC track of an output file: as long as its picture, to the sample."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from numpy.typing import NDArray

from heygem.media.audio import decode_sound
from heygem.media.probe import probe_audio

_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_MAX_BITS_PER_SAMPLE = 6  # what the format can hold
_BIT_RATE = 96_000  # a channel
_BLOCK_SAMPLES = 1 << 15
_LAYOUTS = {1: "mono", 2: "stereo"}


class SoundTrack:
    """Copies the sound of a file into `container`, cut or padded with silence to `duration_seconds`.

    It keeps the rate where AAC has it (else the nearest) and one or two channels.

    Raises:
        MediaError: the sound cannot be read.
    """

    def __init__(self, container: OutputContainer, audio_path: Path, duration_seconds: Fraction) -> None:
        source = probe_audio(audio_path)
        self.rate_hz = min(_AAC_RATES_HZ, key=lambda rate: abs(rate - source.rate_hz))
        channels = min(source.channels, 2)
        self._container = container
        self._layout = _LAYOUTS[channels]
        self._stream = container.add_stream("aac", rate=self.rate_hz, layout=self._layout)
        self._stream.bit_rate = channels * min(_BIT_RATE, _MAX_BITS_PER_SAMPLE * self.rate_hz)
        sound = decode_sound(audio_path, self.rate_hz, channels)
        self._pieces = fitted(sound, channels, round(duration_seconds * self.rate_hz))
        self._samples_written = 0

    def write_until(self, seconds: Fraction) -> None:
        """Write at least up to this moment, so that sound and picture lie side by side in the file."""
        while self._samples_written < seconds * self.rate_hz:
            piece = next(self._pieces, None)
            if piece is None:
                return
            self._write(piece)

    def close(self) -> None:
        """Write all that is left."""
        for piece in self._pieces:
            self._write(piece)
        self._container.mux(self._stream.encode(None))

    def _write(self, piece: NDArray[np.float32]) -> None:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=self._layout)
        frame.sample_rate = self.rate_hz
        frame.time_base = Fraction(1, self.rate_hz)
        frame.pts = self._samples_written
        self._samples_written += piece.shape[1]
        self._container.mux(self._stream.encode(frame))


def fitted(
    pieces: Iterator[NDArray[np.float32]], channels: int, sample_count: int
) -> Iterator[NDArray[np.float32]]:
    """Cut the pieces (channels, n), or follow them with silence, so that they make `sample_count` samples."""
    left = sample_count
    for piece in chain(pieces, _silence(channels)):
        yield piece[:, :left]
        left -= piece.shape[1]
        if left <= 0:
            return


def _silence(channels: int) -> Iterator[NDArray[np.float32]]:
    while True:
        yield np.zeros((channels, _BLOCK_SAMPLES), np.float32)
