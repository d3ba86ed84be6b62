"""Files of the Hugging Face Hub: `hf://datasets/ORG/NAME[@REVISION]/path`.

They are read by the file system of `huggingface_hub`. That package raises errors of its own for
what is not there or cannot be reached, some without an errno, which here would mean that a file's
format is broken. They become errors a person can act on.
"""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from transforms.errors import ConfigError, UserError

_BUFFER_BYTES = 1 << 17
_SHOWN = 200
_FORBIDDEN = (401, 403)


def is_hub(path: str) -> bool:
    return path.startswith("hf://")


@contextlib.contextmanager
def errors(path: str) -> Iterator[None]:
    """Raises UserError or ConfigError, naming the path, in place of what the Hub's package raises.

    Other paths: nothing changes.
    """
    if not is_hub(path):
        yield
        return
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        found = _error_of(error, path)
        if found is None:
            raise
        raise found from error


def check_repository(fs: Any, path: str) -> None:
    """Raises where a path names no repository and revision that is there.

    Else a listing would only be empty.
    """
    if hasattr(fs, "resolve_path"):
        fs.resolve_path(path)


def open_file(fs: Any, inner: str, path: str) -> BinaryIO:
    with errors(path):
        return io.BufferedReader(_File(fs.open(inner, "rb"), path), _BUFFER_BYTES)


class _File(io.RawIOBase):
    """A file of the Hub whose errors are those of `errors`."""

    def __init__(self, file: Any, path: str):
        self._file = file
        self._path = path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with errors(self._path):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _error_of(error: Exception, path: str) -> UserError | None:
    """What to raise in place of an error.

    None for a file that is not there in a repository that is, an error like that of any disk.
    """
    from huggingface_hub import constants, errors

    causes = list(_causes(error))
    status = next(
        (
            found
            for cause in causes
            if (found := getattr(getattr(cause, "response", None), "status_code", None))
        ),
        None,
    )
    page = "/".join(path.removeprefix("hf://").split("@")[0].split("/")[:3])

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if has(errors.GatedRepoError):
        remedy = (
            f"accept its terms at {constants.ENDPOINT}/{page}, "
            "and set HF_TOKEN to a token of that account"
        )
        return ConfigError(
            "the dataset is gated, and this account may not read it", where=path, remedy=remedy
        )
    if has(errors.RepositoryNotFoundError) or status in _FORBIDDEN:
        remedy = (
            "check its name, hf://datasets/ORG/NAME/path; for a private or gated one set HF_TOKEN"
        )
        return ConfigError(
            "there is no such repository on the Hub, or it is private", where=path, remedy=remedy
        )
    if has(errors.RevisionNotFoundError):
        return ConfigError(
            "the repository has no such revision",
            where=path,
            remedy="name a branch, tag or commit after the @",
        )
    if has(errors.OfflineModeIsEnabled):
        remedy = "unset HF_HUB_OFFLINE, or name a folder with a copy of the files"
        return UserError("the Hub is not asked in offline mode", where=path, remedy=remedy)
    if status is not None:
        return UserError(
            f"the Hub answered {status}: {_line(error)}",
            where=path,
            remedy="run again later to resume",
        )
    if isinstance(error, FileNotFoundError):
        return None
    if has(ValueError, NotImplementedError, TypeError) or isinstance(error, KeyError):
        remedy = (
            "write hf://datasets/ORG/NAME/path, with @REVISION after the name if not the main one"
        )
        return ConfigError(f"this is no path of the Hub: {_line(error)}", where=path, remedy=remedy)
    remedy = (
        f"check the network and HF_ENDPOINT (it is {constants.ENDPOINT}), then run again to resume"
    )
    return UserError(f"the Hub cannot be reached: {_line(error)}", where=path, remedy=remedy)


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
