"""What the system says of disks, in words for people."""

import errno
import os

import pytest

from data import whole
from data.disk import explained, is_full, problem
from data.errors import DiskError
from tests import disks


@pytest.mark.parametrize(
    ("error", "what", "mend"),
    [
        (OSError(errno.ENOSPC, "No space", "/a/b"), "The disk is full (/a/b).", "Make room"),
        (OSError(errno.EDQUOT, "Quota"), "The disk is full.", "Make room"),
        (OSError(errno.ENOSPC, "No space", "/from", None, "/to"), "The disk is full (/to).", "Make room"),
        (RuntimeError("write failed: No space left on device (os error 28)"), "The disk is full.", "Make room"),
        (OSError(errno.EROFS, "ro", "/a"), "/a can't be opened or written: the disk is read-only.", "WHYRANK_HOME"),
        (PermissionError(errno.EACCES, "no", "/a"), "not allowed to who runs WhyRank", "WHYRANK_HOME"),
        (OSError(errno.EFBIG, "large", "/a"), "/a is larger than is allowed here.", "ulimit"),
        (OSError(errno.EIO, "io", "/a"), "The disk fails (/a).", "system's log"),
    ],
)
def test_what_tells_of_a_disk_is_said_with_its_mend(error, what, mend):
    found = problem(error)
    assert what in found.what and mend in found.mend


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "no", "/a"), ValueError("x"), KeyError("full")])
def test_what_tells_of_something_else_is_left_as_it_is(error):
    assert problem(error) is None
    with pytest.raises(type(error)), explained():
        raise error


def test_torch_s_own_words_count_only_where_the_disk_is_full(tmp_path):
    """It says of any file it can't write that a position is not the expected one."""
    error = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534")
    assert problem(error) is None
    with disks.small(tmp_path / "disk") as disk:
        assert problem(error, disk.path) is None
        disk.fill()
        assert problem(error, disk.path / "not" / "there").what == "The disk is full."
        assert is_full(disk.path)
        disk.make_room()
        assert not is_full(disk.path)


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    place = tmp_path / "version"
    with whole.folder(place) as made:
        (made / "weights").write_text("first")
    with pytest.raises(DiskError), explained(), whole.folder(place) as made:
        (made / "weights").write_text("second")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert (place / "weights").read_text() == "first"
    assert os.listdir(tmp_path) == ["version"]
