"""The little of the Hugging Face hub that pulling needs, through huggingface_hub: describe a file, fetch it.

`HF_ENDPOINT` (a mirror), `HF_TOKEN`, `HF_HUB_OFFLINE` and the proxy variables are honoured by that library.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import httpx2
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils.tqdm import tqdm as hub_tqdm

from heygem.errors import PullError


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it. `etag` is the sha256 of large files and a git hash of small ones."""

    repo: str
    path: str
    url: str
    etag: str
    commit: str
    bytes: int


def describe(repo: str, revision: str, path: str) -> RemoteFile:
    """Ask the hub about a file.

    Raises:
        PullError: it cannot be reached, or will not say.
    """
    with _explained(repo, path):
        metadata = get_hf_file_metadata(hf_hub_url(repo, path, revision=revision))
    if metadata.etag is None or metadata.commit_hash is None or metadata.size is None:
        raise PullError(f"{constants.ENDPOINT} is no Hugging Face hub: check HF_ENDPOINT.", repo=repo)
    return RemoteFile(repo, path, metadata.location, metadata.etag, metadata.commit_hash, metadata.size)


def fetch(remote: RemoteFile, part: BinaryIO, on_bytes: Callable[[int], None]) -> None:
    """Append to `part` what it lacks of the file.

    Args:
        on_bytes: told the number of bytes of every piece that arrives.

    Raises:
        PullError: it cannot be fetched now; what came stays in `part`.
        OSError: it cannot be written.
    """
    headers = build_hf_headers(token=_same_host(remote.url))
    with _explained(remote.repo, remote.path):
        http_get(
            remote.url,
            part,
            resume_size=part.tell(),
            headers=headers,
            expected_size=remote.bytes,
            tqdm_class=_reporter(on_bytes),
        )


def _same_host(url: str) -> bool | None:
    """The user's token goes to the hub and to nobody it redirects to."""
    return None if url.startswith(constants.ENDPOINT) else False


def _reporter(on_bytes: Callable[[int], None]) -> Any:
    """A progress bar that draws nothing and tells."""

    class Reporter(hub_tqdm):  # type: ignore[misc, type-arg, unused-ignore]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **(kwargs | {"disable": True}))  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            on_bytes(int(n or 0))
            return None

    return Reporter


@contextmanager
def _explained(repo: str, path: str) -> Iterator[None]:
    """The hub's errors in a sentence."""
    where = f"{path} of {repo}"
    try:
        yield
    except OfflineModeIsEnabled:
        raise PullError(
            f"{where} is not here, and offline mode is on: unset HF_HUB_OFFLINE, or fetch it elsewhere "
            "and run `python -m heygem models import FOLDER`.",
            repo=repo,
        ) from None
    except GatedRepoError as problem:
        raise PullError(
            f"{repo} is given out after registration only: accept its terms at {constants.ENDPOINT}/{repo}, "
            "and set HF_TOKEN.",
            repo=repo,
        ) from problem
    except (RepositoryNotFoundError, EntryNotFoundError) as problem:
        raise PullError(f"{constants.ENDPOINT} has no {where}.", repo=repo) from problem
    except (HfHubHTTPError, httpx2.HTTPError) as problem:
        raise PullError(
            f"{where} could not be fetched from {constants.ENDPOINT} ({type(problem).__name__}): check the "
            "network, or name a mirror in HF_ENDPOINT; the same command then goes on where it stopped.",
            repo=repo,
        ) from problem
