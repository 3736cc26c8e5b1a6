"""Decodes the sound of any file, in pieces or whole, at the rate and number of channels asked for."""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.typing import NDArray

from heygem.errors import NoAudioError, UnsuitableMediaError
from heygem.media.container import check_readable, open_media, packets_of, sound_stream
from heygem.media.types import Waveform

SPEECH_RATE_HZ = 16_000
_BLOCK_SAMPLES = 1 << 16
_LAYOUTS = ("mono", "stereo", "2.1", "quad", "5.0", "5.1", "6.1", "7.1")  # by number of channels
_LOSSLESS_SIGNATURES = (b"RIFF", b"RF64", b"fLaC")


def decode_speech(path: Path, on_seconds: Callable[[int], None] = lambda seconds: None) -> Waveform:
    """The whole sound track at 16 kHz, all channels mixed to one; tells the seconds decoded so far.

    Raises:
        UnreadableMediaError: no sound or video file.
        NoAudioError: no sound track, or no samples in it.
    """
    samples = array("f")  # grows in place: joining pieces at the end would take twice the memory
    for piece in decode_sound(path, SPEECH_RATE_HZ, 1):
        samples.frombytes(piece.tobytes())
        on_seconds(len(samples) // SPEECH_RATE_HZ)
    return Waveform(np.frombuffer(samples, np.float32), SPEECH_RATE_HZ)


def decode_sound(path: Path, rate_hz: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """The sound track in pieces (channels, n) float32 in [-1, 1]; `channels`: 1 or 2. Damage is passed over.

    Raises:
        UnreadableMediaError: no sound or video file.
        NoAudioError: no sound track, or no samples in it.
    """
    mixer = _Mixer(path, rate_hz, channels)
    is_empty = True
    for frame in _stored_sound(path):
        for piece in mixer.mixed(frame):
            is_empty = False
            yield piece
    for piece in mixer.rest():
        is_empty = False
        yield piece
    if is_empty:
        raise NoAudioError(
            f"The sound track of '{path.name}' is empty: record or export it again.", file=path.name
        )


class _Mixer:
    """Resamples and mixes down. A change of format within the file (a radio recording) starts a new graph."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        self._path = path
        # Without a limit on the matrix two equal channels would add up to more than full scale.
        self._settings = f"{rate_hz}:ochl={_LAYOUTS[channels - 1]}:osf=fltp:rematrix_maxval=1.0"
        self._graph: Graph | None = None
        self._kind: tuple[str, str, int] | None = None

    def mixed(self, frame: AudioFrame) -> Iterator[NDArray[np.float32]]:
        kind = (frame.format.name, self._layout(frame), frame.sample_rate)
        if self._graph is None or kind != self._kind:
            yield from self.rest()
            self._graph, self._kind = self._new_graph(*kind), kind
        self._graph.push(frame)
        yield from self._pull(self._graph)

    def rest(self) -> Iterator[NDArray[np.float32]]:
        """What the resampler still holds."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull(self._graph)

    def _new_graph(self, sample_format: str, layout: str, rate_hz: int) -> Graph:
        graph = Graph()
        graph.link_nodes(
            graph.add(
                "abuffer",
                f"sample_rate={rate_hz}:sample_fmt={sample_format}:channel_layout={layout}:time_base=1/{rate_hz}",
            ),
            graph.add("aresample", self._settings),
            graph.add("abuffersink"),
        ).configure()
        return graph

    def _layout(self, frame: AudioFrame) -> str:
        if not frame.layout.name.endswith("channels"):
            return frame.layout.name
        if frame.layout.nb_channels > len(_LAYOUTS):
            raise UnsuitableMediaError(
                f"The sound of '{self._path.name}' has more than 8 channels: mix it down to stereo.",
                file=self._path.name,
            )
        return _LAYOUTS[frame.layout.nb_channels - 1]

    @staticmethod
    def _pull(graph: Graph) -> Iterator[NDArray[np.float32]]:
        while True:
            try:
                frame = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            piece = np.nan_to_num(frame.to_ndarray())  # (channels, n)
            yield piece.clip(-1.0, 1.0).astype(np.float32, copy=False)


def _stored_sound(path: Path) -> Iterator[AudioFrame]:
    lossless = _open_lossless(path)
    return _decoded_packets(path) if lossless is None else _lossless_blocks(lossless)


def _open_lossless(path: Path) -> soundfile.SoundFile | None:
    """The file if it is a WAV or FLAC that libsndfile reads: every sample format comes out as float."""
    check_readable(path)
    with path.open("rb") as file:
        if file.read(4) not in _LOSSLESS_SIGNATURES:
            return None
    try:
        sound = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        return None
    if sound.channels <= len(_LAYOUTS):
        return sound
    sound.close()
    return None


def _lossless_blocks(sound: soundfile.SoundFile) -> Iterator[AudioFrame]:
    with sound:
        for block in sound.blocks(_BLOCK_SAMPLES, dtype="float32", always_2d=True):  # (n, channels)
            frame = AudioFrame.from_ndarray(
                block.reshape(1, -1), format="flt", layout=_LAYOUTS[block.shape[1] - 1]
            )
            frame.sample_rate = sound.samplerate
            yield frame


def _decoded_packets(path: Path) -> Iterator[AudioFrame]:
    with open_media(path) as container:
        stream = sound_stream(container, path)
        for packet in packets_of(container, stream):
            try:
                yield from stream.decode(packet)
            except av.FFmpegError:
                continue
        yield from stream.decode(None)
