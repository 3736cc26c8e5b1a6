"""`python -m heygem batch` and `templates`, on a fake engine."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from heygem.cli import main
from heygem.ending import INTERRUPTED, LOST
from heygem.engines.fake import FakeEngines
from heygem.studio import Studio
from tests.fake_studio import settings_in
from tests.tiny_media import write_clip, write_speech


def run(tmp_path: Path, *argv: str) -> int:
    flags = ["--data-dir", str(tmp_path / "data"), "--output-dir", str(tmp_path / "out"), "--device", "cpu"]
    environ = {"HEYGEM_CACHE_DIR": str(tmp_path / "cache")}
    return main([argv[0], *flags, *argv[1:]], environ, partial(FakeEngines))


def test_every_speech_with_every_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speeches = [str(write_speech(tmp_path / name, 0.2)) for name in ("a.wav", "b.wav")]
    clip, videos = str(write_clip(tmp_path / "我.mp4")), tmp_path / "videos"
    videos.mkdir()
    (videos / "我 · a.mp4").write_text("mine")
    assert run(tmp_path, "batch", "--audio", *speeches, "--template", clip, "--out-dir", str(videos)) == 0
    assert {path.name for path in videos.iterdir()} == {"我 · a.mp4", "我 · a (2).mp4", "我 · b.mp4"}
    assert (videos / "我 · a.mp4").read_text() == "mine"
    assert "我 · b.mp4" in capsys.readouterr().out


def test_a_bad_item_is_told_and_the_others_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = write_speech(tmp_path / "a.wav", 0.2), tmp_path / "bad.wav"
    bad.write_text("no sound")
    clip = write_clip(tmp_path / "t.mp4")
    argv = ("--audio", str(good), str(bad), "--template", str(clip), "--out-dir", str(tmp_path))
    assert run(tmp_path, "batch", *argv) == 1
    assert (tmp_path / "t · a.mp4").is_file()
    assert "t · bad:" in capsys.readouterr().err
    assert run(tmp_path, "batch", *argv[:-1], str(tmp_path / "missing")) == 2


# A batch on fake engines. Its second item is slow, or loses the device and memory that nobody may free.
PROGRAM = """
import os
import sys
from functools import partial
from heygem.cli import main
from heygem.engines.fake import FakeEngines
from heygem.errors import DeviceLostError
class Pinned:
    def __del__(self):
        os.abort()
begun = []
def work(stage):
    begun.extend([stage] if stage == "render" else [])
    if sys.argv[1] == "lose" and len(begun) == 2:
        held = Pinned()
        raise DeviceLostError("The GPU is gone.")
engines = partial(FakeEngines, on_stage=work, seconds_per_frame=0.05)
sys.exit(main(sys.argv[2:], os.environ, engines))
"""


@pytest.mark.parametrize(("word", "code"), [("lose", LOST), ("go on", INTERRUPTED)])
def test_what_a_batch_has_made_is_kept_when_it_ends_early(word: str, code: int, tmp_path: Path) -> None:
    first, second = write_speech(tmp_path / "a.wav", 0.2), write_speech(tmp_path / "b.wav", 20.0)
    clip, videos = write_clip(tmp_path / "t.mp4"), tmp_path / "videos"
    videos.mkdir()
    inputs = ["--audio", str(first), str(second), "--template", str(clip), "--out-dir", str(videos)]
    command = [sys.executable, "-c", PROGRAM, word, "batch", "--device", "cpu", *inputs]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if code == INTERRUPTED and line.startswith("1 / 2"):
            process.send_signal(signal.SIGTERM)
        if line.startswith("heygem:"):
            break
    process.communicate(timeout=30)
    assert process.returncode == code
    assert [path.name for path in videos.iterdir()] == ["t · a.mp4"]


def test_the_library_is_kept_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, bad = write_clip(tmp_path / "t.mp4"), tmp_path / "bad.mp4"
    bad.write_text("no video")
    assert run(tmp_path, "templates", "add", str(clip)) == 0
    template_id = capsys.readouterr().out.split()[0]
    assert run(tmp_path, "templates", "add", str(bad)) == 1
    assert run(tmp_path, "templates", "rename", template_id, "Neu") == 0
    assert run(tmp_path, "templates", "prepare", template_id) == 0
    capsys.readouterr()
    assert run(tmp_path, "templates", "list") == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if template_id in line)
    assert "Neu" in line and " prepared" in line
    assert run(tmp_path, "templates", "delete", template_id) == 0
    assert run(tmp_path, "templates", "delete", template_id) == 1
    assert "not there" in capsys.readouterr().err


def test_a_running_heygem_keeps_its_library_to_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studio = Studio(settings_in(tmp_path), FakeEngines)
    assert run(tmp_path, "templates", "list") == 1
    assert "already runs" in capsys.readouterr().err
    studio.stop()
