"""What the commands that make videos have in common."""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import get_args

from heygem.engines.base import LipSyncOptions, Living, LoopMode
from heygem.errors import SettingsError


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Flags for `LipSyncOptions`."""
    parser.add_argument(
        "--fps", type=_rate, help="frames per second, such as 25 or 30000/1001 (default: template's)"
    )
    parser.add_argument("--expressiveness", type=float, default=1.0, help="of the mouth, 0.5 to 1.5")
    parser.add_argument("--smile", type=float, default=0.0, help="added to the whole video, 0 to 1")
    parser.add_argument("--audio-offset-ms", type=int, default=0, help="positive: the mouth moves later")
    parser.add_argument(
        "--loop-mode", choices=get_args(LoopMode), default="pingpong", help="when speech is longer"
    )
    parser.add_argument(
        "--living", choices=get_args(Living), default="auto", help="photos: blinks and slight head motion"
    )
    parser.add_argument("--visible-label", action="store_true", help="write “AI generated” on the picture")
    parser.add_argument("--crf", type=int, default=18, help="x264 quality, 10 (large) to 32 (small)")


def engine_options(arguments: argparse.Namespace) -> LipSyncOptions:
    """What the flags ask for."""
    return LipSyncOptions(
        fps=arguments.fps,
        expressiveness=arguments.expressiveness,
        smile=arguments.smile,
        audio_offset_ms=arguments.audio_offset_ms,
        loop_mode=arguments.loop_mode,
        living=arguments.living,
        visible_label=arguments.visible_label,
        quality_crf=arguments.crf,
    )


def check_inputs(*paths: Path) -> None:
    """Raise SettingsError unless each of them is a file."""
    for path in paths:
        if path.is_dir():
            raise SettingsError(f"{path} is a folder: give the path of a file.")
        if not path.exists():
            raise SettingsError(f"The file {path} is not there: check the path.")


def _rate(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is no frame rate") from None
