"""The requests to the thinker for single spans, and its answers.

For each span there is at most one *backup*, asked for before the span, and one answer
*on the beat*, asked for when the human struck the beat. Every request holds the weights
that the harmony rules give to the chords. So the thinker cannot choose a chord that the
musician has ruled out, and if it does not answer, the rules' choice is known already.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ripieno.conduct.guide import TRUST, Guide, Weights, only
from ripieno.conduct.manners import Manners
from ripieno.conduct.memory import Memory
from ripieno.conduct.spans import Spans
from ripieno.music import chords
from ripieno.music.spans import Note, Span
from ripieno.play.seat import Seat
from ripieno.protocol import FORBIDDEN, Comp, Decide

AGAIN_ALONE: Final = 0.2
"""The weight of `Memory.weights` where the rules decide alone."""
AGAIN_BESIDE: Final = 0.5
"""The weight of `Memory.weights` beside a network."""
MISSED: Final = 16
"""How many requests are kept that were not answered in time, and may be later."""


@dataclass(slots=True)
class Answer:
    """A request for a span, and what was answered so far.

    Attributes:
        revision, asked_ns: of the request.
        staleness: how many spans before this one the human was last heard.
        knows_beat: whether the request held a note struck on the beat.
        own: the chord that the rules chose at that time.
        chord: the thinker's chord; None until it answers.
        notes: the texture so far.
    """

    revision: int
    asked_ns: int
    staleness: int
    knows_beat: bool
    own: int
    chord: int | None = None
    notes: list[Note] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        """Whether the thinker has answered."""
        return self.chord is not None

    def add(self, message: Comp) -> None:
        """Add a section."""
        self.chord = message.chord
        self.notes += message.notes


class Asks:
    """The open requests. Thread: the engine's.

    Attributes:
        manners: how phrases are filled.
        backups: span → backup.
        on_beat: the request on the beat of the span under way; None if there is none.
    """

    def __init__(self, seat: Seat, spans: Spans, guide: Guide, memory: Memory) -> None:
        self._seat, self._spans, self._guide = seat, spans, guide
        self._memory = memory
        self.manners = Manners(seat.seed)
        self.backups: dict[int, Answer] = {}
        self.on_beat: Answer | None = None
        self._missed: dict[int, int] = {}

    def close(self, index: int) -> None:
        """Close the requests for a span that was decided.

        Those without an answer are kept for `maybe_missed`.
        """
        for answer in (self.on_beat, self.backups.pop(index, None)):
            if answer is not None and not answer.is_there:
                self._missed[answer.revision] = answer.asked_ns
        while len(self._missed) > MISSED:
            del self._missed[next(iter(self._missed))]
        self.on_beat = None

    def maybe_missed(self, revision: int) -> int | None:
        """When a request was made that was answered too late; None if it is unknown."""
        return self._missed.pop(revision, None)

    def clear(self) -> None:
        """Drop all requests."""
        self.backups.clear()
        self.on_beat = None

    def find(self, revision: int) -> Answer | None:
        """The open request with a revision, or None."""
        return next((a for a in self._open() if a.revision == revision), None)

    def take(self, message: Comp) -> tuple[bool, int | None]:
        """Add a section to the request that it answers.

        Returns:
            Whether that request is open; when it was made, if this is its first answer.
        """
        answer = self.find(message.revision)
        if answer is None:
            return False, self.maybe_missed(message.revision)
        asked_ns = None if answer.is_there else answer.asked_ns
        answer.add(message)
        return True, asked_ns

    def ask(self, index: int, staleness: int, before: int) -> Answer:
        """Ask the thinker to decide a span, from what is known now.

        Args:
            index: the span.
            staleness: how many spans before it the human was last heard.
            before: the chord of the span before it.
        """
        seat, spans = self._seat, self._spans
        guidance = seat.parsed.guidance
        beat = spans.heard(index - staleness)
        weights = self._weights(index, beat, staleness, before)
        if (written := spans.written(index)) is not None:
            weights = Weights(*(only(each, [written]) for each in weights))
        limits = seat.parsed.limits
        decide = Decide(
            revision=seat.next_revision(),
            index=index,
            phase=spans.phase(index),
            frames=spans.frames(index),
            beat=beat,
            staleness=staleness,
            chords=tuple(weights.beside.round(3).tolist()),
            trust=TRUST * (1.0 - guidance.lead),
            before=before,
            manner=self.manners.of(
                seat.parsed.manner,
                spans.phase(index),
                spans.first_frame(index),
                beat,
                seat.timeline.beat_ns / 1e9,
            ),
            low=limits.low,
            high=limits.high,
            polyphony=limits.polyphony,
            scale=0xFFF if limits.scale is None else limits.scale,
            temperature=limits.temperature,
            top_p=limits.top_p,
            seed=seat.seed,
        )
        seat.tell(decide)
        own = int(weights.alone.argmax())
        return Answer(
            decide.revision,
            seat.now_ns,
            staleness,
            knows_beat=bool(beat.struck[0]) and not staleness,
            own=chords.NO_CHORD if weights.alone[own] <= FORBIDDEN else own,
        )

    def own(self, index: int, before: int) -> int:
        """The chord that the rules choose for a span that is being heard."""
        weights = self._weights(index, self._spans.heard(index), 0, before)
        return int(weights.alone.argmax())

    def _weights(self, index: int, beat: Span, staleness: int, before: int) -> Weights:
        """The weights of a span's chords."""
        guidance, phase_at = self._seat.parsed.guidance, self._spans.phase
        weights = self._guide.weights(
            guidance, phase_at, index, beat, staleness, before
        )
        now = None if staleness else beat
        again = (1.0 - guidance.lead) * self._memory.weights(index, now, before)
        again[weights.alone <= FORBIDDEN] = 0.0
        shares = AGAIN_ALONE, AGAIN_BESIDE
        return Weights(*(w + s * again for w, s in zip(weights, shares, strict=True)))

    def _open(self) -> Iterator[Answer]:
        yield from self.backups.values()
        if self.on_beat is not None:
            yield self.on_beat
