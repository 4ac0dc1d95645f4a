"""What the player and the thinker say to each other; also what the journal holds.

The thinker has a mind for each seat. A `Letter` goes to one of them, a `Reply` comes
from it. To a mind: `Reset` (forget all, and play this role) and, by role,

* turns: `Played` (something really sounded or stopped), `Ask` (a plan is wanted);
* loop: `Groove` (a bar of the pattern is wanted);
* accompaniment: `Beat` (what really happened in a span), `Decide` (fill the next one);
* harmony: `Sing` (a key went down: which other voices?).

From it: `Ready`, `Plan`, `Comp`, `Voices`. All are frozen values that encode to one
line of JSON, tagged with their type; `encode` and the decoders are exact inverses.
"""

from typing import Final

import msgspec

from ripieno.music.sources import HUMAN
from ripieno.music.spans import Manner, Note, Phase, Span
from ripieno.music.timeline import Timeline

FALLBACK: Final = "fallback"
"""The model, and the provider, of a `Ready` that says that no model plays."""

CONDUCTOR: Final = 0
"""The number of the conductor among the seats; those that play count from 1."""
EVERYONE: Final = -1
"""The address of a `Ready` that concerns all seats that its roles are for."""


class Played(msgspec.Struct, frozen=True, tag=True):
    """Something that really happened at an instant.

    Attributes:
        at_ns: when: stamped on arrival (human), or when it was sent (machine).
        source: 0 human, 1 machine.
        pitch: 0 … 127, or 128 for the sustain pedal, 129 for the soft pedal.
        velocity: 1 … 127 for down, 0 for up.
    """

    at_ns: int
    source: int
    pitch: int
    velocity: int

    @property
    def is_pedal(self) -> bool:
        """Whether it is a pedal, not a key."""
        return self.pitch > 127

    @property
    def is_human_onset(self) -> bool:
        """Whether the human struck a note."""
        return self.source == HUMAN and self.velocity > 0 and not self.is_pedal


INTERRUPTED_NS: Final = 350_000_000
"""Who plays on within so long after a reply began had only paused: the phrase goes on.
The pause then counts as one of its gaps, so the next silence is waited for longer.
Nobody hears a reply and answers it so soon. With 1.2 s, a player who cuts replies short
waits for 2.3 s instead of 0.5 for each of them (`ripieno bench latency`)."""


class Limits(msgspec.Struct, frozen=True):
    """Hard limits on what may be planned; `ripieno.settings.params.Params` has them.

    Attributes:
        tightness: how strongly onsets are drawn to the grid, 0 … 1.
        density: onsets a second.
        scale: bit c set where pitch class c is allowed; None for what the human plays
            in.
    """

    low: int = 0
    high: int = 127
    polyphony: int = 16
    density: float = 40.0
    scale: int | None = 0xFFF
    temperature: float = 1.0
    top_p: float = 1.0
    tightness: float = 0.0


class Variation(msgspec.Struct, frozen=True):
    """How a phrase is to be varied; see `ripieno.settings.params.Params` for the knobs.

    Attributes:
        since_ns: when the phrase began; what the human played from then on is it.
        distance: 0 repeats it, 1 is new.
        blend: how much of the phrase before it is mixed in, 0 … 1.
        fill: −1 for half as many notes, 1 for twice as many.
        rise, offbeat: −1 … 1.
    """

    since_ns: int
    distance: float
    blend: float = 0.0
    fill: float = 0.0
    rise: float = 0.0
    offbeat: float = 0.0


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A plan is wanted.

    Attributes:
        revision: which plan; a later Ask with the same one wants more of it.
        timeline: how ticks and nanoseconds meet.
        start_ticks: when its first note sounds; it is scheduled to the tick.
        until_ticks: how far to plan.
        closing: whether the music should come to an end there.
        pulse_ticks: the beat felt in the phrase that is answered.
        grid_ticks: the even grid that its onsets lie on; 0 where they are free.
        seed: what chance starts from.
        limits: what is allowed.
        role: who is asked: ``answer`` (and ``continue``), or ``vary``.
        vary: what is to be varied, and how; for ``vary`` alone.
        foreseen: whether the human may still play on: then a first section is enough,
            and nothing of it sounds before an Ask with the same revision comes that
            is not.
        reply: which reply of the performance it is, however often it was foreseen; 0
            where the revision says it.
    """

    revision: int
    timeline: Timeline
    start_ticks: int
    until_ticks: int
    closing: bool
    pulse_ticks: int
    grid_ticks: int
    seed: int
    limits: Limits
    role: str = "answer"
    vary: Variation | None = None
    foreseen: bool = False
    reply: int = 0

    @property
    def chance(self) -> tuple[int, int]:
        """What chance starts from: whenever a reply is planned, it is the same."""
        return self.seed, self.reply or self.revision


class PlannedNote(msgspec.Struct, frozen=True, array_like=True):
    """A note to come: ``start_ticks <= end_ticks``, both absolute."""

    start_ticks: int
    end_ticks: int
    pitch: int
    velocity: int


class Plan(msgspec.Struct, frozen=True, tag=True):
    """A section of a plan.

    Attributes:
        revision: the Ask that it answers; any other than the current one is stale.
        section: 0, 1, … within the revision.
        notes: by start.
        until_ticks: no later section holds a note that starts before this.
        complete: whether the Ask is answered to its end.
    """

    revision: int
    section: int
    notes: tuple[PlannedNote, ...]
    until_ticks: int
    complete: bool


class Beat(msgspec.Struct, frozen=True, tag=True):
    """What really happened in one span.

    Attributes:
        index: which span, counted from the beginning of the song; it rises by one
            until the song jumps.
        heard: the human's part.
        chord: what was played to it; `NO_CHORD` where the machine was silent.
        notes: the texture that was really sent.
    """

    index: int
    heard: Span
    chord: int
    notes: tuple[Note, ...]


class Decide(msgspec.Struct, frozen=True, tag=True):
    """A chord and a texture are wanted for one span.

    Attributes:
        revision: which answer; any other than the current one is stale.
        index: which span. The same one again: decide again, knowing more.
        phase: where it lies.
        frames: how many it has.
        beat: the human's part on the beat, `staleness` spans before; its first frame
            alone counts. None where nothing is known of it.
        staleness: how many spans old `beat` is; 0 where it was just heard.
        chords: a log weight a chord, to be added to the network's opinion; minus
            infinity is written as `FORBIDDEN`, where the musician rules a chord out.
        trust: the weight of the network's opinion beside these.
        before: the chord of the span before.
        manner: how to fill.
        low, high: the texture's register.
        polyphony: how many of its notes may sound at once.
        scale: bit c set where pitch class c is allowed.
        temperature, top_p: of the texture's sampling.
        seed: what chance starts from.
    """

    revision: int
    index: int
    phase: Phase
    frames: int
    beat: Span | None
    staleness: int
    chords: tuple[float, ...]
    trust: float
    before: int
    manner: Manner
    low: int
    high: int
    polyphony: int
    scale: int
    temperature: float
    top_p: float
    seed: int


FORBIDDEN: Final = -1e4
"""The log weight of a chord that is ruled out."""


class Comp(msgspec.Struct, frozen=True, tag=True):
    """A section of an answer to `Decide`.

    Attributes:
        revision, section: as in `Plan`.
        chord: the same in all sections.
        likely: how sure of it, 0 … 1.
        notes: of the frames before `until_frame` that no section before this had.
        until_frame: how far the texture is written.
        complete: whether that is to the span's end.
    """

    revision: int
    section: int
    chord: int
    likely: float
    notes: tuple[Note, ...]
    until_frame: int
    complete: bool


class Groove(msgspec.Struct, frozen=True, tag=True):
    """A bar of a loop is wanted; the answer is a `Plan` of one section.

    Attributes:
        revision: which answer.
        index: which bar, counted from the beginning of the song.
        start_ticks, bar_ticks: where it lies, and how long it is.
        chords: one for every beat of it (`ripieno.music.chords`); `NO_CHORD` for none.
        pattern: which pattern it belongs to: bars with the same one sound alike.
        busy: notes a bar; None leaves it to the music.
        seed: what chance starts from.
        limits: what is allowed.
        starts: on which of its sixteenths its beats begin; () where they are even.
    """

    revision: int
    index: int
    start_ticks: int
    bar_ticks: int
    chords: tuple[int, ...]
    pattern: int
    busy: float | None
    seed: int
    limits: Limits
    starts: tuple[int, ...] = ()


class Sing(msgspec.Struct, frozen=True, tag=True):
    """A key went down: which voices go with it?

    Attributes:
        revision: which answer.
        at_ns: when it went down.
        pitch: the human's.
        voices: how many others are wanted, 1 … 3.
        limits: what is allowed.
    """

    revision: int
    at_ns: int
    pitch: int
    voices: int
    limits: Limits


class Voices(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Sing`: rising pitches below the human's."""

    revision: int
    pitches: tuple[int, ...]


class Ready(msgspec.Struct, frozen=True, tag=True):
    """A model is loaded and warm; or another one plays from now on, or none does.

    Attributes:
        model, sha256: which one; `FALLBACK` where there is none, and the player's own
            composer plays.
        provider, why: on what it runs and why, in one line.
        roles: that it plays.
        shift: −1 where it is a lighter model, that takes over from one which is too
            slow, or where none is left; 1 where that one is quick enough again; 0 where
            a thinker is new and has heard nothing.
        since: with a shift, the first Ask (by revision) of which it makes sections.
    """

    model: str
    sha256: str
    provider: str
    why: str
    roles: tuple[str, ...] = ("answer", "continue")
    shift: int = 0
    since: int = 0

    @property
    def is_fallback(self) -> bool:
        """Whether no model plays."""
        return self.provider == FALLBACK


class Reset(msgspec.Struct, frozen=True, tag=True):
    """Forget everything played, and be the mind of a role from now on.

    What the player still has of the history may follow: for turns the last events
    (`ripieno.hear.history`), for the conductor the last beats, else nothing.

    Attributes:
        role: the name under which models say that they play it; empty where the seat
            is gone and its mind is free.
    """

    role: str = ""


ToThinker = Played | Ask | Beat | Decide | Groove | Sing | Reset
ToPlayer = Ready | Plan | Comp | Voices


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """A message to the mind of a seat.

    Attributes:
        seat: the number of the seat, or `CONDUCTOR`.
        message: what is said.
    """

    seat: int
    message: ToThinker


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """A message from the mind of a seat.

    Attributes:
        seat: the number of the seat, `CONDUCTOR`, or `EVERYONE`.
        message: what is said.
    """

    seat: int
    message: ToPlayer


encode = msgspec.json.Encoder().encode
decode_letter = msgspec.json.Decoder(Letter).decode
decode_reply = msgspec.json.Decoder(Reply).decode
