"""The library of templates: what it keeps, prepares, shows and forgets."""

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from heygem.engines.base import Stage, TemplateLook
from heygem.errors import LibraryError, MediaError, NoFaceError, TemplateNotFoundError
from heygem.jobs.database import Database
from heygem.jobs.job import JobSpec, JobState
from heygem.library.preparing import ATTEMPT_LIMIT
from heygem.library.shelf import title_of
from heygem.library.store import TemplateStore
from heygem.library.template import Advice, Footage, Template, advice_on
from heygem.media.probe import probe_video
from tests.fake_studio import SPEECH, fake_studio
from tests.tiny_media import write_clip


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "王.mp4")


def test_an_added_template_has_pictures_a_report_and_is_prepared(tmp_path: Path, clip: Path) -> None:
    with fake_studio(tmp_path / "s") as studio:
        library, template = studio.library, studio.library.add(clip)
        assert (template.name, template.is_default, template.use_count) == ("王", False, 0)
        assert cv2.imread(str(library.still(template))) is not None
        assert probe_video(library.preview(template)).fps == 12
        clip.unlink()  # the library has its own
        until(lambda: library.is_prepared(library.get(template.id)))
        use = library.cache_use()
        assert use.prepared == use.total == 5 and 0 < use.bytes_on_disk < use.max_bytes
        job = studio.submit(JobSpec(SPEECH, template.path, template_id=template.id))
        assert studio.wait_job(job.id, 30).state is JobState.SUCCEEDED
        assert library.get(template.id).use_count == 1
        assert library.cache_use().hits == 1, "the job found it prepared"


def test_the_same_file_is_one_template(tmp_path: Path, clip: Path) -> None:
    with fake_studio(tmp_path / "s", start=False) as studio:
        first = studio.library.add(clip, "One")
        assert studio.library.add(clip, "Two") == first


def test_a_bad_file_leaves_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    with fake_studio(tmp_path / "s", start=False) as studio:
        with pytest.raises(MediaError):
            studio.library.add(bad)
        assert list(studio.settings.library_dir.iterdir()) == []
        assert len(studio.library.all()) == 4


def test_deleting_keeps_the_jobs_that_used_it(tmp_path: Path, clip: Path) -> None:
    with fake_studio(tmp_path / "s", start=False) as studio:
        template = studio.library.add(clip)
        job = studio.submit(JobSpec(SPEECH, template.path, template_id=template.id))
        studio.library.delete(template.id)
        assert list(studio.settings.library_dir.iterdir()) == []
        assert job.spec.template_path.is_file()
        with pytest.raises(TemplateNotFoundError):
            studio.library.get(template.id)
        with pytest.raises(LibraryError):
            studio.library.delete("anna")
        studio.start(wait_for_page=False)
        assert studio.wait_job(job.id, 30).state is JobState.SUCCEEDED


def test_a_template_that_cannot_be_used_says_why(tmp_path: Path, clip: Path) -> None:
    def no_face(stage: Stage) -> None:
        if stage == "template":
            raise NoFaceError("No face was found.")

    with fake_studio(tmp_path / "s", on_stage=no_face) as studio:
        template = studio.library.add(clip)
        until(lambda: bool(studio.library.get(template.id).error_message))
        assert studio.library.get(template.id).error_code == "face_none"
        assert not studio.library.is_prepared(studio.library.get(template.id))


def test_a_template_that_ends_the_process_is_left_alone(tmp_path: Path, clip: Path) -> None:
    with fake_studio(tmp_path / "s", start=False) as studio:
        template_id = studio.library.add(clip).id
    store = TemplateStore(Database(tmp_path / "s" / "data" / "jobs.db"))
    for _ in range(ATTEMPT_LIMIT):
        store.begin(template_id)  # and then the process dies
    with fake_studio(tmp_path / "s") as studio:
        until(lambda: studio.library.is_prepared(studio.library.get("marcus_idle")))
        assert studio.library.get(template_id).look is None
        assert not studio.library.will_prepare(template_id)
        studio.library.prepare(template_id, now=True)  # unless somebody insists
        until(lambda: studio.library.get(template_id).look is not None)


def test_titles_follow_the_reader_until_renamed(tmp_path: Path) -> None:
    with fake_studio(tmp_path / "s", start=False) as studio:
        anna = studio.library.get("anna")
        assert (title_of(anna, "en"), title_of(anna, "zh")) == ("Anna", "安娜")
        studio.library.rename("anna", "  Frau A  ")
        renamed = studio.library.get("anna")
        assert title_of(renamed, "en") == title_of(renamed, "zh") == "Frau A"


FINE = TemplateLook(300.0, 8.0, 0.4, still_frame=0, face_boxes=((0.3, 0.2, 0.6, 0.8),))
TEMPLATE = Template(
    *("id", "", Path("t.mp4"), False, 0.0),
    footage=Footage(1280, 720, Fraction(25), 250, 10.0, is_photo=False),
    face_point=None,
    look=FINE,
    frames_without_face=0,
    asset_key="k",
    attempts=0,
    error_code="",
    error_message="",
    use_count=0,
    used_at=None,
)
PHOTO = Footage(800, 600, Fraction(25), 1, 0.04, is_photo=True)


@pytest.mark.parametrize(
    ("template", "advice"),
    [
        (TEMPLATE, []),
        (replace(TEMPLATE, look=None), []),
        (replace(TEMPLATE, look=replace(FINE, face_width_px=90.0)), [Advice.SMALL_FACE]),
        (replace(TEMPLATE, look=replace(FINE, turned_degrees=31.0)), [Advice.TURNED]),
        (replace(TEMPLATE, frames_without_face=30), [Advice.ABSENT]),
        (replace(TEMPLATE, look=replace(FINE, covered_share=0.3)), [Advice.COVERED]),
        (replace(TEMPLATE, look=replace(FINE, open_share=0.0)), [Advice.IDLE]),
        (replace(TEMPLATE, look=replace(FINE, face_boxes=FINE.face_boxes * 2)), [Advice.SEVERAL_FACES]),
        (
            replace(TEMPLATE, look=replace(FINE, face_boxes=FINE.face_boxes * 2), face_point=(0.5, 0.5)),
            [],
        ),
        (replace(TEMPLATE, footage=Footage(1280, 720, Fraction(15), 45, 3.0, False)), ["short", "low_fps"]),
        (replace(TEMPLATE, footage=PHOTO), []),
    ],
)
def test_advice_fits(template: Template, advice: list[str]) -> None:
    assert list(advice_on(template)) == advice
