"""The options of a job between the page's components and the engine."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.engines.base import LipSyncOptions, Living, LoopMode
from heygem.ui.texts import Language


class Choices(NamedTuple):
    """What the components of `heygem.ui.parts.options_panel` hold, in their order."""

    expressiveness: float
    smile: float
    audio_offset_ms: float
    fps: str
    loop_mode: LoopMode
    quality_crf: int
    visible_label: bool
    living: Living

    def options(self, face_point: tuple[float, float] | None = None) -> LipSyncOptions:
        """For the engine."""
        return LipSyncOptions(
            fps=Fraction(self.fps) if self.fps else None,
            expressiveness=self.expressiveness,
            smile=self.smile,
            audio_offset_ms=round(self.audio_offset_ms),
            loop_mode=self.loop_mode,
            quality_crf=self.quality_crf,
            visible_label=self.visible_label,
            living=self.living,
            face_point=face_point,
        )

    @classmethod
    def of(cls, options: LipSyncOptions) -> "Choices":
        """What the components show for these options."""
        return cls(
            options.expressiveness,
            options.smile,
            options.audio_offset_ms,
            "" if options.fps is None else str(options.fps),
            options.loop_mode,
            options.quality_crf,
            options.visible_label,
            options.living,
        )


def speech_title(path: Path, language: Language) -> str:
    """Demo voices have titles; other recordings have file names."""
    for speech in DEFAULT_SPEECHES:
        if speech.audio_path.stem == path.stem:
            return speech.title_zh if language == "zh" else speech.title_en
    return own_name(path)


def own_name(path: Path) -> str:
    """What the reader calls an uploaded file: browsers send the quotes of its name encoded."""
    return path.stem.replace("%22", '"')
