"""`ripieno bench jitter`: compares due times with arrival times, under load.

A process that is set up like the player (`ripieno.bench.planned`) hands planned
note-ons and note-offs to a port. A second client receives them and stamps them as
exactly as it can. Both kinds are counted, because a lost note-off leaves its note
hanging. This is done under every load, for each kind of JACK port:

* frame-exact (`jack`): in samples. The deviation should be 0, and no message lost;
* by rtmidi: in ms. A message leaves with the next period, so it may be one period late.
"""

import argparse
import multiprocessing
import random
from typing import TYPE_CHECKING, Final

from ripieno.bench import planned
from ripieno.bench.bounds import within, words
from ripieno.bench.daemon import NAME_IN, NAME_OUT
from ripieno.bench.guest import Guest, guest_of
from ripieno.bench.lateness import (
    Outcome,
    Runs,
    figures,
    judged,
    pictures,
    tables,
    verdicts,
)
from ripieno.bench.machine import maybe_jack
from ripieno.bench.planned import Done, Held, Opened, Order
from ripieno.bench.pressure import IDLE, KINDS, pressure
from ripieno.bench.report import Report, begin
from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.ports.backends import choose_backend
from ripieno.ports.ports import ON_JACK
from ripieno.settings.config import Settings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from rich.console import Console

COLLECTING: Final = "collector on"
"""The load in which the playing process makes garbage and its collector is on."""
LOADS: Final = (*KINDS, COLLECTING)
GAP_NS: Final = 4 * NS_PER_MS
"""The mean time between notes: three periods of 64 frames, with random deviation."""
LENGTHS: Final = (1, 3)
"""The least and the greatest length of a note, in mean gaps."""
RATE_HZ: Final = 48_000
"""The sample rate where no server gives one; gaps are whole samples."""
TAIL_NS: Final = NS_PER_S // 2
LOADING_S: Final = 30.0


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    parser.add_argument(
        "--backends", default="auto", help="such as jack,rtmidi-jack; auto for both"
    )
    parser.add_argument("--loads", default=",".join(LOADS), help="which of them")
    parser.add_argument(
        "--notes", type=int, default=10_000, help="a load: 100 … 200000"
    )
    parser.add_argument(
        "--model", default="event-gru", help="whose steps are run: a name or a folder"
    )
    parser.add_argument("--seed", type=int, default=1, help="what chance starts from")


def run(arguments: argparse.Namespace, say: "Console") -> Report:
    """Measure.

    Raises:
        RipienoError: a value is out of its bounds, or a port cannot be opened.
    """
    loads = words("loads", arguments.loads, LOADS)
    within("notes", arguments.notes, 100, 200_000)
    backends = _backends(arguments.backends)
    begun = begin(
        "jitter",
        {
            "backends": backends, "loads": loads, "notes": arguments.notes,
            "model": arguments.model, "seed": arguments.seed,
        },
    )  # fmt: skip
    found: Runs = {}
    jack = maybe_jack()
    notes: list[str] = []
    try:
        for backend in backends:
            for load in loads:
                say.print(f"{backend}, {load}: {arguments.notes} notes.")
                found[backend, load] = _measure(backend, load, arguments)
    except KeyboardInterrupt:
        notes.append("Stopped by Ctrl-C: what was measured by then.")
    notes += verdicts(found, jack)
    if any(not heard.is_realtime for heard in found.values()):
        notes.append("Real-time priority was not granted: see `ripieno doctor`.")
    return begun.end(
        tables(found, jack),
        figures(found, jack),
        pictures=pictures(found),
        notes=notes,
    )


def _backends(wanted: str) -> list[str]:
    if wanted != "auto":
        return [choose_backend(word.strip())[0] for word in wanted.split(",")]
    backend, _ = choose_backend()
    return ["jack", "rtmidi-jack"] if backend == "jack" else [backend]


# ── one load ──────────────────────────────────────────────────────────────────────────


def _measure(backend: str, load: str, arguments: argparse.Namespace) -> Outcome:
    order = Order(
        backend, NAME_IN, NAME_OUT, _notes(arguments.notes, arguments.seed),
        litters=load in ("garbage", COLLECTING), collects=load == COLLECTING,
    )  # fmt: skip
    kind = IDLE if load == COLLECTING else load
    with pressure(kind, arguments.model):
        return _played(order)


def _notes(count: int, seed: int) -> tuple[Held, ...]:
    """Return notes with uneven gaps and lengths in whole samples."""
    chance = random.Random(seed)
    jack = maybe_jack()
    rate_hz = jack.rate_hz if jack else RATE_HZ
    mean = GAP_NS * rate_hz // NS_PER_S
    shortest, longest = (mean * gaps for gaps in LENGTHS)
    on, notes = 0, []
    for _ in range(count):
        on += chance.randint(mean // 2, mean + mean // 2)
        off = on + chance.randint(shortest, longest)
        notes.append(Held(*(n * NS_PER_S // rate_hz for n in (on, off))))
    return tuple(notes)


def _played(order: Order) -> Outcome:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(
        target=planned.run, args=(order, theirs), name="ripieno bench player"
    )
    process.start()
    try:
        opened = _opened(ours)
        # Whatever sends, the second client is as exact as there is.
        ear = "jack" if order.backend in ON_JACK else order.backend
        settings = Settings(backend=ear, name_in=NAME_IN, name_out=NAME_OUT)
        with guest_of(settings) as guest:
            ours.send("go")
            done = _listened(guest, ours, max(note.off_ns for note in order.notes))
        ours.send("end")
        process.join(5.0)
    finally:
        process.kill()
        process.join()
    return judged(done, guest.heard, is_realtime=opened.is_realtime)


def _opened(end: "Connection") -> Opened:
    if not end.poll(LOADING_S):
        raise PortError(f"No port was opened within {LOADING_S:g} s; start JACK again.")
    said = end.recv()
    if isinstance(said, str):
        raise PortError(said)
    assert isinstance(said, Opened)
    return said


def _listened(guest: Guest, end: "Connection", for_ns: int) -> Done:
    clock = SystemClock()
    until_ns = clock.now_ns() + 2 * for_ns + 20 * NS_PER_S
    guest.listen(until_ns, lambda _: end.poll())
    if not end.poll():
        raise PortError(
            "The playing process did not come to its end; start JACK again."
        )
    done = end.recv()
    guest.listen(clock.now_ns() + TAIL_NS)
    assert isinstance(done, Done)
    return done
