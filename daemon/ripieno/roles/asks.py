"""What the thinker is asked for, and what came back, span by span.

Of each span there is at most one *backup*, asked ahead of it, and one answer *on the
beat*, asked when the human struck it. What the player itself would choose goes along
with every ask: the thinker cannot choose what the musician has ruled out, and where it
does not answer, the choice is known already.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ripieno.conduct.guide import TRUST, Guide, only
from ripieno.music import chords
from ripieno.music.spans import Note
from ripieno.protocol import FORBIDDEN, Comp, Decide
from ripieno.roles.manners import Manners
from ripieno.roles.spans import Spans
from ripieno.roles.stand import Stand

MISSED: Final = 16
"""Asks that were not answered in time and may be still."""


@dataclass(slots=True)
class Answer:
    """What was asked for a span, and what came back.

    Attributes:
        revision, asked_ns: of the ask.
        staleness: how many spans before it the human was last heard.
        knows_beat: whether it was asked with a note struck on the beat.
        own: the player's own choice at that time.
        chord: the thinker's; None until it answers.
        notes: so far.
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
        """A section came."""
        self.chord = message.chord
        self.notes += message.notes


class Asks:
    """Open asks. Thread: the engine's.

    Attributes:
        manners: how phrases are filled.
        backups: by span.
        on_beat: for the span under way.
    """

    def __init__(self, stand: Stand, spans: Spans, guide: Guide) -> None:
        self._stand, self._spans, self._guide = stand, spans, guide
        self.manners = Manners(stand.seed)
        self.backups: dict[int, Answer] = {}
        self.on_beat: Answer | None = None
        self._missed: dict[int, int] = {}

    def miss(self, answer: Answer | None) -> None:
        """A span was decided without this: how late it comes is still worth knowing."""
        if answer is not None and not answer.is_there:
            self._missed[answer.revision] = answer.asked_ns
            while len(self._missed) > MISSED:
                del self._missed[next(iter(self._missed))]

    def maybe_missed(self, revision: int) -> int | None:
        """When an ask was made that was missed; None where it was not, or long ago."""
        return self._missed.pop(revision, None)

    def clear(self) -> None:
        """Nothing is wanted any more."""
        self.backups.clear()
        self.on_beat = None

    def find(self, revision: int) -> Answer | None:
        """The open ask with this revision."""
        return next((a for a in self._open() if a.revision == revision), None)

    def ask(self, index: int, staleness: int, before: int) -> Answer:
        """Have the thinker decide a span, knowing what is known now.

        Args:
            index: which.
            staleness: how many spans ahead of the one last heard it is.
            before: the chord of the span before it.
        """
        stand, spans = self._stand, self._spans
        guidance = stand.parsed.guidance
        beat = spans.heard(index - staleness)
        weights = self._guide.weights(
            guidance, spans.phase, index, beat, staleness, before
        )
        if (written := stand.written(index * spans.ticks)) is not None:
            weights = only(weights, [written])
        limits = stand.parsed.limits
        decide = Decide(
            revision=stand.next_revision(),
            index=index,
            phase=spans.phase(index),
            frames=spans.frames,
            beat=beat,
            staleness=staleness,
            chords=tuple(round(float(weight), 3) for weight in weights),
            trust=TRUST * (1.0 - guidance.lead),
            before=before,
            manner=self.manners.of(stand.parsed.manner, spans.phase(index)),
            low=limits.low,
            high=limits.high,
            polyphony=limits.polyphony,
            scale=limits.scale if limits.scale >= 0 else 0xFFF,
            temperature=limits.temperature,
            top_p=limits.top_p,
            seed=stand.seed,
        )
        stand.tell(decide)
        own = int(weights.argmax())
        return Answer(
            decide.revision,
            stand.now_ns,
            staleness,
            knows_beat=bool(beat.struck[0]) and not staleness,
            own=chords.NO_CHORD if weights[own] <= FORBIDDEN else own,
        )

    def own(self, index: int, before: int) -> int:
        """The player's own choice for a span that is being heard."""
        weights = self._guide.weights(
            self._stand.parsed.guidance, self._spans.phase, index,
            self._spans.heard(index), 0, before,
        )  # fmt: skip
        return int(weights.argmax())

    def _open(self) -> Iterator[Answer]:
        yield from self.backups.values()
        if self.on_beat is not None:
            yield self.on_beat
