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
from multiprocessing.connection import Connection
from typing import Final

from rich.console import Console

from ripieno.bench import planned
from ripieno.bench.bounds import within, words
from ripieno.bench.daemon import NAME_IN, NAME_OUT
from ripieno.bench.guest import Guest, guest_of
from ripieno.bench.lateness import figures_of, judged
from ripieno.bench.machine import maybe_jack
from ripieno.bench.pairing import Stamped
from ripieno.bench.planned import Done, Held
from ripieno.bench.pressure import KINDS, pressure
from ripieno.bench.report import Begun, Figure, Report
from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.errors import PortError
from ripieno.ports.backends import choose_backend
from ripieno.ports.ports import ON_JACK
from ripieno.settings.config import Settings

GAP_NS: Final = 4 * NS_PER_MS
"""The mean time between notes: three periods of 64 frames, with random deviation."""
LENGTHS: Final = (1, 3)
"""The least and the greatest length of a note, in mean gaps."""
RATE_HZ: Final = 48_000
"""The sample rate where no server gives one; gaps are whole samples."""
SEED: Final = 1
TAIL_NS: Final = NS_PER_S // 2
LOADING_S: Final = 30.0


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    backends, notes = "such as jack,rtmidi-jack", "a load: 100 … 200000"
    parser.add_argument("--backends", default="auto", help=backends)
    parser.add_argument("--loads", default=",".join(KINDS), help="which of them")
    parser.add_argument("--notes", type=int, default=10_000, help=notes)


def run(arguments: argparse.Namespace, say: Console) -> Report:
    """Measure.

    Raises:
        RipienoError: a value is out of its bounds, or a port cannot be opened.
    """
    loads = words("loads", arguments.loads, KINDS)
    within("notes", arguments.notes, 100, 200_000)
    backends = _backends(arguments.backends)
    settings = {"backends": backends, "loads": loads, "notes": arguments.notes}
    begun = Begun("jitter", settings)
    found, notes = dict[str, dict[str, Figure]](), list[str]()
    jack, is_realtime = maybe_jack(), True
    played = _notes(arguments.notes, jack.rate_hz if jack else RATE_HZ)
    try:
        for backend in backends:
            period_ms = jack.period_ms if jack and backend in ON_JACK else None
            for load in loads:
                say.print(f"{backend}, {load}: {arguments.notes} notes.")
                with pressure(load):
                    done, heard = _played(backend, played, litters=load == "garbage")
                found[f"{backend}, {load}"] = figures_of(
                    judged(done, heard), period_ms, is_exact=backend == "jack"
                )
                is_realtime = is_realtime and done.is_realtime
    except KeyboardInterrupt:
        notes.append("Stopped by Ctrl-C: what was measured by then.")
    if not is_realtime:
        notes.append("Real-time priority was not granted: see `ripieno doctor`.")
    return begun.end_parts(found, notes)


def _backends(wanted: str) -> list[str]:
    if wanted != "auto":
        return [choose_backend(word.strip())[0] for word in wanted.split(",")]
    backend, _ = choose_backend()
    return ["jack", "rtmidi-jack"] if backend == "jack" else [backend]


def _notes(count: int, rate_hz: int) -> tuple[Held, ...]:
    """Return notes with uneven gaps and lengths in whole samples."""
    chance = random.Random(SEED)
    mean = GAP_NS * rate_hz // NS_PER_S
    shortest, longest = (mean * gaps for gaps in LENGTHS)
    on, notes = 0, []
    for _ in range(count):
        on += chance.randint(mean // 2, mean + mean // 2)
        off = on + chance.randint(shortest, longest)
        notes.append((on * NS_PER_S // rate_hz, off * NS_PER_S // rate_hz))
    return tuple(notes)


def _played(
    backend: str, notes: tuple[Held, ...], *, litters: bool
) -> tuple[Done, list[Stamped]]:
    """Have notes played by a process; return what was sent and what was heard."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(
        target=planned.run, args=(backend, notes, theirs),
        kwargs={"litters": litters}, name="ripieno bench player",
    )  # fmt: skip
    process.start()
    try:
        if not ours.poll(LOADING_S):
            raise PortError(
                f"No port was opened within {LOADING_S:g} s; start JACK again."
            )
        if why := ours.recv():
            raise PortError(why)
        # Whatever sends, the second client is as exact as there is.
        ear = "jack" if backend in ON_JACK else backend
        settings = Settings(backend=ear, name_in=NAME_IN, name_out=NAME_OUT)
        with guest_of(settings) as guest:
            ours.send("go")
            done = _listened(guest, ours, max(off_ns for _, off_ns in notes))
        ours.send("end")
        process.join(5.0)
    finally:
        process.kill()
        process.join()
    return done, guest.heard


def _listened(guest: Guest, end: Connection, for_ns: int) -> Done:
    clock = SystemClock()
    until_ns = clock.now_ns() + 2 * for_ns + 20 * NS_PER_S
    if not guest.listen(until_ns, lambda _: end.poll()):
        raise PortError(
            "The playing process did not come to its end; start JACK again."
        )
    done = end.recv()
    guest.listen(clock.now_ns() + TAIL_NS)
    assert isinstance(done, Done)
    return done
