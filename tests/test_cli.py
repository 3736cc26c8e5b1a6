"""The command line, with engines that need no weights."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from heygem.assets.catalog import DEFAULT_SPEECHES, REHEARSAL_CLIP
from heygem.cli import main
from heygem.console import ProgressLine, table
from heygem.ending import DONE, FAILED, INTERRUPTED, MISUSED
from heygem.engines.base import Stage
from heygem.engines.fake import FakeEngines
from heygem.errors import NoFaceError, WeightsMissingError
from heygem.jobs.engine_set import EngineBuilder, EngineSet
from heygem.media.check import check_video
from heygem.media.probe import probe_audio
from heygem.models.status import ModelStatus
from heygem.settings import Settings

SPEECH = DEFAULT_SPEECHES[0].audio_path
OnModels = Callable[[tuple[ModelStatus, ...]], None]


def run(*argv: str | Path, engines: EngineBuilder = FakeEngines) -> int:
    return main([str(word) for word in argv], os.environ, engines)


def generate(out: Path, *more: str | Path, engines: EngineBuilder = FakeEngines) -> int:
    return run(
        "generate", "--audio", SPEECH, "--template", REHEARSAL_CLIP, "--out", out, *more, engines=engines
    )


def no_engines(settings: Settings, on_models: OnModels) -> EngineSet:
    raise WeightsMissingError("model.safetensors is not there: restore it.")


def engines_that_see_no_face(settings: Settings, on_models: OnModels) -> EngineSet:
    def look(stage: Stage) -> None:
        if stage == "template":
            raise NoFaceError("There is no face in the template: choose another.")

    return FakeEngines(settings, on_models, on_stage=look)


def slow_engines(settings: Settings, on_models: OnModels) -> EngineSet:
    return FakeEngines(settings, on_models, seconds_per_frame=0.2)


def test_generate_makes_a_video_as_long_as_the_speech(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "结果 1.mp4"
    assert generate(out) == DONE
    frames = round(probe_audio(SPEECH).duration_seconds * 25)
    check_video(out, frames, Fraction(25), with_audio=True)
    assert capsys.readouterr().out == f"{out}\n"
    assert list(tmp_path.iterdir()) == [out]


def test_generate_obeys_its_options(tmp_path: Path) -> None:
    out = tmp_path / "ten.mp4"
    assert generate(out, "--fps", "10", "--crf", "30") == DONE
    check_video(out, round(probe_audio(SPEECH).duration_seconds * 10), Fraction(10), with_audio=True)


def test_generate_works_beside_a_running_studio(tmp_path: Path, own_folders: Path) -> None:
    """It does not touch the data folder, where a server may be at work."""
    assert generate(tmp_path / "out.mp4") == DONE
    assert not (own_folders / "data").exists()


def test_generate_refuses_bad_input_before_any_engine_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    out = tmp_path / "out.mp4"
    code = run("generate", "--audio", SPEECH, "--template", text, "--out", out, engines=no_engines)
    complaint = capsys.readouterr().err
    assert code == FAILED
    assert complaint.startswith("heygem: ") and "text.mp4" in complaint and complaint.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("engines", "sentence"),
    [(engines_that_see_no_face, "There is no face"), (no_engines, "model.safetensors is not there")],
)
def test_generate_says_in_a_sentence_why_it_failed(
    engines: EngineBuilder, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate(tmp_path / "out.mp4", engines=engines) == FAILED
    complaint = capsys.readouterr().err
    assert f"heygem: {sentence}" in complaint
    assert "Traceback" not in complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "words"), [(".", "is a folder"), ("no.mp4", "check the path")])
def test_generate_refuses_a_path_that_is_no_file(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template, out = tmp_path / name, tmp_path / "out.mp4"
    code = run("generate", "--audio", SPEECH, "--template", template, "--out", out, engines=no_engines)
    assert code == MISUSED
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["abc", "30/0"])
def test_generate_refuses_what_is_no_frame_rate(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("generate", "--audio", SPEECH, "--template", SPEECH, "--out", "o.mp4", "--fps", rate)
    assert f"{rate!r} is no frame rate" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.avi", "nowhere/out.mp4"])
def test_generate_refuses_a_place_where_no_result_can_go(name: str, tmp_path: Path) -> None:
    assert generate(tmp_path / name, engines=no_engines) == MISUSED


def test_generate_does_not_overwrite_its_input(tmp_path: Path) -> None:
    template = tmp_path / "template.mp4"
    template.write_bytes(REHEARSAL_CLIP.read_bytes())
    code = run("generate", "--audio", SPEECH, "--template", template, "--out", template, engines=no_engines)
    assert code == MISUSED
    assert template.read_bytes() == REHEARSAL_CLIP.read_bytes()


@pytest.mark.parametrize("polite", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_generate_leaves_nothing_behind(polite: signal.Signals, tmp_path: Path) -> None:
    program = "import sys; from tests.test_cli import *; out = Path(sys.argv[1])"
    program += "; sys.exit(generate(out, engines=slow_engines))"
    command = [sys.executable, "-c", program, str(tmp_path / "out.mp4")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("render"):
            break
    process.send_signal(polite)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED, rest
    assert "interrupted" in rest
    assert list(tmp_path.iterdir()) == []


def test_preload_shows_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preload") == DONE
    shown = capsys.readouterr().out
    assert "speech-encoder" in shown and "motion" in shown
    assert "READY on cpu" in shown


def test_preload_fails_where_a_model_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("preload", engines=no_engines) == FAILED
    assert "model.safetensors is not there" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "preload", "generate", "bench", "doctor"])
def test_every_command_shares_the_flags(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(command, "--help")
    assert ended.value.code == 0
    assert "--model-cache-dir" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["serve", "preload", "bench", "doctor"])
def test_unusable_settings_are_refused(command: str) -> None:
    assert run(command, "--device", "abacus", engines=no_engines) == MISUSED


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


def test_progress_changes_in_place_on_a_terminal() -> None:
    stream = Terminal()
    progress = ProgressLine(stream)
    progress.show("render", "9/100")
    progress.show("finish")
    progress.close()
    assert stream.getvalue() == "\rrender 9/100\rfinish      \n"


def test_progress_in_a_file_is_a_line_for_each_headline() -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream)
    for done in range(3):
        progress.show("render", f"{done}/3")
    progress.show("finish")
    progress.close()
    assert stream.getvalue() == "render\nfinish\n"


def test_table_columns_line_up_in_chinese_too() -> None:
    assert table(("name", "n"), [("安娜", "1"), ("Marcus", "2")]).splitlines() == [
        "name    n",
        "------  -",
        "安娜    1",
        "Marcus  2",
    ]
