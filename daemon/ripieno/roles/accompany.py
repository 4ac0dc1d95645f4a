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

from collections import deque
from typing import Final

import msgspec

from ripieno.conduct.guide import Guide, landing_at
from ripieno.layouts.duet import STALENESS
from ripieno.music import chords
from ripieno.music.spans import FRAME_TICKS
from ripieno.play.scheduler import Due
from ripieno.protocol import Beat, Comp, Played, Ready, Reset, ToPlayer
from ripieno.roles.asks import Answer, Asks
from ripieno.roles.band import Band
from ripieno.roles.moments import HALF_FRAME, Moments
from ripieno.roles.preview import Preview
from ripieno.roles.stand import Stand
from ripieno.roles.tally import Tally
from ripieno.settings.status import Status, Turn

LATEST_NS: Final = 25_000_000
"""An ensemble begins to notice at 20–30 ms (Schuett 2002): no beat waits longer."""
EARLIEST_NS: Final = 4_000_000
ENOUGH: Final = 4
RECENT: Final = 32
"""So many of the human's last notes on a beat tell how late they come …"""
SPREADS: Final = 2.5
"""… 99 of a hundred within so many standard deviations."""
PATIENCE_NS: Final = 18_000_000
"""How long after the beat, or the onset, the thinker's answer is waited for."""
QUICK_NS: Final = 15_000_000
"""A thinker whose answers take longer (median) is not asked on the beat any more: most
beats would wait for nothing. A few late answers are no reason, as each beat waits at
most `PATIENCE_NS`. Judged by the 95th percentile, a machine with 25 % of its time
stolen had the rules decide 31 of 46 beats."""
SLOW_SHARE: Final = 0.125
"""… and one that takes more than this share of a span is asked spans ahead: a backup
is asked for half a frame before its beat, an eighth of a span."""
MARGIN: Final = 1.25
RETOLD: Final = 64
"""Beats that a thinker which was restarted is told again."""


class Accompany(Moments):
    """The role; see the module and `ripieno.roles.stand.Player`."""

    notice_ticks = HALF_FRAME

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self._band, self._tally = Band(stand), Tally()
        self._guide = Guide(stand.tables, stand.seed)
        self._asks = Asks(stand, self._spans, self._guide)
        self._preview = Preview(stand, self._spans, self._asks, self._guide)
        self._told: deque[Beat] = deque(maxlen=RETOLD)
        self._misses: deque[int] = deque(maxlen=RECENT)
        self._restart()

    def _restart(self) -> None:
        super()._restart()
        self._struck_ns: int | None = None
        self._playing: tuple[int, Answer] | None = None
        self._asked_to: int | None = None
        self._last: tuple[int, int] | None = None

    @property
    def turn(self) -> Turn:
        """Both at once, once we are in."""
        if self._band.chord != chords.NO_CHORD:
            return "machine"
        return "idle" if self._last is None else "human"

    # ── in ────────────────────────────────────────────────────────────────────────

    def _down(self, event: Played, ticks: int, frame: int) -> None:
        """The human plays, perhaps on this very beat."""
        del ticks
        self._band.human(event.velocity)
        self._asks.manners.heard(frame)
        self._last = frame, event.at_ns
        self._heard_ticks = frame * FRAME_TICKS
        if self._entered is None:
            self._entered = frame // self._spans.frames * self._spans.ticks
        if self._index is not None and frame == self._index * self._spans.frames:
            self._strike(self._index, event.at_ns)

    def thought(self, at_ns: int, message: ToPlayer) -> bool:
        """A section: of the answer that plays, of a backup, of one on the beat."""
        if not isinstance(message, Comp):
            return False
        if self._playing is not None and self._playing[1].revision == message.revision:
            index, answer = self._playing
            self._stand.decided_ns = at_ns
            answer.add(message)
            self._band.play(
                index, self._spans.phase(index), message.notes, message.chord
            )
            return True
        answer_to = self._asks.find(message.revision)
        if answer_to is None:
            asked_ns = self._asks.maybe_missed(message.revision)
            if asked_ns is not None:
                self._tally.answered(at_ns - asked_ns)
            return False
        if not answer_to.is_there:
            self._tally.answered(at_ns - answer_to.asked_ns)
        answer_to.add(message)
        return True

    def met(self, ready: Ready) -> None:
        """Tell it the last beats; what the one before was asked is asked again."""
        del ready
        self._stand.tell(Reset())
        for beat in self._told:
            self._stand.tell(beat)
        self._asks.clear()
        self._asked_to = None
        if self._index is not None and self._is_prepared and not self._ahead:
            self._ask_backup(self._index)

    def forget(self, at_ns: int) -> None:
        """The song is elsewhere: what it taught us stays, plans do not."""
        self._rest(at_ns)
        self._leave(at_ns)
        self._spans.beats.clear()
        self._asks.clear()
        self._restart()

    # ── out ───────────────────────────────────────────────────────────────────────

    def started(self, due: Due, late_ns: int) -> None:
        """A planned note sounds: it may have to be cut when the chord changes."""
        del late_ns
        self._band.started(due)

    def told(self, status: Status) -> Status:
        """Figures; while the song runs, position and chords."""
        status = msgspec.structs.replace(
            status,
            asynchrony_p95_ms=self._tally.asynchrony_p95_ms,
            isr=round(self._tally.isr, 5),
            isr_weighted=round(self._tally.isr_weighted, 5),
            by_model=round(self._tally.by_model, 5),
        )
        if self._index is None:
            return status
        chord = self._band.chord
        return msgspec.structs.replace(
            status,
            position=self._spans.name(self._index - 1),
            chord="" if chord == chords.NO_CHORD else chords.name_of(chord),
            promised=()
            if self._rests(self._index)
            else self._preview.promised(self._index),
            tentative=self._preview.tentative(self._index),
        )

    # ── moments ───────────────────────────────────────────────────────────────────

    def _rest(self, at_ns: int) -> None:
        """Stop playing; what sounds ends."""
        self._band.rest(at_ns)

    def _prepare(self, index: int) -> None:
        """The span before is over; ask for what is to come."""
        is_resumed = index == self._resumes
        if not is_resumed:  # else that span was told before the song jumped
            self._tell_beat(index - 1)
        if not self._ahead:
            self._ask_backup(index)
        if self._last is not None and self._last[0] == index * self._spans.frames:
            self._struck_ns = self._last[1]  # so early that the backup knows it
            if is_resumed:  # … but was asked only now: it is waited for
                self._asks.on_beat = self._asks.backups.pop(index, None)

    def _tell_beat(self, index: int) -> None:
        """A span is over: the thinker and the harmony engine hear it."""
        span = self._spans.heard(index)
        beat = Beat(index, span, *self._band.sent(index))
        self._told.append(beat)
        self._stand.tell(beat)
        self._guide.heard(span, self._spans.phase(index))

    def _strike(self, index: int, at_ns: int) -> None:
        """The human struck this beat: decide with it, if there is time."""
        if not self._is_prepared:
            return
        if self._struck_ns is None:
            self._struck_ns = at_ns
            self._misses.append(at_ns - self._spans.start_ns(index))
        backup = self._asks.backups.get(index)
        has_backup = backup is not None and backup.is_there
        # So early that two answers can be made before the beat: the backup's comes too.
        is_early = self._spans.start_ns(index) - at_ns >= QUICK_NS
        if (
            (has_backup or is_early)
            and not self._ahead
            and self._tally.response_p50_ns <= QUICK_NS
        ):
            self._asks.on_beat = self._asks.ask(index, 0, self._before(index))

    def _moment_ns(self, index: int) -> int:
        """When a span is decided, as things stand."""
        start_ns, on_beat = self._spans.start_ns(index), self._asks.on_beat
        if self._stand.params.commit:
            return start_ns - self._stand.reach_ns
        if self._struck_ns is None:
            return start_ns + self._window_ns()
        played_ns = max(start_ns, self._struck_ns)
        is_open = on_beat is not None and not on_beat.is_there
        return played_ns + PATIENCE_NS if is_open else played_ns

    def _window_ns(self) -> int:
        """How long after the beat a struck note is waited for: as late as they come."""
        recent = self._misses
        if len(recent) < ENOUGH:
            return LATEST_NS
        mean = sum(recent) / len(recent)
        spread = (sum((m - mean) ** 2 for m in recent) / len(recent)) ** 0.5
        return int(min(max(mean + SPREADS * spread, EARLIEST_NS), LATEST_NS))

    def _moment(self, index: int, now_ns: int) -> None:
        """The span is decided: chord and notes, from whoever has them."""
        stand, spans = self._stand, self._spans
        phase, stand.decided_ns = spans.phase(index), now_ns
        chord, answer, by_model = self._chosen(index)
        self._playing = None if answer is None else (index, answer)
        if self._rests(index):
            chord = chords.NO_CHORD
        else:
            self._count(index, answer, now_ns)
            self._tally.decided(by_model=by_model)
        melody = spans.heard(index).sounding[0]
        self._band.change(index, phase, chord, now_ns, melody)
        if answer is not None and answer.chord is not None:
            self._band.play(index, phase, answer.notes, answer.chord)
        else:
            self._band.play(index, phase, None, None)
        self._turn_to(index + 1)
        self._asks.miss(self._asks.on_beat)
        self._asks.miss(self._asks.backups.pop(index, None))
        self._asks.on_beat = self._struck_ns = None
        stand.acted = True
        if ahead := self._ahead:
            self._ask_ahead(index, ahead)

    def _chosen(self, index: int) -> tuple[int, Answer | None, bool]:
        """How a span is played.

        Returns:
            The chord; the answer whose notes are played to it, if there is one; whether
            that answer is the model's decision, not notes moved to the rules' chord.
        """
        backup, on_beat = self._asks.backups.get(index), self._asks.on_beat
        has_backup = backup is not None and backup.is_there
        written = self._stand.written(index * self._spans.ticks)
        if written is None:
            written = landing_at(self._stand.parsed.guidance, self._spans.phase(index))
        if on_beat is not None and on_beat.chord is not None:
            answer, chord = on_beat, on_beat.chord
        elif backup is not None and self._still_holds(backup):
            answer, chord = backup, backup.own if backup.chord is None else backup.chord
        else:
            chord = self._asks.own(index, self._before(index))
            kept = backup if has_backup else None
            return chord if written is None else written, kept, False
        return chord if written is None else written, answer, answer.is_there

    def _still_holds(self, backup: Answer) -> bool:
        """Whether a backup is to be played as it is: promised, or nothing new came."""
        if self._stand.params.commit:
            return True
        is_fresh = backup.is_there and not backup.staleness
        return is_fresh and (self._struck_ns is None or backup.knows_beat)

    def _count(self, index: int, answer: Answer | None, now_ns: int) -> None:
        frames = self._spans.frames
        is_planned = answer is not None and answer.is_there
        staleness = answer.staleness * frames if answer and is_planned else None
        self._tally.played(frames, staleness)
        self._stand.counts["fallbacks"] += not is_planned
        if self._struck_ns is not None:
            played_ns = max(now_ns, self._spans.start_ns(index))
            self._tally.met(played_ns - self._struck_ns)

    # ── asking ────────────────────────────────────────────────────────────────────

    @property
    def _ahead(self) -> int:
        """How many spans ahead the thinker is asked: by choice, or by its slowness."""
        span_ns = self._spans.start_ns(1) - self._spans.start_ns(0)
        slow = self._tally.response_p95_ns / span_ns
        needed = -int(-slow * MARGIN // 1) if slow > SLOW_SHARE else 0
        wanted = max(self._stand.params.commit, needed)
        return next((s for s in STALENESS if s >= wanted), STALENESS[-1])

    def _ask_backup(self, index: int) -> None:
        self._asks.backups[index] = self._asks.ask(index, 0, self._before(index))

    def _ask_ahead(self, index: int, ahead: int) -> None:
        """What is asked so many spans before it is played."""
        first = index + 1 if self._asked_to is None else self._asked_to + 1
        for wanted in range(max(first, index + 1), index + ahead + 1):
            age = next(s for s in STALENESS if s >= wanted - index)
            answer = self._asks.ask(wanted, age, self._before(wanted))
            self._asks.backups[wanted] = answer
            self._asked_to = wanted

    def _before(self, index: int) -> int:
        """The chord of the span before one, as far as it is known."""
        backup = self._asks.backups.get(index - 1)
        if backup is not None and backup.chord is not None:
            return backup.chord
        return self._band.chord

    def _rests(self, index: int) -> bool:
        """Whether we listen still, or the human has not played for long."""
        if self._heard_ticks is None or self._listens(index):
            return True
        return self._is_left_alone(index * self._spans.ticks - self._heard_ticks)
