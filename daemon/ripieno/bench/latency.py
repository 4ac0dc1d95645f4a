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
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from ripieno.bench import pairing, script
from ripieno.bench.bounds import within, words
from ripieno.bench.daemon import NAME_IN, NAME_OUT, running
from ripieno.bench.guest import Guest, guest_of
from ripieno.bench.machine import maybe_jack
from ripieno.bench.report import Begun, Figure, Report, spread
from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.files import journal
from ripieno.inference import manifest
from ripieno.ports.backends import choose_backend
from ripieno.processes.remote import status_of
from ripieno.settings.config import Settings
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES
from ripieno.settings.status import Status

MEASURED: Final = ("harmonize", "answer", "accompany")
KNOWN: Final = (*MEASURED, "continue", "vary")
SEED: Final = 1
WARM_UP: Final = 8
"""The number of keys played before those that count."""
BEGIN_NS: Final = NS_PER_S // 2
QUIET_NS: Final = NS_PER_S // 2
REPLY_NS: Final = 6 * NS_PER_S
"""How long to wait for a reply."""
LISTEN_NS: Final = 400 * NS_PER_MS
"""How long a reply is heard before the next phrase interrupts it."""
KEYS_A_SECOND: Final = 8
"""Quick keys, about."""
KEYS_A_TURN: Final = 20
KEYS_A_BEAT: Final = 4
"""A turn and a beat take the time of so many quick keys."""
SOON_NS: Final = 60 * NS_PER_MS
"""A note later than this after a key belongs to the next sixteenth."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this measurement."""
    roles, notes = ",".join(MEASURED), "keys a role: 40 … 10^5"
    models = "for the roles that it plays; again for more"
    parser.add_argument("--roles", default=roles, help=f"of {', '.join(KNOWN)}")
    parser.add_argument("--model", action="append", default=[], help=models)
    parser.add_argument("--provider", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--notes", type=int, default=1000, help=notes)
    parser.add_argument("--backend", default="auto", help="which MIDI system")


def run(arguments: argparse.Namespace, say: Console) -> Report:
    """Measure.

    Raises:
        RipienoError: a value is out of its bounds, or a daemon cannot play here.
    """
    roles = words("roles", arguments.roles, KNOWN)
    count = arguments.notes
    within("notes", count, 40, 100_000)
    backend, why = choose_backend(arguments.backend)
    models = arguments.model
    plays = {name: manifest.load(manifest.find(name)).roles for name in models}
    begun = Begun(
        "latency",
        {"backend": backend, "roles": roles, "notes": count, "model": models},
    )
    say.print(f"MIDI: {backend} ({why}).")
    found, notes = dict[str, dict[str, Figure]](), ["All times are in ms."]
    try:
        for role in roles:
            for model in [n for n in models if role in plays[n]] or [""]:
                settings = Settings(
                    model=model, provider=arguments.provider, backend=backend,
                    name_in=NAME_IN, name_out=NAME_OUT,
                    play=msgspec.convert(
                        {"role": role, "thru": True, "channel": 2, "listen": 0}, Params
                    ),
                )  # fmt: skip
                name = f"{role}, {model}" if model else role
                say.print(f"{name}: about {count // KEYS_A_SECOND} s.")
                found[name] = _measure(settings, count)
    except KeyboardInterrupt:
        notes.append("Stopped by Ctrl-C: what was measured by then.")
    return begun.end_parts(found, notes)


# ── one role ──────────────────────────────────────────────────────────────────────────


def _measure(settings: Settings, count: int) -> dict[str, Figure]:
    role = settings.play.role
    with tempfile.TemporaryDirectory(prefix="ripieno-bench-") as folder:
        with running(settings, SEED, Path(folder)) as daemon:
            with guest_of(settings) as guest:
                _play(guest, role, count)
                status = status_of(NAME_IN) or Status()
            model = daemon.model
            daemon.check()
        entries = list(journal.read(daemon.journal))
    return {"model": model} | _times(role, guest, entries) | _counts(status)


def _play(guest: Guest, role: str, count: int) -> None:
    clock = SystemClock()
    if ROLES[role].is_a_turn:
        for turn in range(max(1, count // KEYS_A_TURN)):
            guest.play(script.phrase(clock.now_ns() + BEGIN_NS // 2, SEED + turn))
            until_ns = clock.now_ns() + REPLY_NS
            if guest.listen(until_ns, pairing.has_answer):
                guest.listen(clock.now_ns() + LISTEN_NS)
        return
    start_ns = clock.now_ns() + BEGIN_NS
    if ROLES[role].decides_beats:
        guest.play(script.beats(WARM_UP + count // KEYS_A_BEAT, start_ns, SEED))
    else:
        guest.play(script.keys(WARM_UP + count, start_ns, SEED))
    guest.listen(clock.now_ns() + guest.reach_ns + QUIET_NS)


def _times(role: str, guest: Guest, entries: list[journal.Entry]) -> dict[str, Figure]:
    """Return the measured times, in ms, and how many keys or phrases do not count."""
    jack, keys = maybe_jack(), pairing.onsets(guest.sent)
    rate_hz = jack.rate_hz if jack else 0
    pairs = pairing.paired(
        pairing.by_samples(keys, rate_hz), pairing.by_samples(guest.heard, rate_hz)
    )
    of_keys = zip(keys, pairs, strict=True)
    pairs = [pair for key, pair in of_keys if key.at_ns not in guest.hurried][WARM_UP:]
    thru = spread(pairing.gaps_ms((p.key_ns, p.thru_ns) for p in pairs))
    figures: dict[str, Figure] = {"key to itself, thru": thru}
    if ROLES[role].is_a_turn:
        planned = pairing.arrival_ms(pairing.replies(entries), guest.heard)
        silences = pairing.silences_ms(guest.sent, guest.heard, BEGIN_NS // 2)
        figures["planned to arrived"] = spread(planned)
        figures["last key up to reply"] = spread(silences)
        misses = len(keys) // script.PHRASE_KEYS - len(silences)
    else:
        if ROLES[role].decides_beats:
            pairs = [pair.answered_within(SOON_NS) for pair in pairs]
        answer = spread(pairing.gaps_ms((p.key_ns, p.answer_ns) for p in pairs))
        figures["key to answer"] = answer
        thinking = pairing.gaps_ms((p.thru_ns, p.answer_ns) for p in pairs)
        figures["answer beyond thru"] = spread(thinking)
        figures["answer p99 beyond thru p99"] = answer.p99 - thru.p99
        misses = sum(pair.answer_ns is None for pair in pairs)
    return figures | {
        "asked to answered, in the daemon": spread(pairing.responses_ms(entries)),
        "not answered": misses,
        "left out": len(keys) - WARM_UP - len(pairs),
    }


def _counts(status: Status) -> dict[str, Figure]:
    """Return what the daemon's last status says of the answers."""
    figures: dict[str, Figure] = {"by the fallback": status.fallbacks}
    if ROLES[status.role].decides_beats:
        figures["beats decided by the model"] = status.by_model
    if ROLES[status.role].is_a_turn and status.turns:
        figures["ready before asked"] = status.ready / status.turns
        figures["wait p99, ms"] = status.wait_p99_ms
    return figures
