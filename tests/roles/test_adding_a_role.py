"""A role is a module and a row of `ROLES`: `Octaves` is both, outside the package."""

import mido
import pytest
from tests.command import copy_model, write_tune

from ripieno.commands.cli import main
from ripieno.errors import SettingsError
from ripieno.music import messages
from ripieno.play.seat import Seat
from ripieno.protocol import Ask, PlannedNote, Played, ToPlayer
from ripieno.roles.performer import Performer
from ripieno.settings import params
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES, Kind, Part, Role
from ripieno.settings.status import Turn
from ripieno.testing import simulate

BEAT = 480
MS = 1_000_000


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


@pytest.fixture(autouse=True)
def row(monkeypatch):
    """The row of the role."""
    role = Role(
        name="octaves",
        help="plays every key an octave higher",
        kind=Kind.ECHO,
        plays=f"{__name__}:Octaves",
        asks=Ask,
        parts=(Part(program=11),),
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
