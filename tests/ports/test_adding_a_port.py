"""A port is a class with the methods of `Port`: `Cable` is one, outside the package.

It is the worked example of CONTRIBUTING.md. The tests let a player play through it.
"""

from ripieno.clock import NS_PER_MS, SimulatedClock
from ripieno.engine import Engine
from ripieno.music import messages
from ripieno.ports.ports import Heard, Port
from ripieno.processes.player import Player
from ripieno.settings.beginning import Beginning
from ripieno.settings.params import Params


class Cable:
    """A cable to another program: what comes in is stamped, what goes out leaves."""

    name_in, name_out = "Cable In", "Cable Out"
    reach_ns = answer_ns = gaps_heard = 0
    is_woken = False

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._arrived: list[Heard] = []
        self._is_open = True
        self.left: list[bytes] = []

    def arrive(self, data: bytes) -> None:
        self._arrived.append(Heard(self._clock.now_ns(), data))

    def heard_until(self, now_ns: int) -> int:
        return now_ns

    def receive(self) -> list[Heard]:
        arrived, self._arrived = self._arrived, []
        return arrived

    def send(self, message: bytes, due_ns: int) -> None:
        if self._is_open and due_ns >= 0:
            self.left.append(message)

    def wait(self, until_ns: int) -> None:
        self._clock.wait_until(until_ns)

    def alive(self) -> bool:
        return self._is_open

    def close(self) -> None:
        self._is_open = False

    def wake_by(self, descriptor: int) -> None: ...
    def check(self) -> None: ...


class Nobody:
    """The end of a ring at which no thinker and no supervisor is."""

    def read(self) -> list[bytes]:
        return []

    def write(self, payload: bytes) -> bool:
        return bool(payload)


def test_a_player_plays_through_a_new_port():
    clock, nobody = SimulatedClock(), Nobody()
    cable = Cable(clock)
    port: Port = cable
    engine = Engine(Beginning(Params(thru=True), start_ns=clock.now_ns()))
    player = Player(port, engine, clock, inbox=nobody, outbox=nobody, log=nobody)
    keys = [messages.note_on(0, 60, 80), messages.note_off(0, 60)]
    for data in keys:
        cable.arrive(data)
        player.turn()
        port.wait(clock.now_ns() + NS_PER_MS)
    assert cable.left == keys


def test_a_player_ends_its_notes_through_a_new_port():
    clock, nobody = SimulatedClock(), Nobody()
    cable = Cable(clock)
    engine = Engine(Beginning(Params(thru=True), start_ns=clock.now_ns()))
    player = Player(cable, engine, clock, inbox=nobody, outbox=nobody, log=nobody)
    cable.arrive(messages.note_on(0, 60, 80))
    player.turn()
    player.release()
    assert messages.is_note_off(cable.left[-1])
    cable.close()
    cable.arrive(messages.note_on(0, 62, 80))
    player.turn()
    assert len(cable.left) == 2
