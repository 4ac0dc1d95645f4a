"""`ripieno bench latency`: the time from a key to the note that answers it.

It is measured through real ports, with a separate daemon, role by role. The daemon also
passes each key through unchanged. So the time of thru and the time of the answer are
measured key by key, and the difference is the time of thinking. On JACK, times are in
samples of the server, from port to port, without the latency of a sound card. JACK
delivers a key up to one period early, so an answer can take less than one period; thru
always takes exactly one.

::

    harmonize     key ─▶ the first voice with it
    accompany     key on the beat ─▶ the first note with it
    answer …      when the reply was to begin ─▶ its first note; and the silence before
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ripieno.bench import pairing, script
from ripieno.bench.bounds import within, words
from ripieno.bench.daemon import NAME_IN, NAME_OUT, Daemon
from ripieno.bench.guest import Guest, guest_of
from ripieno.bench.machine import maybe_jack
from ripieno.bench.pairing import Paired, Stamped
from ripieno.bench.report import Figure, Picture, Report, Table, begin
from ripieno.bench.spread import HEADINGS, Spread, cells, histogram, spread
from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.files import journal
from ripieno.inference import manifest
from ripieno.ports.backends import choose_backend
from ripieno.processes.remote import status_of
from ripieno.settings.config import Settings
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status

if TYPE_CHECKING:
    from rich.console import Console

MEASURED: Final = ("harmonize", "answer", "accompany")
KNOWN: Final = (*MEASURED, "continue", "vary")
WARM_UP: Final = 8
"""The number of keys played before those that count."""
BEGIN_NS: Final = NS_PER_S // 2
QUIET_NS: Final = NS_PER_S // 2
REPLY_NS: Final = 6 * NS_PER_S
"""How long to wait for a reply."""
LISTEN_NS: Final = 400 * NS_PER_MS
"""How long a reply is heard before the next phrase interrupts it."""
KEYS_A_TURN: Final = 20
KEYS_A_BEAT: Final = 4
"""A turn and a beat take the time of so many quick keys."""
BEYOND: Final = "answer p99 beyond thru p99"
ALLOWED_MS: Final = 2.0
"""The bound of `harmonize` for an answer, beyond one period."""
SOON_NS: Final = 60 * NS_PER_MS
"""A note later than this after a key belongs to the next sixteenth."""


class Measured(NamedTuple):
    """The measurements of one role.

    Attributes:
        model: the model that played.
        rows: name → measured times, in ms.
        misses: the number of keys or phrases without an answer.
        left_out: the number of keys that were sent late, and do not count.
        status: the daemon's last status.
    """

    model: str
    rows: dict[str, list[float]]
    misses: int
    left_out: int
    status: Status = Status()


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    parser.add_argument(
        "--roles", default=",".join(MEASURED), help=f"of {', '.join(KNOWN)}"
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="for the roles that it plays; again for more",
    )
    parser.add_argument("--provider", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--notes", type=int, default=1000, help="keys a role: 40 … 10^5"
    )
    parser.add_argument("--backend", default="auto", help="which MIDI system")
    parser.add_argument("--seed", type=int, default=1, help="what chance starts from")


def run(arguments: argparse.Namespace, say: "Console") -> Report:
    """Measure.

    Raises:
        RipienoError: a value is out of its bounds, or a daemon cannot play here.
    """
    roles = words("roles", arguments.roles, KNOWN)
    within("notes", arguments.notes, 40, 100_000)
    backend, why = choose_backend(arguments.backend)
    begun = begin(
        "latency",
        {
            "backend": backend, "roles": roles, "notes": arguments.notes,
            "model": arguments.model, "seed": arguments.seed,
        },
    )  # fmt: skip
    say.print(f"MIDI: {backend} ({why}).")
    found: dict[str, Measured] = {}
    notes: list[str] = []
    try:
        for role in roles:
            for model in _models(arguments.model, role):
                settings = _settings(arguments, backend, role, model)
                name = f"{role}, {model}" if model else role
                found[name] = _measure(role, settings, arguments, say)
    except KeyboardInterrupt:
        notes.append("Stopped by Ctrl-C: what was measured by then.")
    figures = _figures(found)
    notes += _verdicts(figures)
    return begun.end(_tables(found), figures, pictures=_pictures(found), notes=notes)


def _models(named: list[str], role: str) -> list[str]:
    """Return the named models that play a role; else the default one."""
    return [name for name in named if role in _roles_of(name)] or [""]


def _settings(
    arguments: argparse.Namespace, backend: str, role: str, model: str
) -> Settings:
    return Settings(
        model=model,
        provider=arguments.provider,
        backend=backend,
        name_in=NAME_IN,
        name_out=NAME_OUT,
        play=msgspec.convert({"role": role, "thru": True, "channel": 2, "listen": 0},
                             Params),
    )  # fmt: skip


def _roles_of(model: str) -> tuple[str, ...]:
    return manifest.load(manifest.find(model)).roles


# ── one role ──────────────────────────────────────────────────────────────────────────


def _measure(
    role: str, settings: Settings, arguments: argparse.Namespace, say: "Console"
) -> Measured:
    play: Callable[[Guest, int, int], None] = _play_keys
    if ROLES[role].is_a_turn:
        play = _play_turns
    elif ROLES[role].decides_beats:
        play = _play_beats
    with tempfile.TemporaryDirectory(prefix="ripieno-bench-") as folder:
        with Daemon(settings, arguments.seed, Path(folder)) as daemon:
            say.print(
                f"{role}: {daemon.model}, about {_seconds(role, arguments):.0f} s."
            )
            with guest_of(settings) as guest:
                play(guest, arguments.notes, arguments.seed)
                status = status_of(NAME_IN) or Status()
            model = daemon.model
            daemon.check()
        entries = list(journal.read(daemon.journal))
    return _measured(role, model, guest, entries)._replace(status=status)


def _seconds(role: str, arguments: argparse.Namespace) -> float:
    keys = int(arguments.notes)
    if ROLES[role].is_a_turn:
        return 2.5 * (keys // KEYS_A_TURN)
    return 0.5 * (keys // KEYS_A_BEAT) if ROLES[role].decides_beats else 0.1 * keys


def _play_keys(guest: Guest, count: int, seed: int) -> None:
    clock = SystemClock()
    guest.play(script.keys(WARM_UP + count, clock.now_ns() + BEGIN_NS, seed))
    guest.listen(clock.now_ns() + guest.reach_ns + QUIET_NS)


def _play_beats(guest: Guest, count: int, seed: int) -> None:
    clock = SystemClock()
    beats = WARM_UP + count // KEYS_A_BEAT
    guest.play(script.beats(beats, clock.now_ns() + BEGIN_NS, seed))
    guest.listen(clock.now_ns() + guest.reach_ns + QUIET_NS)


def _play_turns(guest: Guest, count: int, seed: int) -> None:
    clock = SystemClock()
    for turn in range(max(1, count // KEYS_A_TURN)):
        guest.play(script.phrase(clock.now_ns() + BEGIN_NS // 2, seed + turn))
        if guest.listen(clock.now_ns() + REPLY_NS, _begins):
            guest.listen(clock.now_ns() + LISTEN_NS)


def _begins(heard: list[Stamped]) -> bool:
    return any(pairing.is_answer(each.data) for each in heard)


def _measured(
    role: str, model: str, guest: Guest, entries: list[journal.Entry]
) -> Measured:
    jack, keys = maybe_jack(), pairing.onsets(guest.sent)
    rate_hz = jack.rate_hz if jack else 0
    pairs = pairing.paired(
        pairing.by_samples(keys, rate_hz), pairing.by_samples(guest.heard, rate_hz)
    )
    of_keys = zip(keys, pairs, strict=True)
    pairs = [pair for key, pair in of_keys if key.at_ns not in guest.hurried][WARM_UP:]
    left_out = len(keys) - WARM_UP - len(pairs)
    rows = {"key to itself, thru": pairing.thru_ms(pairs)}
    asked = {"asked to answered, in the daemon": pairing.responses_ms(entries)}
    if ROLES[role].is_a_turn:
        found = pairing.replies(entries)
        rows["planned to arrived"] = pairing.arrival_ms(found, guest.heard)
        rows["last key up to reply"] = pairing.silences_ms(
            guest.sent, guest.heard, BEGIN_NS // 2
        )
        turns = len(keys) // script.PHRASE_KEYS
        misses = turns - len(rows["last key up to reply"])
        return Measured(model, rows | asked, misses, left_out)
    pairs = [_soon(pair) for pair in pairs] if ROLES[role].decides_beats else pairs
    rows["key to answer"] = pairing.answer_ms(pairs)
    rows["answer beyond thru"] = pairing.beyond_ms(pairs)
    misses = sum(pair.answer_ns is None for pair in pairs)
    return Measured(model, rows | asked, misses, left_out)


def _soon(pair: Paired) -> Paired:
    """Return the pair without an answer that came too late for its beat."""
    late = pair.answer_ns is not None and pair.answer_ns - pair.key_ns > SOON_NS
    return pair._replace(answer_ns=None) if late else pair


# ── for people ────────────────────────────────────────────────────────────────────────


def _tables(found: dict[str, Measured]) -> list[Table]:
    return [
        Table(
            f"{role.partition(',')[0]} by {measured.model}, in ms; "
            f"{measured.misses} not answered, {measured.status.fallbacks} by the "
            f"fallback, {measured.left_out} left out{_readiness(measured.status)}"
            f"{_share(measured.status)}",
            ("", *HEADINGS),
            tuple((name, *cells(spread(ms))) for name, ms in measured.rows.items()),
        )
        for role, measured in found.items()
    ]


def _readiness(status: Status) -> str:
    """Return how many replies were ready before they were asked for, in words."""
    if not ROLES[status.role].is_a_turn or not status.turns:
        return ""
    return (
        f"; {status.ready / status.turns:.1%} of the replies were ready before they "
        f"were asked for, the others {status.wait_p99_ms:.1f} ms after (p99)"
    )


def _share(status: Status) -> str:
    """Return how many beats the model decided, in words."""
    if not ROLES[status.role].decides_beats:
        return ""
    return f"; the model decided {status.by_model:.1%} of the beats"


def _pictures(found: dict[str, Measured]) -> list[Picture]:
    shown = ("key to answer", "planned to arrived")
    return [
        Picture(f"{role}: {name}", tuple(histogram(measured.rows[name], "ms")))
        for role, measured in found.items()
        for name in shown
        if name in measured.rows
    ]


def _verdicts(figures: dict[str, Figure]) -> Iterator[str]:
    """Yield a sentence for each measurement that has a bound."""
    jack = maybe_jack()
    if jack is None:
        return
    bound = jack.period_ms + ALLOWED_MS
    for name, beyond in figures.items():
        if not name.startswith("harmonize") or not name.endswith(BEYOND):
            continue
        assert isinstance(beyond, float)
        kept = "kept" if beyond <= bound else "missed"
        yield (
            f"{name} is {beyond:.2f} ms; a period + {ALLOWED_MS:g} ms, "
            f"{bound:.2f} ms, is the bound: {kept}."
        )


def _figures(found: dict[str, Measured]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for role, measured in found.items():
        spreads: dict[str, Spread] = {n: spread(ms) for n, ms in measured.rows.items()}
        figures |= {f"{role}: {name}": each for name, each in spreads.items()}
        figures[f"{role}: model"] = measured.model
        figures[f"{role}: not answered"] = float(measured.misses)
        status = measured.status
        figures[f"{role}: by the fallback"] = float(status.fallbacks)
        figures[f"{role}: left out"] = float(measured.left_out)
        if ROLES[status.role].decides_beats:
            figures[f"{role}: beats decided by the model"] = status.by_model
        if ROLES[status.role].is_a_turn and status.turns:
            figures[f"{role}: ready before asked"] = status.ready / status.turns
            figures[f"{role}: wait p99, ms"] = status.wait_p99_ms
        if "key to answer" in spreads:
            thru, answer = spreads["key to itself, thru"], spreads["key to answer"]
            figures[f"{role}: {BEYOND}"] = answer.p99 - thru.p99
    return figures
