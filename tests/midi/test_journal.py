"""The journal: who can read its file."""

import stat
import sys
from pathlib import Path

import pytest

from ripieno.errors import FileError
from ripieno.midi.journal import JournalFile

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")


@posix
@pytest.mark.parametrize("mode_before", [None, 0o644], ids=["new", "there already"])
def test_only_its_owner_reads_a_journal(tmp_path, mode_before):
    path = tmp_path / "journal.jsonl"
    if mode_before is not None:
        path.write_text("an older one, much longer than what comes")
        path.chmod(mode_before)
    file = JournalFile(path)
    assert file.write([b"1", b"2"]) is None
    file.close()
    assert path.read_bytes() == b"1\n2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_device_is_no_place_for_a_journal():
    with pytest.raises(FileError, match=r"/dev/null: it is not a regular file"):
        JournalFile(Path("/dev/null"))


def test_a_link_to_a_file_is_written_through(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    link.symlink_to(target)
    file = JournalFile(link)
    file.write([b"1"])
    file.close()
    assert target.read_bytes() == b"1\n"
