"""`ripieno render`: plays along with a MIDI file, in simulated time.

It runs the engine and the minds of a live performance, from event to event, as fast as
the models can think. A role that plays on the beat gets the file's tempo as MIDI clock,
as from a DAW.

The written file has the source's tracks, tempos and meters, one named track for each
part that the machine played, and as markers the machine's chords and the sections.
"""

import argparse
import heapq
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import rich.progress

from ripieno.clock import NS_PER_S
from ripieno.commands.arguments import settings_of
from ripieno.conduct.form import Form
from ripieno.conduct.memory import Memory, Played
from ripieno.engine import Engine, Send
from ripieno.errors import FileError, ModelError, SettingsError
from ripieno.files.midi import check_target, read_performance, write_score
from ripieno.files.performance import Performance, Timed, Track
from ripieno.files.repairs import in_words
from ripieno.inference.manifest import Library
from ripieno.inference.tables import maybe_tables
from ripieno.minds.minds import Loaded, Minds
from ripieno.music import chords, messages
from ripieno.music.meter import Meter
from ripieno.music.spans import Phase
from ripieno.play import sound
from ripieno.play.effects import NOBODY
from ripieno.processes.interrupts import raise_interrupts
from ripieno.processes.loading import Shelf, check_plays, chosen, wake
from ripieno.protocol import Beat, Letter, Ready
from ripieno.settings import texts
from ripieno.settings.beginning import Beginning
from ripieno.settings.config import Settings
from ripieno.settings.ensemble import PERCUSSION, Ensemble, SeatSettings, minds_of
from ripieno.settings.flags import seed_of
from ripieno.settings.output import say
from ripieno.settings.params import Params
from ripieno.settings.status import Status
from ripieno.simulation import Simulation

Progress = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""

START: Final = b"\xfa"
CLOCK: Final = b"\xf8"
CLOCKS_PER_BEAT: Final = 24
LONGEST_H: Final = 4
"""A longer file probably has an error, such as one huge delta time. `render` keeps the
whole performance in memory."""
MOST_BEATS: Final = LONGEST_H * 60 * 400
"""The number of beats in that time at the fastest tempo. Each beat is 24 clocks."""
WOOD_BLOCKS: Final = "Click"


def run(arguments: argparse.Namespace) -> int:
    """Render a file, and print how it went.

    Raises:
        RipienoError: as `settings_of` and `render`.
    """
    settings = settings_of(arguments)
    seed = seed_of(settings)
    if not 0 <= arguments.tail <= 3600:
        raise SettingsError(
            f"tail is {arguments.tail:g}; it must lie between 0 and 3600."
        )
    raise_interrupts()
    with rich.progress.Progress(transient=True) as progress:
        task = progress.add_task("Rendering", total=1.0)
        rendered = render(
            arguments.input,
            arguments.output,
            settings,
            seed=seed,
            tail_s=arguments.tail,
            progress=lambda done: progress.update(task, completed=done),
        )
    if rendered.repairs:
        say(f"{arguments.input}: {rendered.repairs}.")
    status = rendered.status
    say(
        f"{arguments.output}: {status.turns} replies, {status.sent} notes by "
        f"{status.model}; seed {seed}."
    )
    return 0


class Rendered(msgspec.Struct, frozen=True):
    """The result of a render.

    Attributes:
        status: the engine's state at the end.
        repairs: what was skipped or corrected in the source; empty if nothing was.
    """

    status: Status
    repairs: str


def render(
    source: Path,
    target: Path,
    settings: Settings,
    *,
    seed: int,
    tail_s: float,
    progress: Progress,
) -> Rendered:
    """Let the machine play along with a file.

    Args:
        source: the human's part. Its meter is used where the settings have the default.
        target: the file to write.
        settings: model, provider and how to play.
        seed: the random seed.
        tail_s: how long to play on after the file's end, in seconds.
        progress: called with the share that is done.

    Returns:
        The final status, and the repairs of the source.

    Raises:
        FileError: the source cannot be read or is too long, or the target cannot be
            written.
        ModelError: the model cannot be loaded, or does not work.
    """
    human = read_performance(source)
    check_length(source, human, tail_s)
    check_target(target)
    play = apart(with_meter(settings.play, human), settings.seats, human)
    settings = msgspec.structs.replace(settings, play=play)
    begins = Beginning(
        play,
        settings.seats,
        seed=seed,
        controls=settings.controls,
        programs=settings.programs,
    )
    engine = Engine(begins, tables=maybe_tables())
    witness = _witness(settings, engine)
    simulation = Simulation(engine, witness)
    _play(simulation, human, _whole_ns(human, tail_s), progress)
    status = engine.status()
    meter = texts.meter(play.meter, play.chart)
    times = human.times()
    markers = [
        (times.ns_at(meter.start_of(index) * human.ticks_per_beat // 480), name)
        for index, name in (*witness.sections(), *witness.changes())
    ]
    tracks = [*human.tracks, *tracks_of(simulation.sent, engine)]
    write_score(target, tracks, human.score(), markers=markers)
    return Rendered(status, in_words(human.repairs))


def _play(
    simulation: Simulation, human: Performance, whole_ns: int, progress: Progress
) -> None:
    """Play the file to the engine; its tempo is MIDI clock where a seat needs it."""
    needs_clock = simulation.engine.is_on_the_beat
    clock = clock_of(human, whole_ns) if needs_clock else iter(())
    inputs = heapq.merge(clock, human.messages, key=lambda timed: timed[0])
    for at_ns, data in inputs:
        progress(at_ns / whole_ns)
        simulation.play([(at_ns, data)])
    while simulation.now_ns < whole_ns:
        simulation.run_until(min(simulation.now_ns + NS_PER_S, whole_ns))
        progress(simulation.now_ns / whole_ns)
    simulation.stop()


def _witness(settings: Settings, engine: Engine) -> "_Witness":
    """Load a mind for each seat, and introduce the models to the engine.

    Raises:
        ModelError: a model cannot be loaded, or, later, does not work.
    """
    library, shelf = Library(), Shelf()
    check_plays(library, settings.model, minds_of(settings.ensemble))

    def wake_for(role: str) -> Loaded:
        return wake(chosen(library, role, settings.model), settings.provider, shelf)

    def fail(ready: Ready) -> None:
        raise ModelError(ready.why)

    minds = _Witness(
        wake_for, fail, texts.meter(settings.play.meter, settings.play.chart)
    )
    for role in minds_of(settings.ensemble):
        engine.thought(0, minds.load(role))
    return minds


def check_length(source: Path, human: Performance, tail_s: float) -> None:
    """Check that a file is not too long.

    Args:
        source: the file's name, for the message.
        human: the file's contents.
        tail_s: how long it is played on after its end.

    Raises:
        FileError: it lasts longer than `LONGEST_H`, or has more than `MOST_BEATS`.
    """
    hours = human.length_ns / NS_PER_S / 3600
    if hours > LONGEST_H:
        raise FileError(
            f"{source} lasts {hours:,.1f} hours, more than {LONGEST_H}: cut it, or "
            "remove the silence in it."
        )
    times = human.times()
    beats = times.tick_at(_whole_ns(human, tail_s)) // human.ticks_per_beat
    if beats > MOST_BEATS:
        raise FileError(
            f"{source} has {beats:,} beats, more than {MOST_BEATS:,}: give it a tempo "
            "of at most 400 bpm."
        )


def _whole_ns(human: Performance, tail_s: float) -> int:
    """Return how long is played, at least one nanosecond."""
    return max(1, human.length_ns + int(tail_s * NS_PER_S))


def with_meter(play: Params, human: Performance) -> Params:
    """Return the parameters with the file's meter, where they have none of their own.

    The default and `auto` are none.
    """
    is_open = play.meter in (Params().meter, texts.AUTO_METER)
    if not human.time_signatures or not is_open:
        return play
    _, numerator, denominator = human.time_signatures[0]
    try:
        meter = Meter(numerator, denominator)
    except ValueError:
        return play  # stranger than what is played here
    return msgspec.structs.replace(play, meter=str(meter))


def apart(play: Params, seats: tuple[SeatSettings, ...], human: Performance) -> Params:
    """Return the parameters with a channel that keeps the seats off the file's.

    Programs and volumes hold for a channel, so a seat on the melody's channel would
    change the sound of the melody. The channel stays if it is not the default one, or
    if there is no other.
    """
    used = {messages.channel_of(data) + 1 for _, data in human.messages}
    if play.channel != Params().channel:
        return play
    for channel in range(1, 17):
        moved = msgspec.structs.replace(play, channel=channel)
        seated = Ensemble(moved, seats).seated().values()
        if used.isdisjoint(params.channel for params in seated):
            return moved
    return play


def clock_of(human: Performance, until_ns: int) -> Iterator[Timed]:
    """Yield the file's tempo as MIDI clock: a start, and 24 clocks a beat."""
    yield 0, START
    times, count = human.times(), 0
    while True:
        ticks = count * human.ticks_per_beat // CLOCKS_PER_BEAT
        at_ns = times.ns_at(ticks)
        if at_ns > until_ns:
            return
        yield at_ns, CLOCK
        count += 1


def tracks_of(sent: list[tuple[int, Send]], engine: Engine) -> list[Track]:
    """Return what the machine sent, as a named track for each seat that played.

    A track begins with its seat's program and volume.
    """
    found: list[Track] = []
    seats, seated = engine.status().seats, engine.ensemble.seated()
    for seat in seats:
        mine = [(at_ns, send.data) for at_ns, send in sent if send.seat == seat.number]
        if mine or len(seats) == 1:
            params = seated[seat.name]
            volumes = [(0, data) for data in sound.volumes(params)]
            found.append(
                Track(
                    f"Ripieno {seat.name}",
                    (*volumes, *mine),
                    sound.maybe_program(params),
                    seat.channel - 1,
                )
            )
    clicks = tuple((at_ns, send.data) for at_ns, send in sent if send.seat == NOBODY)
    if clicks:
        found.append(Track(f"Ripieno {WOOD_BLOCKS}", clicks, None, PERCUSSION))
    return found


class _Witness(Minds):
    """The minds, with a record of which chords were really played to which sections."""

    def __init__(
        self,
        wake: Callable[[str], Loaded],
        show: Callable[[Ready], None],
        meter: Meter,
    ) -> None:
        super().__init__(wake, show)
        self._played: dict[int, int] = {}
        self._meter, self._memory, self._form = meter, Memory(), Form()

    def receive(self, letter: Letter) -> None:
        if isinstance(beat := letter.message, Beat):
            self._played[beat.index] = beat.chord
            bar, place = divmod(beat.index, self._meter.spans_in_bar)
            phase = Phase(place, self._meter.spans_in_bar, bar)
            self._memory.hear(beat.index, beat.heard, phase, Played(beat.chord))
            self._form.hear(beat.index, beat.heard, phase, self._memory)
        super().receive(letter)

    def sections(self) -> list[tuple[int, str]]:
        """Return (span, name) for each section, such as ``Section A``."""
        return [(max(s.index, 0), f"Section {s.name}") for s in self._form.found]

    def changes(self) -> list[tuple[int, str]]:
        """Return (span, chord's name) for each change of the chord."""
        out: list[tuple[int, str]] = []
        before = chords.NO_CHORD
        for index, chord in sorted(self._played.items()):
            if chord != before and index >= 0:
                name = "N.C." if chord == chords.NO_CHORD else chords.name_of(chord)
                out.append((index, name))
            before = chord
        return out
