"""A role is a module and a row of `ROLES`. Here are two, outside the package.

`Octaves` answers keys. `Blocks` follows the conductor: it plays with `accompany`.
"""

import mido
import pytest
from tests.accompanied import TWINKLE, names
from tests.command import copy_model, write_tune
from tests.inputs import BEAT as BEAT_NS
from tests.inputs import line
from tests.outputs import hanging

from ripieno.commands.cli import main
from ripieno.conduct.cue import Cue
from ripieno.engine import Engine
from ripieno.errors import SettingsError
from ripieno.music import messages
from ripieno.play.seat import Seat
from ripieno.protocol import Ask, Decide, PlannedNote, Played, ToPlayer
from ripieno.roles.following import Following
from ripieno.roles.performer import Performer
from ripieno.settings import params
from ripieno.settings.beginning import Beginning
from ripieno.settings.ensemble import SeatSettings
from ripieno.settings.params import Params
from ripieno.settings.roles import CONDUCTING, ROLES, Kind, Role
from ripieno.settings.status import Turn
from ripieno.simulation import Simulation
from ripieno.testing import ScriptedDuet, simulate

BEAT = 480
MS = 1_000_000
WOOD_BLOCK, DRUMS = 76, 9


class Octaves(Performer):
    """Plays every key an octave higher, a beat later, for half a beat."""

    turn: Turn = "idle"

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def on_key(self, event: Played) -> None:
        if event.velocity:
            start = self._seat.timeline.ticks_at(event.at_ns) + BEAT
            note = PlannedNote(start, start + BEAT // 2, event.pitch + 12, 64)
            self._seat.schedule([note])

    def clear_plans(self, at_ns: int) -> None:
        self._seat.clear_schedule()
        self._seat.release(at_ns)

    def on_plan(self, at_ns: int, message: ToPlayer) -> bool:
        return at_ns < 0 and bool(message)  # it asks for nothing

    def next_ns(self) -> int | None:
        return None

    def on_thinker_ready(self) -> None: ...
    def on_stop(self, at_ns: int) -> None: ...
    def advance(self, now_ns: int) -> None: ...


class Blocks(Following):
    """Strikes a wood block at every new chord of the conductor."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def on_cue(self, cue: Cue, now_ns: int) -> None:
        if cue.is_new:
            start = max(cue.start_ticks, self._seat.timeline.ticks_at(now_ns))
            note = PlannedNote(start, start + BEAT // 4, WOOD_BLOCK, 90)
            self._seat.schedule([note], at_ns=now_ns)

    def clear_plans(self, at_ns: int) -> None:
        self._seat.clear_schedule()
        self._seat.release(at_ns)


@pytest.fixture(autouse=True)
def row(monkeypatch):
    """The row of the role."""
    role = Role(
        name="octaves",
        help="plays every key an octave higher",
        kind=Kind.ECHO,
        plays=f"{__name__}:Octaves",
        asks=Ask,
        program=11,
    )
    monkeypatch.setitem(ROLES, role.name, role)
    return role


@pytest.fixture
def following_row(monkeypatch):
    """The row of the role that follows."""
    role = Role(
        name="blocks",
        help="strikes a wood block at every new chord",
        kind=Kind.ENSEMBLE,
        plays=f"{__name__}:Blocks",
        model=CONDUCTING,
        asks=Decide,
        follows=True,
    )
    monkeypatch.setitem(ROLES, role.name, role)
    return role


def test_a_new_role_plays_in_simulated_time():  # at one beat a second
    keys = [(0, messages.note_on(0, 60, 80)), (100 * MS, messages.note_off(0, 60))]
    sent = simulate(keys, Params(role="octaves")).sent
    assert [(at_ns // MS, send.data[0] >> 4, send.data[1]) for at_ns, send in sent] == [
        (1000, 9, 72),
        (1500, 8, 72),
    ]


def test_a_new_role_is_rendered_with_the_program_of_its_row(tmp_path):
    tune, target = write_tune(tmp_path / "tune.mid"), tmp_path / "duet.mid"
    model = copy_model(tmp_path, roles=["octaves"])
    given = ["render", tune, "-o", target, "--role=octaves", "--model", model]
    assert main([*map(str, given), "--provider=cpu", "--tail=2"]) == 0
    track = mido.MidiFile(target).tracks[-1]
    struck = [each.note for each in track if each.type == "note_on" and each.velocity]
    assert struck == [72, 74, 76, 77, 79]
    assert [each.program for each in track if each.type == "program_change"] == [11]


def test_the_row_of_a_role_is_enough_for_it_to_be_chosen(row):
    assert params.check(Params(role="octaves")).role == row.name
    with pytest.raises(SettingsError, match="harmonize, octaves"):
        params.check(Params(role="nobody"))


def struck_blocks(sent):
    """When the wood block was struck, in ns."""
    drums = messages.note_on(DRUMS, WOOD_BLOCK, 90)
    return [at_ns for at_ns, send in sent if send.data == drums]


@pytest.mark.usefixtures("following_row")
def test_a_role_that_follows_plays_at_every_new_chord_beside_the_other_seats():
    blocks = SeatSettings("clave", {"role": "blocks", "channel": DRUMS + 1})
    seats = (SeatSettings("pad", {"role": "pad"}), blocks)
    mind = ScriptedDuet()
    engine = Engine(Beginning(Params(role="accompany"), seats=seats, seed=1))
    played = Simulation(engine, mind, ready=ScriptedDuet.ready)
    played.play(line(TWINKLE))
    played.stop()
    chords = names(mind)
    changes = [i for i in chords if chords[i] not in ("-", chords.get(i - 1, "-"))]
    assert len(changes) > 3
    found = [at_ns // BEAT_NS for at_ns in struck_blocks(played.sent)]
    assert found[: len(changes)] == changes
    assert len(found) <= len(changes) + 1  # the last beat is not told any more
    assert {messages.channel_of(send.data) for _, send in played.sent} == {0, DRUMS}
    assert not hanging(played.sent)


@pytest.mark.usefixtures("following_row")
def test_a_role_that_follows_is_rendered_on_a_track_of_its_own(tmp_path):
    tune, target = write_tune(tmp_path / "tune.mid", 2), tmp_path / "duet.mid"
    seats = ["--seat=pad role=pad", "--seat=clave role=blocks channel=10"]
    given = ["render", tune, "-o", target, "--listen=0", *seats, "--provider=cpu"]
    assert main([*map(str, given), "--tail=2"]) == 0
    tracks = {track.name: track for track in mido.MidiFile(target).tracks}
    struck = [
        (each.channel, each.note)
        for each in tracks["Ripieno clave"]
        if each.type == "note_on" and each.velocity
    ]
    assert struck
    assert set(struck) == {(DRUMS, WOOD_BLOCK)}
    assert "Ripieno pad" in tracks
