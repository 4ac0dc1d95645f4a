"""The journal: permissions of its file, and entries that did not fit its ring."""

import functools
import stat
import sys
from pathlib import Path
from typing import get_args

import pytest

from ripieno.errors import FileError
from ripieno.files import journal
from ripieno.files.journal import Heard, JournalFile, Lost, encode
from ripieno.files.recorder import Recorder
from ripieno.ipc.block import Block
from ripieno.ipc.ring import Ring
from ripieno.music import messages
from ripieno.protocol import Ready, Reset, Voices
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import Ensemble, SeatSettings
from ripieno.settings.params import Params

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")


def lines(*places):
    return [encode(Heard(place, messages.note_on(0, 60, 80))) for place in places]


SEATS = (
    SeatSettings("solo", {"role": "answer", "channel": 3, "busy": 8.0}),
    SeatSettings("keys", {"role": "keys", "mute": True, "hears": "C2-B3"}, 1),
)
BEGINS = Beginning(
    Params(bpm=90.0), SEATS, controls={"keys.busy": 21}, programs={"solo": ("vary",)}
)
ENTRIES = [
    journal.header(BEGINS, "1.0", b"ledger"),
    Heard(1, messages.note_on(0, 60, 80)),
    journal.Thought(2, Ready("gru", "", "cpu", "here")),
    journal.Thought(2, Voices(7, (60,)), 2),
    journal.Turned(3, Ensemble(Params(bpm=100.0), SEATS[:1])),
    journal.Tick(4),
    journal.Sent(4, messages.note_on(2, 64, 70), 1),
    journal.Sent(4, messages.note_on(0, 60, 80)),
    journal.Told(Reset("answer"), 1, reached=False),
    journal.Told(Reset("accompany")),
    journal.Missed(5),
    journal.Connected(5),
    journal.Released(6),
    Lost(3),
]


def test_every_entry_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "journal.jsonl"
    file = JournalFile(path)
    file.write([encode(entry) for entry in ENTRIES])
    file.close()
    assert list(journal.read(path)) == ENTRIES
    assert {type(entry) for entry in ENTRIES} == set(get_args(journal.Entry))


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
