"""A pair of virtual MIDI ports by rtmidi: ALSA, JACK, CoreMIDI, or Windows' ports.

This is the only file that imports `rtmidi`. Its wheel brings a libjack of its own,
which talks to jackd but not to PipeWire. Decisions, all of them measured:

* the input is polled, with a large queue, and has no callback. So the GIL stays out of
  the server's thread, and 0 of 5 000 notes are lost under any load;
* on JACK the full port names are ``Ripieno In:Ripieno In`` and
  ``Ripieno Out:Ripieno Out``. rtmidi makes a client for each direction, and JACK
  silently renames the second of two clients with one name (to ``Ripieno-01``). With
  two names, both are the same after every start, and a session manager finds them again
  (the names of a killed owner are free after 50 ms);
* on JACK a `Sentinel` watches the server and holds the name, and a `JackGuard` keeps
  a send from waiting for ever;
* on JACK a pair is used only after it has received its own message. If a short-lived
  client (one `jack_lsp`) opens and closes while our second client opens, libjack may
  give ours the dead semaphore of the other. Our client then never runs, and the whole
  graph has xruns (11 of 25 starts beside a loop of `jack_lsp`, jackd2 1.9.21). Opening
  it again helps.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final, Literal

from ripieno.clock import Clock, SystemClock
from ripieno.errors import PortError
from ripieno.ports.jack_guard import JackGuard
from ripieno.ports.jack_server import Sentinel, keep_for_ever
from ripieno.ports.parser import Parser
from ripieno.ports.ports import CLIENT, IN, OUT, Heard, name_on_jack
from ripieno.ports.sounding import Sounding

RtMidiBackend = Literal["alsa", "rtmidi-jack", "coremidi", "windows"]

POLL_NS: Final = 500_000
"""How often the input is read: it costs some 5 % of a core, and adds 0.25 ms at the
median. rtmidi itself wakes no thread."""

QUEUE_MESSAGES: Final = 16_384
"""rtmidi's default of 1 024 loses half of a burst of 2 000."""
QUEUE_HOLDS: Final = QUEUE_MESSAGES - 1
"""So many messages fill the queue. rtmidi drops later ones, and reports that on
standard error alone."""

_SELF_TEST: Final = b"\xf0\x7dRipieno\xf7"
"""A system exclusive message with the number for experiments: no instrument obeys."""
_SELF_TEST_PERIODS: Final = 12
"""Two or three are enough if the client runs at all."""
_ATTEMPTS: Final = 5

_API: Final[dict[RtMidiBackend, str]] = {
    "alsa": "API_LINUX_ALSA",
    "rtmidi-jack": "API_UNIX_JACK",
    "coremidi": "API_MACOSX_CORE",
    "windows": "API_WINDOWS_MM",
}
_REMEDY: Final[dict[RtMidiBackend, str]] = {
    "alsa": "load the ALSA sequencer (modprobe snd-seq), or start JACK",
    "rtmidi-jack": "start jackd; PipeWire's JACK needs its libjack preloaded (pw-jack)",
    "coremidi": "look at the MIDI setup in Audio MIDI Setup",
    "windows": "make two ports with loopMIDI or Windows MIDI Services",
}


class RtMidiPort:
    """A `Port` that other programs see; opened by its constructor. Thread: one.

    Attributes:
        gaps_heard: how often the queue was found full.
        sentinel: on JACK, the client that watches the server; else None.
    """

    def __init__(
        self,
        backend: RtMidiBackend,
        in_name: str = IN,
        out_name: str = OUT,
        clock: Clock | None = None,
    ) -> None:
        """Open both.

        Args:
            backend: which of the system's MIDI servers.
            in_name: the input's name; on Windows a part of an existing port's name.
            out_name: the output's name; likewise.
            clock: stamps what arrives; the system's if None.

        Raises:
            PortError: the library, the server or a Windows port is missing, or a name
                is in use.
        """
        self.name_in, self.name_out = in_name, out_name
        self.reach_ns = self.answer_ns = self.gaps_heard = 0
        self.is_woken = self._lost = self._closed = False
        self.sentinel: Sentinel | None = None
        self._clock = clock or SystemClock()
        self._guard: JackGuard | None = None
        self._parser, self._sounding = Parser(), Sounding()
        if backend == "rtmidi-jack":
            self.name_in, self.name_out = map(name_on_jack, (in_name, out_name))
            self._open_on_jack(in_name, out_name)
            return
        if backend != "windows":
            sources, destinations = list_ports(backend)
            _refuse_a_name_in_use(in_name, destinations)
            _refuse_a_name_in_use(out_name, sources)
        self._in, self._out = _open_pair(backend, in_name, out_name)

    def heard_until(self, now_ns: int) -> int:
        """Return *now_ns*: a message is stamped when it is received."""
        return now_ns

    def receive(self) -> list[Heard]:
        """Return all complete messages, oldest first, stamped with the present time."""
        messages: list[bytes] = []
        if not self.alive():
            return []
        n_waiting = 0
        while (waiting := self._in.get_message()) is not None:
            n_waiting += 1
            messages += self._parser.feed(bytes(waiting[0]))
        self.gaps_heard += n_waiting >= QUEUE_HOLDS
        if not messages:
            return []
        now_ns = self._clock.now_ns()
        return [Heard(now_ns, message) for message in messages]

    def wake_by(self, descriptor: int) -> None:
        """Do nothing: `wait` cannot wait for a descriptor here."""

    def wait(self, until_ns: int) -> None:
        """Sleep until a time, or until it is time to look again."""
        self._clock.wait_until(min(until_ns, self._clock.now_ns() + POLL_NS))

    def send(self, message: bytes, due_ns: int) -> None:
        """Send one complete message now; do nothing once the port is dead.

        On JACK it waits, at most 0.25 s, if this is more than 1 755 notes in one
        period.
        """
        del due_ns
        if not self.alive():
            return
        if self._guard is not None and not self._guard.has_room(len(message)):
            self._lost = True
            return
        self._out.send_message(message)
        self._sounding.passed(message)

    def alive(self) -> bool:
        """Return whether both ports and their server are there. Cost: 0.2 µs."""
        gone = self.sentinel is not None and self.sentinel.gone
        return not (self._lost or self._closed or gone)

    def check(self) -> None:
        """Notice a JACK server that removed one of the ports; the port is dead then.

        rtmidi does not report that. Cost: a few µs.
        """
        if self.sentinel is not None:
            there = map(self.sentinel.has_port, (self.name_in, self.name_out))
            self._lost = self._lost or not all(there)

    def close(self) -> None:
        """End what sounds and remove both ports; do nothing when called again.

        If the JACK server has died it takes 1 s (rtmidi's own wait). If the server
        hangs it takes 0.25 s and leaves the clients open until the process ends,
        because rtmidi would wait for ever.
        """
        if self._closed:
            return
        for message in (*self._sounding.ends(), *self._sounding.silences()):
            self.send(message, 0)
        if self._guard is not None and self.alive():
            # What was sent in one period has left when the next but one begins.
            self._lost = not (self._guard.turns() and self._guard.turns())
        self._closed = True
        if self.sentinel is None:
            delete(self._in, self._out)
        elif self.sentinel.gone or (self._guard is not None and self._guard.turns()):
            delete(self._in, self._out)
            self.sentinel.close()
        else:
            keep_for_ever(self._in)
            keep_for_ever(self._out)
            self.sentinel.abandon()

    def _open_on_jack(self, in_name: str, out_name: str) -> None:
        sentinel = Sentinel(f"{in_name} watch")
        try:
            _refuse_a_name_in_use(in_name, sentinel.midi_ports())
            _refuse_a_name_in_use(out_name, sentinel.midi_ports())
            self.sentinel = sentinel
            for _ in range(_ATTEMPTS):
                self._in, self._out = _open_pair("rtmidi-jack", in_name, out_name)
                if self._works_on_jack(sentinel):
                    return
                delete(self._in, self._out)
        except PortError:
            sentinel.close()
            raise
        sentinel.close()
        raise PortError(
            f"JACK does not run {self.name_in!r} and {self.name_out!r} after "
            f"{_ATTEMPTS} attempts: stop programs with these names, or restart JACK"
        )

    def _works_on_jack(self, sentinel: Sentinel) -> bool:
        """Return whether JACK kept our names, and our input hears our output."""
        there = sentinel.midi_ports()
        if self.name_in not in there or self.name_out not in there:
            return False
        self._guard = JackGuard(sentinel, self.name_out)
        sentinel.connect([(self.name_out, self.name_in)])
        heard = self._hears_itself(self._guard)
        sentinel.disconnect(self.name_out, self.name_in)
        if heard and self._guard.turns() and self._guard.turns():
            self.receive()
        return heard

    def _hears_itself(self, guard: JackGuard) -> bool:
        for _ in range(_SELF_TEST_PERIODS):
            if not guard.turns():
                return False
            if any(heard.data == _SELF_TEST for heard in self.receive()):
                return True
            self.send(_SELF_TEST, 0)
        return False


def _refuse_a_name_in_use(name: str, listed: list[str]) -> None:
    """Raise if a port has this name: a DAW would choose either of the two."""
    if any(_is_named(port, name) for port in listed):
        raise PortError(
            f"a MIDI port named {name!r} is in use: stop the other Ripieno, or choose "
            "other port names with --in and --out"
        )


def list_ports(backend: RtMidiBackend) -> tuple[list[str], list[str]]:
    """Return the MIDI ports of other programs: those to read from, those to write to.

    Raises:
        PortError: the library or the server is missing.
    """
    source, target = new_pair(backend, "Ripieno list in", "Ripieno list out")
    listed = source.get_ports(), target.get_ports()
    delete(source, target)
    return listed


def load_library() -> Any:  # noqa: ANN401  (an untyped library)
    """Return the `rtmidi` module.

    Raises:
        PortError: it, or a library that it needs, is missing.
    """
    try:
        import rtmidi
    except ImportError as error:
        raise PortError(
            f"the MIDI library cannot be loaded ({error}): install libasound2"
        ) from error
    return rtmidi


def new_pair(
    backend: RtMidiBackend, in_client: str, out_client: str
) -> tuple[Any, Any]:
    """Return new `MidiIn` and `MidiOut` objects without ports.

    They are new for each use, because rtmidi's objects cache the list of ports.
    """
    rtmidi = load_library()
    api = getattr(rtmidi, _API[backend])
    if api not in rtmidi.get_compiled_api():
        raise PortError(f"this rtmidi has no {backend} backend: choose another one")
    try:
        with _quietly():
            source = rtmidi.MidiIn(api, name=in_client, queue_size_limit=QUEUE_MESSAGES)
            target = rtmidi.MidiOut(api, name=out_client)
    except OSError as error:
        raise PortError(
            f"no MIDI server answers by {backend} ({error}): {_REMEDY[backend]}"
        ) from error
    source.ignore_types(sysex=False, timing=False, active_sense=True)
    return source, target


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Discard standard error: our exception says what ALSA and JACK print there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _open_pair(backend: RtMidiBackend, in_name: str, out_name: str) -> tuple[Any, Any]:
    """Return two open ports: virtual ones, on Windows existing ones."""
    clients = (in_name, out_name) if backend == "rtmidi-jack" else (CLIENT, CLIENT)
    pair = new_pair(backend, *clients)
    try:
        for device, name in zip(pair, (in_name, out_name), strict=True):
            if backend == "windows":
                device.open_port(existing(device.get_ports(), name), name)
            else:
                device.open_virtual_port(name)
    except OSError as error:
        delete(*pair)
        raise PortError(f"a MIDI port cannot be opened: {error}") from error
    return pair


def existing(listed: list[str], name: str) -> int:
    """Return the index of the first listed port whose name contains *name*.

    Raises:
        PortError: there is none.
    """
    for index, port in enumerate(listed):
        if name in port:
            return index
    raise PortError(
        f"no MIDI port's name contains {name!r}: make one of this name with loopMIDI "
        f"or Windows MIDI Services, or choose one of {listed} with --in and --out"
    )


def _is_named(listed: str, name: str) -> bool:
    """Return whether a port is ``name``, ``a:name``, or ALSA's ``a:name 128:0``."""
    return listed == name or f":{name} " in f"{listed} "


def delete(*devices: Any) -> None:  # noqa: ANN401  (an untyped library)
    """Close rtmidi's objects and their clients."""
    for device in devices:
        device.close_port()
        device.delete()
