"""The doctor finds what is wrong, and only that."""

import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from heygem.cli import main
from heygem.doctor import (
    Finding,
    Level,
    check_device,
    check_encoder,
    check_folders,
    check_loading,
    check_packages,
    check_server,
    check_weights,
    run_doctor,
)
from heygem.engines.fake import FakeEngines
from heygem.settings import Settings


def settings_of(*flags: str) -> Settings:
    return Settings.from_args(flags, os.environ)


def levels(findings: Iterable[Finding]) -> set[Level]:
    return {finding.level for finding in findings}


def wrong(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is Level.WRONG]


@contextmanager
def server_that_says(status: int, body: bytes) -> Iterator[str]:
    """A server with one answer to everything; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_packages_here_are_those_of_the_requirements() -> None:
    assert wrong(check_packages(settings_of())) == []


def test_a_missing_package_is_wrong_and_another_version_is_not(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# pinned\nno-such-package==1.0\nnumpy==0.1\n")
    _, missing, other = check_packages(settings_of(), requirements)
    assert (
        missing.level is Level.WRONG and "no-such-package is not installed" in missing.text and missing.remedy
    )
    assert other.level is Level.NOTE and "tested with 0.1" in other.text


def test_videos_can_be_made_here() -> None:
    assert levels(check_encoder(settings_of())) == {Level.OK}


def test_a_gpu_that_is_not_there_is_wrong() -> None:
    (finding,) = wrong(check_device(settings_of("--device", "cuda:99")))
    assert "--device auto" in finding.remedy
    assert wrong(check_device(settings_of("--device", "cpu"))) == []


def test_a_changed_weight_file_is_named(tmp_path: Path) -> None:
    settings = replace(settings_of(), models_dir=tmp_path / "models")
    settings.models_dir.mkdir()
    (settings.models_dir / "tiny").mkdir()
    (settings.models_dir / "tiny" / "weights.bin").write_bytes(b"right")
    entry = {
        "model": "tiny",
        "path": "tiny/weights.bin",
        "sha256": "0c6d2111fe4eb1c1ea3bbd0b0e0b3a4b0d1d5d7dbb9ab0e8bb1d2c0a5c2b3b1a",
        "bytes": 5,
        "licence": "MIT",
        "source": "here",
    }
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in entry.items())
    (settings.models_dir / "manifest.toml").write_text(f"[[file]]\n{lines}\n")
    (finding,) = wrong(check_weights(settings))
    assert "tiny" in finding.text and "weights.bin" in finding.remedy


def test_the_bundled_weights_are_whole() -> None:
    assert levels(check_weights(settings_of())) == {Level.OK}


def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    settings = settings_of("--output-dir", str(tmp_path / "results"))
    assert wrong(check_folders(settings)) == []
    shutil.rmtree(settings.output_dir)
    settings.output_dir.write_text("a file in its place")
    (finding,) = wrong(check_folders(settings))
    assert str(settings.output_dir) in finding.remedy


@pytest.mark.parametrize(
    ("status", "answer", "level"),
    [
        (200, {"ready": True, "state": "ready", "reasons": []}, Level.OK),
        (503, {"ready": False, "state": "initializing", "reasons": ["Motion: loading"]}, Level.NOTE),
        (503, {"ready": False, "state": "failed", "reasons": ["a file is damaged"]}, Level.WRONG),
        (200, {"hello": "I am another program"}, Level.WRONG),
        (200, ["not even an object"], Level.WRONG),
    ],
)
def test_a_running_server_is_asked(status: int, answer: object, level: Level) -> None:
    with server_that_says(status, json.dumps(answer).encode()) as port:
        assert levels(check_server(settings_of("--port", port))) == {level}


def test_no_server_is_no_fault() -> None:
    with server_that_says(200, b"") as port:
        pass
    assert levels(check_server(settings_of("--port", port))) == {Level.NOTE}


def test_loading_here_names_each_model() -> None:
    findings = list(check_loading(settings_of(), FakeEngines))
    assert levels(findings) == {Level.OK}
    assert [finding.text.partition(":")[0] for finding in findings[:2]] == ["speech-encoder", "motion"]


def test_a_wrong_thing_makes_the_command_fail_and_shows_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--device", "cuda:99", "--output-dir", str(tmp_path)], os.environ) == 1
    shown = capsys.readouterr().out
    assert "WRONG  device cuda:99 cannot be used" in shown
    assert "-> " in shown.partition("\nWrong\n")[2]


def test_a_sound_machine_has_nothing_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with server_that_says(200, b"") as port:
        pass
    settings = settings_of("--port", port, "--output-dir", str(tmp_path), "--device", "cpu")
    assert run_doctor(settings) == 0
    assert "Nothing is wrong." in capsys.readouterr().out
