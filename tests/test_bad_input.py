"""Whatever people bring: one clear sentence or a right result, and the next job runs. On the real engine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from heygem.assets.catalog import REHEARSAL_CLIP
from heygem.errors import HeyGemError
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.media.check import check_video
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import OutputVideo, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.media.yuv import frame_rgb
from heygem.settings import Settings
from heygem.studio import Studio
from tests.tiny_media import write_clip, write_speech

WAIT_SECONDS = 120.0
Bring = Callable[[Path], tuple[Path, Path]]  # makes a template and a speech in a folder


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    argv = [
        f"--output-dir={folder / 'outputs'}",
        f"--data-dir={folder / 'data'}",
        "--device=cpu",
        "--no-preload",
    ]
    settings = Settings.from_args(argv, {"HEYGEM_CACHE_DIR": str(folder / "cache")})
    studio = Studio(settings, prepare_ahead=False)
    studio.start(wait_for_page=False)
    yield studio
    studio.stop()


def run(studio: Studio, template: Path, speech: Path) -> Job:
    return studio.wait_job(studio.submit(JobSpec(speech, template)).id, WAIT_SECONDS)


def good(folder: Path) -> tuple[Path, Path]:
    return REHEARSAL_CLIP, write_speech(folder / "speech.wav", 0.6)


def template_of(content: Callable[[Path], object], name: str = "template.mp4") -> Bring:
    def bring(folder: Path) -> tuple[Path, Path]:
        content(folder / name)
        return folder / name, write_speech(folder / "speech.wav", 0.6)

    return bring


def speech_of(content: Callable[[Path], object], name: str = "speech.wav") -> Bring:
    def bring(folder: Path) -> tuple[Path, Path]:
        content(folder / name)
        return REHEARSAL_CLIP, folder / name

    return bring


def rewritten(path: Path, change: Callable[[int, YuvFrame], YuvFrame]) -> None:
    """The rehearsal clip with each of its frames changed."""
    info = probe_video(REHEARSAL_CLIP)
    with FrameSource(info) as source:
        frames = [change(number, frame) for number, frame in enumerate(source.read())]
    height, width = frames[0].y.shape
    output = OutputVideo(width, height, info.fps, len(frames), info.colour)
    with VideoWriter(path, output) as writer:
        for frame in frames:
            writer.write(frame)


def leaving(number: int, frame: YuvFrame) -> YuvFrame:
    """The face slides out of the picture and is gone."""
    shift = number * frame.width // 13
    return YuvFrame(
        *(np.roll(p, shift // s, 1) if number < 8 else np.full_like(p, 100) for p, s in _planes(frame))
    )


def doubled(number: int, frame: YuvFrame) -> YuvFrame:
    """Two people beside each other."""
    return YuvFrame(*(np.concatenate([p, p], 1) for p, _ in _planes(frame)))


def _planes(frame: YuvFrame) -> list[tuple[np.ndarray, int]]:
    return [(frame.y, 1), (frame.u, 2), (frame.v, 2)]


def photo(path: Path) -> None:
    info = probe_video(REHEARSAL_CLIP)
    with FrameSource(info) as source:
        rgb = frame_rgb(next(iter(source.read())), info.colour)
    cv2.imencode(".png", rgb[:, :, ::-1])[1].tofile(path)


REFUSED: dict[str, tuple[Bring, str]] = {
    "zero bytes": (template_of(lambda path: path.write_bytes(b"")), "empty"),
    "text renamed": (template_of(lambda path: path.write_text("not a video\n" * 99)), "template.mp4"),
    "truncated": (
        template_of(lambda path: path.write_bytes(REHEARSAL_CLIP.read_bytes()[:3000])),
        "template.mp4",
    ),
    "tiny picture": (
        template_of(lambda path: cv2.imwrite(str(path), np.zeros((1, 1, 3))), "one.png"),
        "small",
    ),
    "no face": (template_of(lambda path: write_clip(path, 5)), "No face"),
    "speech is text": (speech_of(lambda path: path.write_text("hello")), "speech.wav"),
    "speech is empty": (speech_of(lambda path: path.write_bytes(b"")), "empty"),
    "video without sound as speech": (speech_of(lambda path: write_clip(path, 5), "mute.mp4"), "sound"),
}
ACCEPTED: dict[str, Bring] = {
    "silent speech": speech_of(lambda path: write_speech(path, 0.6, pitch_hz=0.0)),
    "photo": template_of(photo, "photo.png"),
    "face that leaves": template_of(lambda path: rewritten(path, leaving)),
    "two people": template_of(lambda path: rewritten(path, doubled)),
    "a name with everything": template_of(
        lambda path: rewritten(path, lambda _, frame: frame), '名字 it\'s "a" b.mp4'
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_a_sentence_and_the_next_job_runs(studio: Studio, tmp_path: Path, case: str) -> None:
    bring, word = REFUSED[case]
    try:
        job = run(studio, *bring(tmp_path))
    except HeyGemError as error:
        sentence = str(error)
    else:
        assert job.state is JobState.FAILED
        sentence = job.error_message
    assert word in sentence
    assert sentence.rstrip().endswith(".") and len(sentence) < 250 and "Traceback" not in sentence
    assert run(studio, *good(tmp_path)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("case", ACCEPTED)
def test_it_gives_a_whole_video(studio: Studio, tmp_path: Path, case: str) -> None:
    job = run(studio, *ACCEPTED[case](tmp_path))
    assert job.state is JobState.SUCCEEDED, job.error_message
    assert job.output_path is not None
    info = probe_video(job.output_path)
    check_video(job.output_path, round(0.6 * info.fps), info.fps, with_audio=True)
