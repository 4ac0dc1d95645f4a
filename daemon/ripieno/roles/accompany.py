"""Accompaniment that decides on the beat.

Each span (a felt beat) goes through four moments::

    prepare   half a frame before the beat: the span before is over and told of; a
              backup for this one is asked for, as if nothing were struck on the beat
    listen    from then until shortly after the beat: a struck note has the thinker
              decide again, with it
    commit    the answer is there: it is played. None within the time: the player's own
              harmony engine names the chord, and the backup's notes are moved to it
    follow    later sections of the same answer are added as they come

With a commit horizon of some beats, or a thinker that slow, a span is asked for that
much earlier, from what is known then; with a horizon it is then promised, and played as
promised. Off the beat nothing is reconsidered: it is heard for the next span.

What the models are told of the machine's past is what was played, not what was planned.
"""

from dataclasses import dataclass, field
from typing import Final

from ripieno.hear.beats import Beats
from ripieno.music import chords
from ripieno.music.duet import (
    DENSITIES,
    FRAME_TICKS,
    STALENESS,
    STYLES,
    VOICES,
    Manner,
    Note,
    Phase,
    class_of,
)
from ripieno.music.meter import Meter
from ripieno.music.plan import (
    FORBIDDEN,
    Beat,
    Comp,
    Decide,
    Played,
    Ready,
    Reset,
    ToPlayer,
)
from ripieno.play.scheduler import Due
from ripieno.roles.band import Band
from ripieno.roles.guide import TRUST, Guide, only
from ripieno.roles.stand import Stand
from ripieno.roles.tally import Tally
from ripieno.status import Status, Turn

HALF_FRAME: Final = FRAME_TICKS // 2
LATEST_NS: Final = 25_000_000
"""An ensemble begins to notice at 20–30 ms (Schuett 2002): no beat waits longer."""
EARLIEST_NS: Final = 4_000_000
PATIENCE_NS: Final = 18_000_000
"""How long after the beat, or the onset, the thinker's answer is waited for."""
QUICK_NS: Final = 15_000_000
"""A thinker whose answers take longer (p95) is not asked on the beat any more."""
RETOLD: Final = 64
"""Beats that a thinker which was restarted is told again."""
RESTS_AFTER_BARS: Final = 8
"""After so many bars without a human note the accompaniment rests."""


@dataclass(slots=True)
class _Answer:
    """What was asked for a span, and what came back."""

    revision: int
    asked_ns: int
    staleness: int
    fallback: int
    chord: int | None = None
    notes: list[Note] = field(default_factory=list)
    complete: bool = False


class Accompany:
    """The role; see the module and `ripieno.roles.stand.Role`."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._beats, self._band = Beats(), Band(stand)
        self._guide = Guide(stand.tables, stand.seed)
        self._tally = Tally()
        self._told: list[Beat] = []
        self._answers: dict[int, _Answer] = {}
        self._on_beat: _Answer | None = None
        self._struck_ns: int | None = None
        self._playing: tuple[int, _Answer] | None = None
        self._asked = 0
        self._index: int | None = None
        self._prepared = False
        self._first_index: int | None = None
        self._last_struck: int | None = None
        self._misses: list[int] = []
        self._asked_to: int | None = None

    # ── values ────────────────────────────────────────────────────────────────────

    @property
    def turn(self) -> Turn:
        """Both at once, once we are in."""
        if self._band.chord != chords.NO_CHORD:
            return "machine"
        return "idle" if self._last_struck is None else "human"

    @property
    def _meter(self) -> Meter:
        return self._stand.meter

    @property
    def _frames(self) -> int:
        return self._meter.span_ticks // FRAME_TICKS

    def _phase(self, index: int) -> Phase:
        meter = self._meter
        bar, place = divmod(index, meter.spans_in_bar)
        return Phase(place, meter.spans_in_bar, bar)

    def _start_ns(self, index: int) -> int:
        return self._stand.timeline.ns_at(index * self._meter.span_ticks)

    @property
    def _ahead(self) -> int:
        """How many spans ahead the thinker is asked: by choice, or by its slowness."""
        span_ns = self._start_ns(1) - self._start_ns(0)
        slow = self._tally.response_p95_ns
        needed = 0
        if slow > span_ns // 4:
            needed = -(-slow * 5 // (4 * span_ns))
        wanted = max(self._stand.params.commit, needed)
        return next((s for s in STALENESS if s >= wanted), STALENESS[-1])

    # ── in ────────────────────────────────────────────────────────────────────────

    def heard(self, event: Played) -> None:
        """A key went down or up: onto the grid, and perhaps onto this very beat."""
        if event.pitch > 127:
            return
        ticks = self._stand.timeline.ticks_at(event.at_ns)
        if not event.velocity:
            self._beats.up(ticks, event.pitch)
            return
        frame = self._beats.down(ticks, event.pitch)
        self._last_struck = frame
        self._band.human(event.velocity)
        if self._first_index is None:
            self._first_index = frame // self._frames
        index = self._index
        if index is None or frame != index * self._frames:
            return
        if self._prepared:
            self._strike(index, event.at_ns)

    def thought(self, at_ns: int, message: ToPlayer) -> bool:
        """A section: of the answer that plays, of a backup, of one on the beat."""
        if not isinstance(message, Comp):
            return False
        if self._playing is not None and self._playing[1].revision == message.revision:
            index, answer = self._playing
            self._add(answer, message)
            self._band.play(index, self._phase(index), message.notes, message.chord)
            return True
        waiting = [*self._answers.values(), *([self._on_beat] if self._on_beat else [])]
        for answer in waiting:
            if answer.revision == message.revision:
                if answer.chord is None:
                    self._tally.answered(at_ns - answer.asked_ns)
                self._add(answer, message)
                return True
        return False

    def met(self, ready: Ready) -> None:
        """Tell it the last beats; what the one before was asked is asked again."""
        del ready
        self._stand.tell(Reset())
        for beat in self._told:
            self._stand.tell(beat)
        self._answers.clear()
        self._on_beat, self._asked_to = None, None
        if self._prepared and self._index is not None and not self._stand.params.commit:
            self._ask_backup(self._index)

    def silenced(self, at_ns: int) -> None:
        """The DAW stopped: so do we, until something is played again."""
        self._band.rest(at_ns)
        self._first_index = None
        if not self._stand.listener.holds_keys:
            self._beats.clear()

    def forget(self, at_ns: int) -> None:
        """The song is elsewhere: what was heard stays heard, plans do not."""
        self._band.rest(at_ns)
        self._beats.clear()
        self._answers.clear()
        self._on_beat = self._playing = None
        self._index = self._asked_to = self._first_index = None
        self._last_struck = None

    # ── out ───────────────────────────────────────────────────────────────────────

    def advance(self, now_ns: int) -> None:
        """Go through the moments that have come."""
        if not self._stand.transport.running:
            if self._index is not None:
                self.forget(now_ns)
                self._stand.acted = True
            return
        if self._index is None:
            ticks = self._stand.timeline.ticks_at(now_ns) + HALF_FRAME
            self._index = -(-ticks // self._meter.span_ticks)
            self._prepared = False
            self._stand.acted = True
        while self._step(now_ns):
            self._stand.acted = True

    def started(self, due: Due, late_ns: int) -> None:
        """A planned note sounds: it may have to be cut when the chord changes."""
        del late_ns
        self._band.started(due)

    def ended(self) -> None:
        """Nothing ends by itself here."""

    def next_ns(self) -> int | None:
        """The next moment."""
        if self._index is None or not self._stand.transport.running:
            return None
        if not self._prepared:
            return self._prepare_ns(self._index)
        return self._commit_ns(self._index)

    def told(self, status: Status) -> Status:
        """Position, chords and figures."""
        from msgspec.structs import replace

        tally = self._tally
        return replace(
            status,
            position=self._name(self._index - 1) if self._index is not None else "",
            chord=chords.name_of(self._band.chord) if self._band.chord >= 0 else "",
            promised=self._named(self._promises()),
            tentative=self._named(self._guesses()),
            asynchrony_p95_ms=tally.asynchrony_p95_ms,
            isr=round(tally.isr, 5),
            isr_weighted=round(tally.isr_weighted, 5),
        )

    # ── moments ───────────────────────────────────────────────────────────────────

    def _step(self, now_ns: int) -> bool:
        """One moment, if it has come."""
        assert self._index is not None
        if not self._prepared:
            if now_ns < self._prepare_ns(self._index):
                return False
            self._prepare(self._index)
            return True
        is_answered = self._on_beat is not None and self._on_beat.chord is not None
        at_ns = self._commit_ns(self._index)
        if is_answered:
            at_ns = min(at_ns, self._start_ns(self._index))
        if now_ns < at_ns:
            return False
        self._commit(self._index, now_ns)
        return True

    def _prepare_ns(self, index: int) -> int:
        ticks = index * self._meter.span_ticks - HALF_FRAME
        return self._stand.timeline.ns_at(ticks)

    def _commit_ns(self, index: int) -> int:
        """By when a span must be decided, whatever was heard."""
        start_ns = self._start_ns(index)
        if self._on_beat is not None and self._struck_ns is not None:
            return max(start_ns, self._struck_ns) + PATIENCE_NS
        if self._struck_ns is not None:
            return max(start_ns, self._struck_ns)
        if self._stand.params.commit:
            return start_ns
        return start_ns + self._window_ns()

    def _window_ns(self) -> int:
        """How long after the beat a struck note is waited for: as late as they come."""
        recent = self._misses[-32:]
        if len(recent) < 4:
            return LATEST_NS
        mean = sum(recent) / len(recent)
        spread = (sum((m - mean) ** 2 for m in recent) / len(recent)) ** 0.5
        return int(min(max(mean + 2.5 * spread, EARLIEST_NS), LATEST_NS))

    def _prepare(self, index: int) -> None:
        """The span before is over; ask for what is to come."""
        self._prepared = True
        self._on_beat = self._struck_ns = None
        before = index - 1
        span = self._beats.span(before * self._frames, self._frames)
        beat = Beat(before, span, *self._band.sent(before))
        self._told = [*self._told, beat][-RETOLD:]
        self._stand.tell(beat)
        self._guide.heard(span, self._phase(before))
        if not self._ahead:
            self._ask_backup(index)

    def _ask_backup(self, index: int) -> None:
        self._answers[index] = self._ask(index, 0)

    def _strike(self, index: int, at_ns: int) -> None:
        """The human struck this beat: decide with it."""
        if self._struck_ns is None:
            self._struck_ns = at_ns
            self._misses = [*self._misses, at_ns - self._start_ns(index)][-32:]
        backup = self._answers.get(index)
        is_there = backup is not None and backup.chord is not None
        is_quick = self._tally.response_p95_ns <= QUICK_NS
        if is_there and is_quick and not self._ahead:
            self._on_beat = self._ask(index, 0)

    def _ask(self, index: int, staleness: int) -> _Answer:
        """Have the thinker decide a span, knowing what is known now."""
        stand, params = self._stand, self._stand.params
        heard = index - staleness
        beat = self._beats.span(heard * self._frames, self._frames)
        before = self._before(index)
        weights = self._guide.weights(
            params, self._phase, index, beat, staleness, before
        )
        written = stand.written(index * self._meter.span_ticks)
        if written is not None:
            weights = only(weights, [written])
        limits = params.limits()
        decide = Decide(
            revision=stand.next_revision(),
            index=index,
            phase=self._phase(index),
            frames=self._frames,
            beat=beat,
            staleness=staleness,
            chords=tuple(round(float(weight), 3) for weight in weights),
            trust=TRUST * (1.0 - params.lead),
            before=before,
            manner=self._manner(),
            low=limits.low,
            high=limits.high,
            polyphony=limits.polyphony,
            scale=limits.scale if limits.scale >= 0 else 0xFFF,
            temperature=limits.temperature,
            top_p=limits.top_p,
            seed=stand.seed,
        )
        stand.tell(decide)
        fallback = int(weights.argmax())
        if weights[fallback] <= FORBIDDEN:
            fallback = chords.NO_CHORD
        return _Answer(decide.revision, stand.now_ns, staleness, fallback)

    def _before(self, index: int) -> int:
        """The chord of the span before one, as far as it is known."""
        answer = self._answers.get(index - 1)
        if answer is not None and answer.chord is not None:
            return answer.chord
        return self._band.chord

    def _manner(self) -> Manner:
        params = self._stand.params
        return Manner(
            class_of(params.busy, DENSITIES) if params.busy else 0,
            class_of(params.thick, VOICES) if params.thick else 0,
            STYLES.index(params.style),
        )

    def _add(self, answer: _Answer, message: Comp) -> None:
        answer.chord = message.chord
        answer.notes += message.notes
        answer.complete = message.complete

    # ── deciding ──────────────────────────────────────────────────────────────────

    def _commit(self, index: int, now_ns: int) -> None:
        """The span is decided: chord and notes, from whoever has them."""
        backup = self._answers.pop(index, None)
        answer = self._on_beat or backup
        chord, is_planned = self._chosen(index, backup)
        if answer is None or answer.chord is None:
            answer = backup
        staleness = None
        if answer is not None and answer.chord is not None and is_planned:
            staleness = answer.staleness * self._frames
        rests = self._rests(index)
        self._stand.counts["fallbacks"] += not is_planned and not rests
        if not rests:
            self._tally.played(self._frames, staleness)
        if self._struck_ns is not None and not rests:
            self._tally.met(max(now_ns, self._start_ns(index)) - self._struck_ns)
        self._playing = None if answer is None else (index, answer)
        chord = chords.NO_CHORD if rests else chord
        self._band.change(index, self._phase(index), chord, now_ns, self._melody(index))
        notes = None if answer is None or answer.chord is None else answer.notes
        planned_for = None if notes is None or answer is None else answer.chord
        self._band.play(index, self._phase(index), notes, planned_for)
        self._index, self._prepared = index + 1, False
        self._on_beat = self._struck_ns = None
        self._answers = {i: a for i, a in self._answers.items() if i > index}
        if self._ahead:
            self._ask_ahead(index)

    def _chosen(self, index: int, backup: _Answer | None) -> tuple[int, bool]:
        """The chord of a span, and whether the model had a plan for it."""
        written = self._stand.written(index * self._meter.span_ticks)
        on_beat = self._on_beat
        has_plan = any(a is not None and a.chord is not None for a in (on_beat, backup))
        if written is not None:
            return written, has_plan
        if on_beat is not None and on_beat.chord is not None:
            return on_beat.chord, True
        is_promise = bool(self._stand.params.commit)
        if backup is not None and (is_promise or self._struck_ns is None):
            late = backup.staleness and not is_promise
            if backup.chord is not None and not late:
                return backup.chord, True
            if is_promise:
                return backup.fallback, has_plan
        return self._own(index), has_plan

    def _own(self, index: int) -> int:
        """The harmony engine's chord, with what is on the beat."""
        beat = self._beats.span(index * self._frames, self._frames)
        weights = self._guide.weights(
            self._stand.params, self._phase, index, beat, 0,
            self._before(index),
        )  # fmt: skip
        return int(weights.argmax())

    def _ask_ahead(self, index: int) -> None:
        """What is asked so many beats before it is played."""
        ahead = self._ahead
        first = index + 1 if self._asked_to is None else self._asked_to + 1
        for wanted in range(max(first, index + 1), index + ahead + 1):
            age = next(s for s in STALENESS if s >= wanted - index)
            self._answers[wanted] = self._ask(wanted, age)
            self._asked_to = wanted

    def _rests(self, index: int) -> bool:
        """Whether we listen still, or the human has not played for long."""
        if self._first_index is None or self._last_struck is None:
            return True
        beats = (index - self._first_index) * self._frames * FRAME_TICKS / 480
        silent_bars = (index * self._frames - self._last_struck) * FRAME_TICKS
        is_long = silent_bars > RESTS_AFTER_BARS * self._meter.bar_ticks
        return beats < self._stand.params.listen or (
            is_long and self._stand.params.lead < 0.5
        )

    def _melody(self, index: int) -> tuple[int, ...]:
        first = index * self._frames
        return self._beats.span(first, 1).sounding[0]

    # ── showing ───────────────────────────────────────────────────────────────────

    def _promises(self) -> list[tuple[int, int]]:
        """Chords to come that will be played as they are."""
        if self._index is None:
            return []
        ticks = self._meter.span_ticks
        found: list[tuple[int, int]] = []
        for index in range(self._index, self._index + 2 * self._meter.spans_in_bar):
            chord = self._stand.written(index * ticks)
            answer = self._answers.get(index)
            if chord is None and self._stand.params.commit and answer is not None:
                chord = answer.chord
            if chord is not None:
                found.append((index, chord))
        return found

    def _guesses(self) -> list[tuple[int, int]]:
        """Chords to come as they look now."""
        if self._index is None:
            return []
        sure = {index for index, _ in self._promises()}
        found: list[tuple[int, int]] = []
        for ahead in range(self._meter.spans_in_bar):
            index = self._index + ahead
            if index in sure:
                continue
            answer = self._answers.get(index)
            if answer is not None and answer.chord is not None:
                found.append((index, answer.chord))
                continue
            phases = [self._phase(self._index + i) for i in range(ahead + 1)]
            found.append((index, self._guide.likely(phases)))
        return found

    def _named(self, found: list[tuple[int, int]]) -> tuple[tuple[str, str], ...]:
        """By place and name, without the repeats."""
        out: list[tuple[str, str]] = []
        for index, chord in found:
            name = chords.name_of(chord)
            if not out or out[-1][1] != name:
                out.append((self._name(index), name))
        return tuple(out)

    def _name(self, index: int) -> str:
        phase = self._phase(index)
        return f"{phase.bar + 1}.{phase.span + 1}"
