"""Every flag of the commands that make videos arrives in the options of the job."""

import argparse
from fractions import Fraction

from heygem.cli_options import add_engine_options, engine_options
from heygem.engines.base import LipSyncOptions


def parsed(line: str) -> LipSyncOptions:
    parser = argparse.ArgumentParser()
    add_engine_options(parser)
    return engine_options(parser.parse_args(line.split()))


def test_without_flags_options_are_the_usual_ones() -> None:
    assert parsed("") == LipSyncOptions()


def test_each_flag_arrives() -> None:
    line = "--fps 30000/1001 --expressiveness 1.2 --smile 0.4 --audio-offset-ms -40"
    assert parsed(f"{line} --loop-mode loop --living off --crf 14 --visible-label") == LipSyncOptions(
        fps=Fraction(30000, 1001),
        expressiveness=1.2,
        smile=0.4,
        audio_offset_ms=-40,
        loop_mode="loop",
        living="off",
        quality_crf=14,
        visible_label=True,
    )
