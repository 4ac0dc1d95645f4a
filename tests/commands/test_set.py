"""`ripieno set` as a process: what it prints, and its errors in one sentence.

The daemon is simulated: this process announces itself and a thread applies the changes.
`tests/commands/test_live_set.py` has a real daemon.
"""

import os
import threading

import msgspec
import pytest
from tests.command import assert_sentence, ripieno
from tests.tables import NAMES

from ripieno.files.midi import Track, write_performance
from ripieno.ipc import notes, presence
from ripieno.ipc.block import Block
from ripieno.ipc.presence import Presence
from ripieno.settings.ensemble import Ensemble, SeatSettings, changed
from ripieno.settings.params import Params, parse

pytestmark = pytest.mark.process

SETTING, FILE, PORT = 2, 3, 5


class Playing:
    """A daemon that plays nothing: it shows its settings, and takes changes."""

    def __init__(self, folder, name_in="Ripieno In", *, pid, version=None, deaf=False):
        self.block, self.ensemble = Block(), Ensemble()
        self._show(0)
        self._path = folder / f"{pid}.json"
        here = Presence(pid, self.block.name, name_in, "Ripieno Out")
        if version is not None:
            here = msgspec.structs.replace(here, version=version)
        self._path.write_bytes(msgspec.json.encode(here))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._take)
        if not deaf:
            self._thread.start()

    @property
    def params(self):
        return self.ensemble.params

    def _show(self, taken):
        self.block.shown.write(notes.encode_shown(notes.Shown(self.ensemble, taken)))

    def _take(self):
        taken = 0
        while not self._end.wait(0.002):
            for record in self.block.ring("knobs").read():
                taken += 1
                self.ensemble = changed(self.ensemble, notes.decode_change(record))
                self._show(taken)

    def close(self):
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.block.close()
        self._path.unlink(missing_ok=True)


@pytest.fixture
def runtime_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return presence.folder()


@pytest.fixture
def playing(runtime_dir):
    """Start one: `playing(pid=…)`; a number of a process that runs."""
    there: list[Playing] = []

    def start(**how):
        there.append(Playing(runtime_dir, **how))
        return there[-1]

    yield start
    for each in there:
        each.close()


@pytest.fixture
def pids():
    """The numbers of two processes that surely run: this one, and who started it."""
    return os.getpid(), os.getppid()


def test_set_without_words_lists_every_parameter(playing, pids):
    playing(pid=pids[0])
    done = ripieno("set")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split(" = ")[0] for line in lines] == [
        name.replace("_", "-") for name in NAMES
    ]
    assert f"lead = {Params().lead}" in lines
    assert "thru = no" in lines


def test_set_prints_each_change_and_the_daemon_takes_it(playing, pids):
    daemon = playing(pid=pids[0])
    done = ripieno("set", "lead=0.5", "chord-lock=C F G7", "role=harmonize", "bpm=120")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"lead = 0.5 (was {Params().lead})",
        "chord-lock = C F G7 (was (none))",
        "role = harmonize (was answer)",
        f"bpm = {Params().bpm}",
    ]
    assert daemon.params == Params(role="harmonize", lead=0.5, chord_lock="C F G7")


def test_set_does_not_remove_the_daemons_shared_memory(playing, pids):
    daemon = playing(pid=pids[0])
    for lead in ("0.1", "0.2", "0.3"):
        assert ripieno("set", f"lead={lead}").returncode == 0
    assert daemon.params.lead == 0.3
    Block(daemon.block.name).close()


@pytest.mark.slow
def test_changes_by_several_processes_at_once_are_all_taken(playing, pids):
    daemon = playing(pid=pids[0])
    words = ("lead=0.5", "swing=1", "low=40", "bpm=90")
    done = []
    threads = [
        threading.Thread(target=lambda word=word: done.append(ripieno("set", word)))
        for word in words
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.stderr for each in done] == [""] * 4
    assert daemon.params == Params(lead=0.5, swing=1.0, low=40, bpm=90.0)


@pytest.mark.parametrize("mark", ["@", ""])
@pytest.mark.slow
def test_a_chart_comes_from_a_file_and_brings_its_meter(playing, pids, tmp_path, mark):
    daemon = playing(pid=pids[0])
    song = tmp_path / "song.txt"
    song.write_text("title: Waltz\nmeter: 3/4\n| C | G7 . C |\n")
    done = ripieno("set", f"chart={mark}{song}")
    assert (done.returncode, done.stderr) == (0, "")
    assert daemon.params.meter == "3/4"
    chart = parse(daemon.params).chart
    assert chart is not None
    assert (chart.title, len(chart.entries)) == ("Waltz", 3)


def test_in_with_several_daemons_changes_the_one_on_that_port(playing, pids):
    here, there = playing(pid=pids[0]), playing(pid=pids[1], name_in="Organ In")
    assert ripieno("set", "--in", "Organ In", "lead=1").returncode == 0
    assert (here.params.lead, there.params.lead) == (Params().lead, 1.0)


# ── what can be wrong ────────────────────────────────────────────────────────────────


def test_set_without_a_running_daemon_is_refused(runtime_dir):
    del runtime_dir
    for words in ([], ["lead=0.5"], ["--in", "Organ In"]):
        done = ripieno("set", *words)
        assert_sentence(done, PORT, "No Ripieno plays here", "`ripieno play`")


def test_set_with_several_daemons_asks_for_a_port_name(playing, pids):
    playing(pid=pids[0])
    playing(pid=pids[1], name_in="Organ In")
    done = ripieno("set", "lead=0.5")
    assert_sentence(done, SETTING, "2 Ripienos", "'Organ In'", "'Ripieno In'", "--in")


def test_set_with_several_daemons_on_one_port_name_is_refused(playing, pids):
    playing(pid=pids[0])
    playing(pid=pids[1])
    done = ripieno("set", "--in", "Ripieno In")
    assert_sentence(done, SETTING, "2 Ripienos", "`ripieno play --in NAME`")


def test_in_with_an_unknown_port_lists_the_ports_there_are(playing, pids):
    playing(pid=pids[0])
    done = ripieno("set", "--in", "Organ In", "lead=0.5")
    assert_sentence(done, SETTING, "'Organ In'", "there is: 'Ripieno In'")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("lead", ["'lead' is no setting", "name=value"]),
        ("loudness=3", ["'loudness' is no setting", "chord-lock"]),
        ("seed=3", ["seed holds from start to end", "ripieno play --seed"]),
        ("lead=loud", ["lead is 'loud'", "between 0.0 and 1.0"]),
        ("low=3.5", ["low is '3.5'", "a whole number between 0 and 127"]),
        (
            "role=sing",
            ["role is 'sing'", "answer, continue, vary, accompany, pad, bass, keys"],
        ),
        ("click=loud", ["click is 'loud'", "yes or no"]),
        ("scale=@9", ["scale is not read from a file", "chart=@FILE"]),
    ],
)
@pytest.mark.slow
def test_a_malformed_word_is_refused_without_a_daemon(runtime_dir, word, words):
    del runtime_dir
    assert_sentence(ripieno("set", word), SETTING, *words)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("lead=2", ["lead is 2.0", "between 0.0 and 1.0"]),
        ("bpm=nan", ["bpm is nan", "between 20.0 and 400.0"]),
        ("low=99", ["low is 99 and high is 96"]),
        ("commit=3", ["commit is 3", "0, 1, 2, 4"]),
        ("scale=H dur", ["scale", "'H dur'"]),
        ("meter=4/5", ["meter"]),
        ("chord-lock=C H", ["chord_lock", "'H'"]),
        ("chart=C@x", ["chart", "C@9"]),
        ("chart=| H |", ["chart", "line 1", "'H'"]),
        ("chart=" + "| C E7 Am F " * 3000, ["chart", "longer than"]),
        ("parts=drums", ["parts", "'drums'"]),
        ("manner=loud", ["manner", "'loud'", "learned"]),
    ],
    ids=lambda value: value[:16] if isinstance(value, str) else "",
)
@pytest.mark.slow
def test_a_value_out_of_bounds_is_refused_and_changes_nothing(
    playing, pids, word, words
):
    daemon = playing(pid=pids[0])
    assert_sentence(ripieno("set", "lead=0.9", word), SETTING, *words)
    assert daemon.params == Params()


def test_a_chart_that_is_too_long_for_the_ring_is_refused(playing, pids, tmp_path):
    playing(pid=pids[0])
    song = tmp_path / "long.txt"
    song.write_text("| C#m7b5 D#m7b5 Em7b5 F#m7b5 " * 1999 + "|\n")
    done = ripieno("set", f"chart=@{song}")
    assert_sentence(done, SETTING, "too long", "shorten the chart")


@pytest.mark.slow
def test_a_chart_file_that_is_missing_or_has_no_chords_is_refused(
    playing, pids, tmp_path
):
    playing(pid=pids[0])
    missing = tmp_path / "nowhere.txt"
    done = ripieno("set", f"chart=@{missing}")
    assert_sentence(done, FILE, missing, "No such file")
    tune = tmp_path / "tune.mid"
    write_performance(tune, [Track("Piano", ((0, b"\x90\x3c\x40"),))])
    assert_sentence(ripieno("set", f"chart=@{tune}"), FILE, tune, "no chords")


def test_a_daemon_of_another_version_is_refused(playing, pids):
    playing(pid=pids[0], version="0.0.1")
    assert_sentence(ripieno("set"), PORT, "is 0.0.1", "start it again")


def test_a_dead_daemon_whose_pid_was_reused_is_passed_over(playing, pids):
    dead = playing(pid=pids[0], deaf=True)
    dead.block.close()
    dead.block = Block()
    assert_sentence(ripieno("set"), PORT, "No Ripieno plays here")
    playing(pid=pids[1], name_in="Organ In")
    assert ripieno("set", "lead=1").returncode == 0


@pytest.mark.slow
def test_a_player_that_does_not_answer_is_reported_within_two_seconds(playing, pids):
    playing(pid=pids[0], deaf=True)
    done = ripieno("set", "lead=0.5")
    assert_sentence(done, PORT, "within 2 s", "when it plays again")


def test_a_runtime_folder_that_others_may_write_in_is_refused(runtime_dir):
    runtime_dir.chmod(0o777)
    assert_sentence(ripieno("set"), FILE, runtime_dir, "not a folder of yours alone")


@pytest.mark.parametrize(
    ("word", "params", "read"),
    [
        ("land=C@9", Params(chart="C@9"), "chart = C@9"),
        ("density=6", Params(busy=12.0), "busy = 12.0"),
        ("fill=0", Params(busy=8.0), "busy = 8.0"),
    ],
)
@pytest.mark.slow
def test_a_merged_name_changes_what_it_was_merged_into(
    playing, pids, word, params, read
):
    daemon = playing(pid=pids[0])
    done = ripieno("set", word)
    old, new = word.partition("=")[0], read.partition(" ")[0]
    assert done.stderr == f"{old} is now called {new}; it was read as {read}.\n"
    assert daemon.params == params


def test_set_reads_and_shows_auto(playing, pids):
    daemon = playing(pid=pids[0])
    assert ripieno("set", "busy=6", "phrase=4").returncode == 0
    done = ripieno("set", "busy=auto", "phrase=0", "thick=none", "chart=C@9")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "busy = auto (was 6.0)",
        "phrase = none (was 4)",
        "thick = auto",
        "chart = C@9 (was (none))",
    ]
    assert daemon.params == Params(chart="C@9")


def test_an_old_name_changes_the_parameter_and_a_sentence_gives_the_new_name(
    playing, pids
):
    daemon = playing(pid=pids[0])
    done = ripieno("set", "style=pop")
    assert done.returncode == 0
    assert done.stderr == "style is now called texture; it was read as texture = pop.\n"
    assert done.stdout.splitlines() == ["texture = pop (was auto)"]
    assert daemon.params == Params(texture="pop")


# ── seats ─────────────────────────────────────────────────────────────────────────────


def test_a_word_with_the_name_of_a_seat_changes_that_seat_alone(playing, pids):
    daemon = playing(pid=pids[0])
    ripieno("set", "role=accompany")
    done = ripieno("set", "keys.busy=8", "busy=3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "keys.busy = 8.0 (was auto)",
        "busy = 3.0 (was auto)",
    ]
    busy = {name: params.busy for name, params in daemon.ensemble.seated().items()}
    assert busy == {"pad": 3.0, "bass": 3.0, "keys": 8.0}
    assert "keys.busy = 8.0" in ripieno("set").stdout.splitlines()


def test_seats_are_added_listed_and_removed_while_it_plays(playing, pids):
    daemon = playing(pid=pids[0])
    assert ripieno("seat").stdout == "solo: answer on channel 1\n"
    done = ripieno("seat", "add", "echo", "role=harmonize", "channel=4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "solo: answer on channel 1",
        "echo: harmonize on channel 4",
    ]
    assert daemon.ensemble.seats[1] == SeatSettings(
        "echo", {"role": "harmonize", "channel": 4}
    )
    ripieno("set", "echo.mute=yes")
    assert ripieno("seat", "remove", "solo").stdout == (
        "echo: harmonize on channel 4, muted\n"
    )
    assert list(daemon.ensemble.seated()) == ["echo"]


def test_a_seat_on_the_channel_of_another_is_added_with_a_warning(playing, pids):
    playing(pid=pids[0])
    done = ripieno("seat", "add", "echo", "role=harmonize", "channel=1")
    assert done.returncode == 0
    assert done.stderr.startswith("The seats solo and echo play on channel 1: a note")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "lute.busy=8"), ["no seat 'lute'", "there are: solo"]),
        (("set", "solo.bpm=90"), ["solo.bpm is the same for all seats"]),
        (("set", "solo.busy=99"), ["seat solo: busy is 99.0"]),
        (("set", "solo.tune=3"), ["'tune' is no setting"]),
        (("seat", "add"), ["name the seat to add"]),
        (("seat", "add", "solo"), ["two seats are called 'solo'"]),
        (("seat", "add", "Solo"), ["'Solo' is no name of a seat"]),
        (("seat", "add", "echo", "loud"), ["'loud' is no setting", "name=value"]),
        (("seat", "remove", "lute"), ["no seat 'lute'"]),
        (("seat", "remove", "solo"), ["solo is the only seat; mute it instead"]),
    ],
    ids=lambda value: " ".join(value)[:20] if isinstance(value, tuple) else "",
)
@pytest.mark.slow
def test_an_impossible_change_of_seats_is_refused_and_changes_nothing(
    playing, pids, words, says
):
    daemon = playing(pid=pids[0])
    assert_sentence(ripieno(*words), SETTING, *says)
    assert daemon.ensemble == Ensemble()
