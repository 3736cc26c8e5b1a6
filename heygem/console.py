"""What the commands say in the terminal: lines, tables, progress. The only place that writes there."""

import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO


def say(text: str = "") -> None:
    """A line of the command's result, on the standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """A line that is no result, on the standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, a rule under the header, no blanks at line ends."""
    widths = [max(map(display_width, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [
        "  ".join(cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True))
        for row in (header, rule, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def display_width(text: str) -> int:
    """Terminal columns: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def byte_size(count_bytes: int) -> str:
    """Bytes for people, such as 34.9 MB or 25.3 GB."""
    return f"{count_bytes / 1e9:.1f} GB" if count_bytes >= 1e9 else f"{count_bytes / 1e6:.1f} MB"


class ProgressLine:
    """One line that changes in place on a terminal; elsewhere, a line each time `headline` changes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._headline = ""
        self._width = 0

    def show(self, headline: str, figures: str = "") -> None:
        """Say what goes on (`headline`) and how far it is (`figures`)."""
        if self._stream.isatty():
            line = f"{headline} {figures}".rstrip()
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        elif headline != self._headline:
            self._stream.write(headline + "\n")
        self._headline = headline
        self._stream.flush()

    def close(self) -> None:
        """Leave the line, so that what follows starts on its own."""
        if self._width:
            self._stream.write("\n")
            self._width = 0
