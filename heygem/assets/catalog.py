"""What lies in this folder, with its titles. Where it comes from: PROVENANCE.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent
REHEARSAL_CLIP = FOLDER / "warmup.mp4"  # 12 frames, 1280x720: what an engine rehearses on

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class DefaultTemplate:
    """A presenter of the gallery."""

    name: str
    title_en: str
    title_zh: str

    @property
    def video_path(self) -> Path:
        return FOLDER / f"{self.name}.mp4"

    @property
    def thumbnail_path(self) -> Path:
        return FOLDER / f"{self.name}.jpg"


@dataclass(frozen=True, slots=True)
class DefaultSpeech:
    """A recording to try the presenters with."""

    name: str
    title_en: str
    title_zh: str
    language: Language

    @property
    def audio_path(self) -> Path:
        return FOLDER / f"{self.name}.flac"


DEFAULT_TEMPLATES: tuple[DefaultTemplate, ...] = (
    DefaultTemplate("anna", "Anna", "安娜"),
    DefaultTemplate("marcus", "Marcus", "马库斯"),
    DefaultTemplate("anna_idle", "Anna, listening", "安娜（静默）"),
    DefaultTemplate("marcus_idle", "Marcus, listening", "马库斯（静默）"),
)

DEFAULT_SPEECHES: tuple[DefaultSpeech, ...] = (
    DefaultSpeech("speech_zh_female", "Chinese, female voice", "中文女声", "zh"),
    DefaultSpeech("speech_zh_male", "Chinese, male voice", "中文男声", "zh"),
    DefaultSpeech("speech_en_female", "English, female voice", "英文女声", "en"),
    DefaultSpeech("speech_en_male", "English, male voice", "英文男声", "en"),
)
