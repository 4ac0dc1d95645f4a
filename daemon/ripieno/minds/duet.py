"""The mind of the accompaniment: a chord for a span, then its texture.

Two graphs. *Harmony* advances once a span and gives log probabilities of chords, once
with the chord that sounds, once without. The player's own log weights are added, so
what the musician rules out stays ruled out. *Texture* writes the notes, frame by frame,
on that chord.

Both keep the state before each span. So a span can be decided again, with the note that
was just struck, from the same state as before. When something else was played than was
planned, texture is fed with what was played as soon as it is known.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from ripieno.inference.controls import Bools, State
from ripieno.inference.graph import Graph
from ripieno.inference.outputs import check_choice
from ripieno.layouts import duet
from ripieno.layouts.duet import Scene
from ripieno.music import chords
from ripieno.music.chords import NO_CHORD
from ripieno.music.lasting import Lasting
from ripieno.music.spans import Note
from ripieno.protocol import FORBIDDEN, Beat, Comp, Decide, Reset, ToThinker

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

MOST_STEPS: Final = 64
"""The most tokens of a frame: far more than the polyphony allows."""
_LENGTHS: Final = np.ones(len(duet.LENGTHS), bool)
"""All lengths are allowed."""
FRESH: Final = 0.5
"""The weight of the opinion that does not know which chord sounds, beside the one that
does. It makes a note that contradicts the chord count at once; see decision 29."""
COLOUR: Final = 2.5
"""By how many nats a seventh or a suspension is likelier than the triad on its root,
once that triad is chosen. The likeliest chord is plain more often than people's chords
are, because the colours of a chord share its probability."""
KEPT: Final = 8
"""How many spans' states are kept, to feed what was really played."""


class _Line(NamedTuple):
    """The place of texture: its state before its last token, and that token.

    Attributes:
        ringing: (pitch, frames left) of the notes that sound.
    """

    state: State
    token: int = duet.NEXT
    length: int = 0
    ringing: tuple[tuple[int, int], ...] = ()

    def rung(self, frames: int) -> "_Line":
        """Return the same line some frames later; what has ended rings no more."""
        left = tuple((p, n - frames) for p, n in self.ringing if n > frames)
        return self._replace(ringing=left)

    def struck(self, pitch: int, frames: int) -> "_Line":
        """Return the line with one more note that rings."""
        others = tuple((p, n) for p, n in self.ringing if p != pitch)
        return self._replace(ringing=(*others, (pitch, frames)))


@dataclass(slots=True)
class _Draft:
    """A span that is being written."""

    ask: Decide
    chord: int
    likely: float
    scene: Scene
    line: _Line
    noise: np.random.Generator
    frame: int = 0
    section: int = 0
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class _Done:
    """A span that was written: the line before it, its scene and its notes."""

    scene: Scene
    frames: int
    before: _Line
    notes: tuple[Note, ...]


class Duet:
    """Answers `Decide`. Thread: one."""

    hears: Final = (Beat,)

    def __init__(self, harmony: Graph, texture: Graph) -> None:
        """Start with an empty history; both graphs are loaded and warm."""
        self._harmony, self._texture = harmony, texture
        self.reset()

    def reset(self) -> None:
        """Forget everything that was played."""
        self._harmony.reset()
        self._texture.reset()
        self._ear, self._lasting = duet.Ear(), Lasting()
        self._ahead = self._harmony.state()
        self._starts: dict[int, State] = {}
        self._line = _Line(self._texture.state())
        self._done: dict[int, _Done] = {}
        self._draft: _Draft | None = None

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player; ignore it if it is for other minds."""
        if isinstance(message, Beat):
            self.beat(message)
        elif isinstance(message, Decide):
            self.begin(message)
        elif isinstance(message, Reset):
            self.reset()

    def beat(self, beat: Beat) -> None:
        """Take what both really played in a span."""
        self._ear.heard(beat.heard)
        self._lasting.played(beat.index, beat.chord)
        if self._draft is not None and self._draft.ask.index == beat.index:
            self._settle()  # it was not written to its end yet
        done = self._done.get(beat.index)
        real = beat.chord, beat.notes
        if done is not None and real != (done.scene.chord, done.notes):
            self._feed_again(beat, done)

    def begin(self, ask: Decide) -> None:
        """Decide the next span, or the same one again with more known."""
        if ask.index not in self._starts:
            self._settle()
            self._starts[ask.index] = self._ahead
        elif ask.index in self._done:
            self._line = self._done[ask.index].before
        # The spans from this one on were planned from another past.
        self._done = {i: done for i, done in self._done.items() if i < ask.index}
        near = range(ask.index - KEPT + 1, ask.index + 1)
        self._starts = {i: state for i, state in self._starts.items() if i in near}
        self._harmony.restore(self._starts[ask.index])
        chord, likely = self._choose(ask)
        self._ahead = self._harmony.state()
        scene = self._scene(ask, chord)
        noise = np.random.default_rng((ask.seed, ask.index & 0xFFFFFFFF))
        self._draft = _Draft(ask, chord, likely, scene, self._line, noise)

    def answer(self) -> Comp | None:
        """Return the next section: the first frame, then the rest; None after that."""
        draft = self._draft
        if draft is None or draft.frame >= draft.ask.frames:
            return None
        until, written = draft.ask.frames if draft.section else 1, len(draft.notes)
        if draft.chord == NO_CHORD:
            draft.frame = until = draft.ask.frames
        while draft.frame < until:
            self._write_frame(draft)
        comp = Comp(
            revision=draft.ask.revision,
            section=draft.section,
            chord=draft.chord,
            likely=draft.likely,
            notes=tuple(draft.notes[written:]),
            until_frame=until,
            complete=until == draft.ask.frames,
        )
        draft.section += 1
        return comp

    def _choose(self, ask: Decide) -> tuple[int, float]:
        """Return the likeliest chord by both opinions, and how likely it is."""
        rows, put = self._ear.rows(ask.beat), self._harmony.put
        put["rows"][0] = rows
        put["scalars"][0] = duet.scalars(rows, ask.phase, ask.staleness)
        lasted = self._lasting.lasted(ask.index, ask.before)
        put["before"][0] = ask.before
        put["lasted"][0] = min(lasted, duet.LASTED) if ask.before != NO_CHORD else 0
        self._harmony.run()
        own = np.array(ask.chords)
        if (own <= FORBIDDEN).all():
            return NO_CHORD, 1.0
        out = self._harmony.out
        scores = out["logits"][0].astype(np.float64) + FRESH * out["fresh"][0]
        scores = ask.trust * (scores - scores.max()) + own
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        chord = int(scores.argmax())
        if chord != ask.before:
            rich = (c for c in chords.coloured(chord) if c != ask.before)
            best = max(rich, key=scores.__getitem__, default=chord)
            chord = best if scores[best] + COLOUR > scores[chord] else chord
        return chord, round(float(shares[chord]), 4)

    def _scene(self, ask: Decide, chord: int) -> Scene:
        beat, before = ask.beat, self._ear.before
        sounding = beat.sounding[0] if beat is not None else ()
        return Scene(
            chord=chord,
            before=ask.before,
            phase=ask.phase,
            melody=max(sounding, default=None),
            is_struck=bool(beat is not None and beat.struck[0]),
            onsets=before.onsets if before is not None else 0,
            manner=ask.manner,
        )

    def _write_frame(self, draft: _Draft) -> None:
        """Write the notes of one frame, lowest first."""
        ask = draft.ask
        for struck in range(MOST_STEPS):
            line = draft.line = self._step(draft, self._mask(draft, struck))
            if line.token == duet.NEXT:
                break
            pitch = duet.pitch_of(line.token, draft.chord)
            frames = duet.LENGTHS[line.length]
            draft.notes.append(Note(draft.frame, pitch, frames))
            draft.line = line.struck(pitch, frames)
        draft.frame += 1
        draft.line = draft.line.rung(1)
        if draft.frame == ask.frames:
            self._done[ask.index] = _Done(
                draft.scene, ask.frames, self._line, tuple(draft.notes)
            )

    def _mask(self, draft: _Draft, struck: int) -> Bools:
        """Return which tokens are allowed by register, scale, order and polyphony."""
        ask = draft.ask
        mask = np.zeros(duet.TOKENS, bool)
        mask[duet.NEXT] = True
        if struck >= ask.polyphony:
            return mask
        lowest = max(ask.low, draft.notes[-1].pitch + 1) if struck else ask.low
        ground = duet.anchor(draft.chord)
        pitches = np.arange(ground, ground + duet.HEIGHTS)
        in_scale = np.array([ask.scale >> pc & 1 for pc in range(12)], bool)
        mask[1:] = (pitches >= lowest) & (pitches <= ask.high) & in_scale[pitches % 12]
        return mask

    def _step(self, draft: _Draft, mask: Bools) -> _Line:
        """Sample a token and its length; return the line that ends in them."""
        put, out = self._texture.put, self._texture.out
        put["mask"][0] = mask
        put["noise"][0] = draft.noise.random(2)
        put["temperature"][0] = draft.ask.temperature
        put["top_p"][0] = draft.ask.top_p
        state = self._run(draft.line, draft.scene, draft.frame)
        token = int(out["next_token"][0])
        check_choice("token", token, mask)
        length = 0 if token == duet.NEXT else int(out["next_length"][0])
        check_choice("length", length, _LENGTHS)
        return draft.line._replace(state=state, token=token, length=length)

    def _run(self, line: _Line, scene: Scene, frame: int) -> State:
        """Feed the last token of a line to texture; return the state after it."""
        put, ringing = self._texture.put, [pitch for pitch, _ in line.ringing]
        self._texture.restore(line.state)
        put["token"][0], put["length"][0] = line.token, line.length
        put["context"][0] = duet.context(scene, frame, ringing)
        self._texture.run()
        return self._texture.state()

    def _settle(self) -> None:
        """Write the current span to its end, and go on from there."""
        draft = self._draft
        if draft is None:
            return
        if draft.chord != NO_CHORD:
            while draft.frame < draft.ask.frames:
                self._write_frame(draft)
        self._line = draft.line
        self._done = {i: d for i, d in self._done.items() if i > draft.ask.index - KEPT}

    def _feed_again(self, beat: Beat, done: _Done) -> None:
        """Feed texture with what was played instead of what was planned."""
        self._settle()
        self._draft = None
        if beat.chord == NO_CHORD:  # silent: as in training, nothing was written
            line = done.before.rung(done.frames)
        else:
            scene = msgspec.structs.replace(done.scene, chord=beat.chord)
            line = self._fed(done.before, scene, done.frames, beat.notes)
        for index in sorted(i for i in self._done if i > beat.index):
            later = self._done[index]
            later.before = line
            line = self._fed(line, later.scene, later.frames, later.notes)
        self._line = line

    def _fed(
        self, line: _Line, scene: Scene, frames: int, notes: tuple[Note, ...]
    ) -> _Line:
        """Return the line after a span's notes were fed to it."""
        for frame in range(frames):
            for note in (each for each in notes if each.frame == frame):
                state = self._run(line, scene, frame)
                token = duet.token_of(note.pitch, scene.chord)
                length = duet.length_of(note.frames)
                line = _Line(state, token, length, line.ringing)
                line = line.struck(note.pitch, note.frames)
            state = self._run(line, scene, frame)
            line = _Line(state, duet.NEXT, 0, line.ringing).rung(1)
        return line


def from_model(loaded: "Loaded") -> Duet:
    """Return a mind that plays by a loaded model."""
    return Duet(loaded.graphs["harmony"], loaded.graphs["model"])
