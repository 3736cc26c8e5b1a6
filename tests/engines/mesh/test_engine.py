"""The real engine on the real bundled models: files in, a finished video out, tracked again."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from heygem.assets.catalog import DEFAULT_SPEECHES, DEFAULT_TEMPLATES
from heygem.engines.base import LipSyncOptions, LipSyncRequest, Stage
from heygem.engines.factory import EngineSet, build_engines
from heygem.engines.mesh.engine import MeshEngine, base_frames
from heygem.engines.mesh.shaping import wanted_gap
from heygem.engines.mesh.speech_motion import full_basis, predict_steps, shape_motion
from heygem.errors import JobCanceledError, NoFaceError
from heygem.media.audio import decode_speech
from heygem.media.check import check_video
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import OutputVideo, VideoInfo, Waveform, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.settings import Settings
from heygem.templates.tracker import FaceTracker
from tests.recorder import Recorder
from training.real_pairs import check_pair

SPEECH = next(speech.audio_path for speech in DEFAULT_SPEECHES if speech.name == "speech_en_female")
OTHER = next(template.video_path for template in DEFAULT_TEMPLATES if template.name == "marcus_idle")
UPPER_LIP, CHEEK = (0, 12, 13), (50,)  # landmarks
IDLE = next(template.video_path for template in DEFAULT_TEMPLATES if template.name == "anna_idle")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSet]:
    folder = tmp_path_factory.mktemp("engines")
    settings = Settings.from_args(["--device", "cpu"], {"HEYGEM_CACHE_DIR": str(folder / "cache")})
    yield build_engines(settings, lambda _: None)


@pytest.fixture(scope="module")
def mesh(engines: EngineSet) -> MeshEngine:
    engine = engines.engines["mesh"]
    assert isinstance(engine, MeshEngine)
    return engine


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames of a presenter: short to track, large enough to judge."""
    path = tmp_path_factory.mktemp("clip") / '安娜 it\'s "short".mp4'
    return cut(IDLE, path, range(30))


def cut(source: Path, path: Path, frames: range, black: range = range(0)) -> Path:
    info = probe_video(source)
    output = OutputVideo(info.width, info.height, info.fps, len(frames), info.colour, crf=14)
    dark = YuvFrame(
        np.full((info.height, info.width), 16, np.uint8),
        *[np.full((info.height // 2, info.width // 2), 128, np.uint8)] * 2,
    )
    with FrameSource(info) as reader, VideoWriter(path, output) as writer:
        for number, frame in zip(frames, reader.read_schedule(frames), strict=True):
            writer.write(dark if number in black else frame)
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "short.wav"
    whole = decode_speech(SPEECH)
    soundfile.write(path, whole.samples[: int(2.5 * whole.rate_hz)], whole.rate_hz)
    return path


def test_the_finished_video_says_what_was_asked(
    mesh: MeshEngine, clip: Path, speech: Path, tmp_path: Path
) -> None:
    report = check_pair(mesh, clip, speech, tmp_path)
    assert report.frames_off == 0
    assert report.correlation >= 0.95
    assert report.spread >= 0.85
    assert report.open_in_silence == 0


def test_stages_are_told_in_order_and_the_file_is_whole(
    mesh: MeshEngine, clip: Path, speech: Path, tmp_path: Path
) -> None:
    recorder, output = Recorder(), tmp_path / "out.mp4"
    result = mesh.generate(LipSyncRequest(speech, clip, output), recorder)
    stages = [stage for stage, _, _ in recorder.seen]
    assert sorted(set(stages), key=stages.index)[-3:] == ["motion", "render", "finish"]
    assert result.fps == 25 and result.template_was_prepared
    check_video(output, result.frame_count, result.fps, with_audio=True)
    assert (result.width, result.height) == (1280, 720)


def test_a_grainy_clip_has_grainy_lips(mesh: MeshEngine, clip: Path, speech: Path, tmp_path: Path) -> None:
    """Where the new mouth is, the picture seethes as it does on the cheek, and as the clip did."""
    grainy, made = with_grain(clip, tmp_path / "grainy.mp4", 6.0), tmp_path / "made.mp4"
    mesh.generate(LipSyncRequest(speech, grainy, made, LipSyncOptions(quality_crf=10)), Recorder())
    with mesh.library.lease(grainy, None, Recorder()) as prepared:
        points = prepared.portrait.track.filled_points
        assert prepared.bank.grain is not None
        assert prepared.bank.grain.strength == pytest.approx(6.0, rel=0.2)
    for place in (UPPER_LIP, CHEEK):
        assert 1.2 > seething(made, points, place) / seething(grainy, points, place) > 0.65
    with mesh.library.lease(clip, None, Recorder()) as prepared:
        assert prepared.bank.grain is None


def with_grain(source: Path, path: Path, strength: float) -> Path:
    info, rng = probe_video(source), np.random.default_rng(1)
    output = OutputVideo(info.width, info.height, info.fps, info.frame_count, info.colour, crf=8)
    with FrameSource(info) as reader, VideoWriter(path, output) as writer:
        for frame in reader.read():
            luma = frame.y + rng.normal(0.5, strength, frame.y.shape)
            writer.write(YuvFrame(np.clip(luma, 16, 235).astype(np.uint8), frame.u, frame.v))
    return path


def seething(video: Path, points: np.ndarray, places: tuple[int, ...]) -> float:
    """How much the finest detail around a place changes from one frame to the next where least moves."""
    with FrameSource(probe_video(video)) as source:
        lumas = [frame.y.astype(np.float32) for frame in source.read_schedule(range(len(points)))]
    fine = [luma - cv2.GaussianBlur(luma, (0, 0), 1) for luma in lumas]
    x, y = points[:, places, :2].mean((0, 1)).astype(int)
    boxes = np.stack([luma[y - 4 : y + 5, x - 10 : x + 11] for luma in fine])
    return float(np.quantile(np.diff(boxes, axis=0).std((1, 2)), 0.2))


def test_a_prepared_template_needs_no_detection(mesh: MeshEngine, clip: Path) -> None:
    recorder = Recorder()
    assert mesh.prepare(clip, None, recorder).was_prepared
    assert recorder.seen == []


def test_other_rates_keep_their_length(mesh: MeshEngine, clip: Path, speech: Path, tmp_path: Path) -> None:
    fps = Fraction(30000, 1001)
    request = LipSyncRequest(speech, clip, tmp_path / "ntsc.mp4", LipSyncOptions(fps=fps))
    result = mesh.generate(request, Recorder())
    check_video(request.output_path, round(2.5 * fps), fps, with_audio=True)
    assert result.frame_count == round(2.5 * fps)


@pytest.mark.parametrize("stage", ["audio", "motion", "render"])
def test_cancel_leaves_nothing_behind(
    mesh: MeshEngine, clip: Path, speech: Path, tmp_path: Path, stage: Stage
) -> None:
    with pytest.raises(JobCanceledError):
        mesh.generate(LipSyncRequest(speech, clip, tmp_path / "out.mp4"), Recorder(cancel_at=stage))
    assert list(tmp_path.iterdir()) == []


def test_frames_without_a_face_pass_through(mesh: MeshEngine, tmp_path: Path, speech: Path) -> None:
    source = cut(IDLE, tmp_path / "leaves.mp4", range(24), black=range(12, 24))
    with mesh.library.lease(source, None, Recorder()) as prepared:
        assert prepared.portrait.track.present.tolist() == [True] * 12 + [False] * 12
        strength = prepared.portrait.strength
    assert (strength[12:] == 0).all() and 0 < strength[11] < strength[9] <= 1
    request = LipSyncRequest(speech, source, tmp_path / "out.mp4")
    result = mesh.generate(request, Recorder())
    info = probe_video(request.output_path)
    with FrameSource(info) as reader:
        frames = list(reader.read())
    assert len(frames) == result.frame_count
    assert frames[15].y.max() <= 24  # still black


def test_a_clip_without_a_face_is_refused_in_one_sentence(
    mesh: MeshEngine, tmp_path: Path, speech: Path
) -> None:
    source = cut(IDLE, tmp_path / "dark.mp4", range(6), black=range(6))
    with pytest.raises(NoFaceError, match="No face was found"):
        mesh.generate(LipSyncRequest(speech, source, tmp_path / "out.mp4"), Recorder())


def two_faces(tmp_path: Path) -> VideoInfo:
    """Two presenters beside each other, the left one smaller."""
    info = probe_video(IDLE)
    with FrameSource(info) as reader:
        frame = next(iter(reader.read())).copy()
    small = [plane[::2, ::2] for plane in (frame.y, frame.u, frame.v)]
    wide = [np.concatenate([np.repeat(p[:1], p.shape[0], 0), p], 1) for p in (frame.y, frame.u, frame.v)]
    for plane, part in zip(wide, small, strict=True):
        plane[: part.shape[0], : part.shape[1]] = part
    output = OutputVideo(info.width * 2, info.height, info.fps, 3, info.colour)
    with VideoWriter(tmp_path / "two.mp4", output) as writer:
        for _ in range(3):
            writer.write(YuvFrame(*wide))
    return probe_video(tmp_path / "two.mp4")


def test_a_small_face_in_a_wide_picture_is_found(mesh: MeshEngine, tmp_path: Path) -> None:
    """A face of about 70 pixels in 2560: the detectors see nothing of it in the whole picture."""
    info = probe_video(IDLE)
    with FrameSource(info) as reader:
        frame = next(iter(reader.read()))
    planes = []
    for plane in (frame.y, frame.u, frame.v):
        wide = np.full((plane.shape[0], plane.shape[1] * 2), 120, np.uint8)
        small = cv2.resize(plane, None, fx=0.28, fy=0.28, interpolation=cv2.INTER_AREA)
        wide[-small.shape[0] :, -small.shape[1] :] = small
        planes.append(wide)
    track = FaceTracker(mesh.models.landmarker, info.colour).track([YuvFrame(*planes)], lambda _: None)
    assert 48 < track.face_width_px() < 100
    assert track.points[0, :468, 0].mean() > 1900


@pytest.mark.parametrize(("point", "is_left"), [(None, False), ((0.12, 0.2), True), ((0.75, 0.4), False)])
def test_of_two_people_the_larger_or_the_chosen_one_speaks(
    mesh: MeshEngine, tmp_path: Path, point: tuple[float, float] | None, is_left: bool
) -> None:
    info = two_faces(tmp_path)
    with FrameSource(info) as reader:
        track = FaceTracker(mesh.models.landmarker, info.colour, point).track(reader.read(), lambda _: None)
    x = track.points[:, :468, 0].mean(1)
    assert ((x < info.width / 2) == is_left).all()


def test_a_smile_is_there_from_the_first_frame_to_the_last(mesh: MeshEngine, clip: Path) -> None:
    """Through the ends of the speech too, where the mouth is at rest; and it opens the mouth no further."""
    whole = decode_speech(SPEECH)
    sound = Waveform(whole.samples[:32000], whole.rate_hz)
    with mesh.library.lease(clip, None, Recorder()) as prepared:
        plans = [
            mesh.plan(sound, prepared.info, prepared, LipSyncOptions(smile=smile), Recorder())
            for smile in (0.0, 1.0)
        ]
    plain, smiling = (plan.wish.shapes(0, len(plan)) for plan in plans)
    added = smiling - plain  # (T,468,3) canonical
    assert (added[:, 291, 0] > 0.02).all() and (added[:, 61, 0] < -0.02).all()
    assert (added[:, [61, 291], 1] < -0.02).all()  # y runs down
    assert np.abs(wanted_gap(smiling) - wanted_gap(plain)).max() < 0.01
    assert (added[:, [151, 386, 159]] == 0).all()  # forehead and eyelids


def test_expressiveness_and_offset_change_the_motion(mesh: MeshEngine) -> None:
    whole = decode_speech(SPEECH)
    sound = Waveform(whole.samples[:32000], whole.rate_hz)
    options = LipSyncOptions()

    steps = predict_steps(sound, mesh.models.encoder, mesh.models.motion)

    def motion(changed: LipSyncOptions) -> np.ndarray:
        basis = full_basis(mesh.models.motion)
        return shape_motion(steps, sound, basis, 50, Fraction(25), changed).coefficients

    plain = motion(options)
    np.testing.assert_allclose(motion(replace(options, expressiveness=0.5)), plain / 2, atol=1e-5)
    later = motion(replace(options, audio_offset_ms=80))
    np.testing.assert_allclose(later[10:40], plain[8:38], atol=1e-4)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("pingpong", [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]),
        ("loop", [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]),
        ("freeze", [0, 1, 2, 3, 3, 3, 3, 3, 3, 3]),
    ],
)
def test_the_template_is_repeated_as_asked(mode: str, expected: list[int]) -> None:
    assert base_frames(10, Fraction(25), 4, Fraction(25), mode).tolist() == expected  # type: ignore[arg-type]


def test_frame_times_are_exact_at_any_rate() -> None:
    frames = base_frames(100_000, Fraction(30000, 1001), 10**9, Fraction(24000, 1001), "loop")
    exact = [round(Fraction(i) * Fraction(24, 30)) for i in (5, 50_000, 99_995)]
    assert [int(frames[i]) for i in (5, 50_000, 99_995)] == exact
    assert base_frames(7, Fraction(25), 1, Fraction(25), "pingpong").tolist() == [0] * 7


def first_frame(path: Path) -> YuvFrame:
    with FrameSource(probe_video(path)) as reader:
        return next(iter(reader.read())).copy()


def beside(left: YuvFrame, right: YuvFrame) -> YuvFrame:
    pairs = ((left.y, right.y), (left.u, right.u), (left.v, right.v))
    return YuvFrame(*(np.concatenate(pair, 1) for pair in pairs))


def test_after_a_cut_the_same_person_is_found_again_and_nobody_else(mesh: MeshEngine) -> None:
    """The face jumps from the left end of a wide picture to the right one, as in an edited clip."""
    anna, marcus = first_frame(IDLE), first_frame(OTHER)
    empty = YuvFrame(*(np.full_like(plane, 110) for plane in (anna.y, anna.u, anna.v)))
    frames = [beside(anna, empty)] * 3 + [beside(empty, marcus)] * 2 + [beside(empty, anna)] * 3
    colour = probe_video(IDLE).colour
    track = FaceTracker(mesh.models.landmarker, colour).track(frames, lambda _: None)
    assert track.present.tolist() == [True] * 3 + [False] * 2 + [True] * 3
    assert track.points[0, :468, 0].mean() < anna.width < track.points[-1, :468, 0].mean()
