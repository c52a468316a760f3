"""What the system says when files can't be written or read, as errors for people."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import DiskError

NEARLY_NOTHING = 2**20
"""Bytes. With less room than that, a write that failed without saying why failed for lack of room."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_OBSCURE = ("PytorchStreamWriter", "inline_container.cc")
"""How torch speaks of a file that it could not write, for whatever reason."""


def is_full(folder: Path) -> bool:
    """Is there (nearly) no room for anything more in the folder, or in the nearest one above it that is there?"""
    try:
        found = os.statvfs(next(place for place in (folder, *folder.absolute().parents) if place.exists()))
    except OSError:
        return False
    # Some file systems count no files: they say 0 of 0.
    return found.f_bavail * found.f_frsize < NEARLY_NOTHING or (found.f_files > 0 and found.f_favail == 0)


def problem(error: BaseException, folder: Path | None = None) -> DiskError | None:
    """The error for people, where what was raised tells of the disk; None: it tells of something else. `folder`: where
    was written, for libraries that don't say why they could not."""
    text = str(error)
    number, file = None, ""
    if isinstance(error, OSError):
        # Of a copy, the second one is what could not be written.
        number, file = error.errno, str(error.filename2 or error.filename or "")
    lost = folder is not None and any(word in text for word in _OBSCURE) and is_full(folder)
    if number in _FULL or "No space left on device" in text or lost:
        return DiskError(
            f"The disk is full{f' ({file})' if file else ''}.",
            mend="Make room there, then do it again; what was saved before is still there.",
        )
    if number in _REFUSED:
        why = "the disk is read-only" if number == errno.EROFS else "it is not allowed to who runs WhyRank"
        return DiskError(
            f"{file or 'A file'} can't be opened or written: {why}.",
            mend="Give the user who runs WhyRank the right to it, or name another place (WHYRANK_HOME is the home).",
        )
    if number == errno.EFBIG:
        return DiskError(f"{file or 'A file'} is larger than is allowed here.", mend="Raise the limit (ulimit -f).")
    if number == errno.EIO:
        return DiskError(f"The disk fails{f' ({file})' if file else ''}.", mend="Look into the system's log.")
    return None


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the system says of files into errors for people."""
    try:
        yield
    except OSError as error:
        if (known := problem(error)) is None:
            raise
        raise known from error
