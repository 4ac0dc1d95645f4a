"""Files that people name are read only where they are files, and only up to a size."""

import errno
import os
import sys
from pathlib import Path

import pytest

from ripieno.paths import read_file

needs_fifos = pytest.mark.skipif(sys.platform == "win32", reason="it has no FIFOs")


@needs_fifos
def test_a_fifo_without_a_writer_is_refused_at_once(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        read_file(path, 10)


@needs_fifos
def test_a_device_is_refused():
    with pytest.raises(OSError, match="not a regular file"):
        read_file(Path("/dev/zero"), 10)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(OSError) as refused:  # noqa: PT011 (Windows names another number)
        read_file(tmp_path, 10)
    assert refused.value.strerror


def test_a_file_is_read_up_to_the_stated_size_and_refused_beyond(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\r\n" * 5)
    assert read_file(path, 10) == b"\r\n" * 5
    with pytest.raises(OSError, match="larger than 9 bytes") as refused:
        read_file(path, 9)
    assert refused.value.errno == errno.EFBIG


def test_a_link_to_a_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"C")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", 10) == b"C"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux' /proc")
def test_a_file_whose_size_is_stated_as_nothing_is_read_whole():
    path = Path("/proc/kallsyms")
    assert path.stat().st_size == 0
    assert len(read_file(path, 1 << 26)) > 1 << 18
