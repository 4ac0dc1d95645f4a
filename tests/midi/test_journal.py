"""The journal: who can read its file, and what its ring had no room for."""

import functools
import stat
import sys
from pathlib import Path

import pytest

from ripieno.errors import FileError
from ripieno.ipc.block import Block
from ripieno.ipc.ring import Ring
from ripieno.midi import journal
from ripieno.midi.journal import Heard, JournalFile, Lost, encode
from ripieno.midi.recorder import Recorder
from ripieno.music import messages

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")


def lines(*places):
    return [encode(Heard(place, messages.note_on(0, 60, 80))) for place in places]


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


def test_where_lines_were_lost_their_number_is_written_before_the_next():
    ring = Ring(memoryview(bytearray(256)))
    recorder = Recorder(ring)
    wrote = [recorder.write(line) for line in lines(*range(10))]
    kept = wrote.index(False)
    assert ring.read() == lines(*range(kept))
    assert recorder.write(lines(10)[0])
    assert recorder.write(lines(11)[0])
    assert ring.read() == [encode(Lost(10 - kept)), *lines(10, 11)]
    assert recorder.tell_of_loss()
    assert ring.read() == []


def test_a_file_counts_the_lost_entries_and_says_so_once(tmp_path):
    file = JournalFile(tmp_path / "journal.jsonl")
    assert file.write(lines(1, 2)) is None
    assert file.write([*lines(3), encode(Lost(5)), *lines(9)]) == journal.LOSES
    assert file.write([encode(Lost(2)), encode(Lost(1))]) is None
    assert file.lost == 8
    file.close()


def test_what_a_killed_player_could_not_tell_of_the_next_one_tells_first():
    block = Block()
    keep = functools.partial(block.set_word, "unlogged")
    ring = block.ring("journal")
    killed = Recorder(ring, block.word("unlogged"), keep)
    line = b"x" * 1000
    while killed.write(line):
        pass
    assert block.word("unlogged") == 1
    ring.read()
    heir = Recorder(ring, block.word("unlogged"), keep)
    assert heir.write(b"header")
    assert ring.read() == [encode(Lost(1)), b"header"]
    assert block.word("unlogged") == 0
    del ring, killed, heir
    block.close()
