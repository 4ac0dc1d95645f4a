"""`MemoryPort` keeps the contract of `Port`."""

from ripieno.clock import SimulatedClock
from ripieno.ports.memory import MemoryPort
from ripieno.ports.ports import IN, OUT, Heard, Port


def test_it_is_a_port_with_the_usual_names() -> None:
    port: Port = MemoryPort(SimulatedClock(5))
    assert (port.name_in, port.name_out) == (IN, OUT) == ("Ripieno In", "Ripieno Out")


def test_what_is_fed_is_received_once_and_in_order() -> None:
    port = MemoryPort(SimulatedClock(5))
    port.feed(b"\x90\x3c\x40", b"\x80\x3c\x00")
    assert port.receive() == [
        Heard(5, b"\x90\x3c\x40"),
        Heard(5, b"\x80\x3c\x00"),
    ]
    assert port.receive() == []


def test_what_is_sent_is_taken_once_and_in_order() -> None:
    port = MemoryPort(SimulatedClock(5))
    port.send(b"\x90\x3c\x40", 0)
    port.send(b"\x80\x3c\x00", 0)
    assert port.taken() == [b"\x90\x3c\x40", b"\x80\x3c\x00"]
    assert port.taken() == []


def test_a_dead_port_sends_and_receives_nothing() -> None:
    port = MemoryPort(SimulatedClock(5))
    port.close()
    port.feed(b"\x90\x3c\x40")
    port.send(b"\x90\x3c\x40", 0)
    assert not port.alive()
    assert (port.receive(), port.taken()) == ([], [])
    port.close()
