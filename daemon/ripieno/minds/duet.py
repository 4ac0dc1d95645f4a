"""Accompaniment, thought out: a chord for a span, then its texture, frame by frame.

Two graphs. *Harmony* advances once a span and gives logits of chords; the player's own
log weights are added, so that what the musician rules out stays ruled out. *Texture*
writes tokens on that chord.

Each line has a *trunk*, up to what really happened, and branches from it: deciding a
span again, with the note that was just struck, starts from the same states as before.
What was played otherwise than planned (another chord, a note dropped) is fed to texture
again as it was, as soon as it is known.

Knows the two graphs by their buffers; reads no clock, does not know ONNX Runtime.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ripieno.inference.controls import State
from ripieno.inference.graph import Graph
from ripieno.inference.outputs import check_choice
from ripieno.layouts import duet
from ripieno.layouts.duet import Scene
from ripieno.music.chords import NO_CHORD
from ripieno.music.spans import Note
from ripieno.protocol import FORBIDDEN, Beat, Comp, Decide, Reset, ToThinker

if TYPE_CHECKING:
    from ripieno.inference.session import Loaded

MOST_STEPS: Final = 64
"""A span of four frames with eight notes each, and then some."""
_LENGTHS: Final = np.ones(len(duet.LENGTHS), bool)
"""All lengths are allowed."""
KEPT: Final = 8
"""Spans whose states are kept, to be fed again if they were played otherwise."""


@dataclass(slots=True)
class _Line:
    """Where texture stands: its state before its last token, and that token."""

    state: State
    token: int = duet.NEXT
    length: int = 0
    ringing: tuple[tuple[int, int], ...] = ()

    def rung(self, frames: int) -> "_Line":
        """The same, so many frames later: (pitch, frames left) of what still rings."""
        left = tuple((p, n - frames) for p, n in self.ringing if n > frames)
        return _Line(self.state, self.token, self.length, left)


@dataclass(slots=True)
class _Branch:
    """A span in the making."""

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
    """A span that was written: from where, on what, and what."""

    scene: Scene
    frames: int
    before: _Line
    notes: tuple[Note, ...]


class Duet:
    """Answers `Decide`. Thread: one."""

    hears: Final = (Beat,)

    def __init__(self, harmony: Graph, texture: Graph) -> None:
        """Start with an empty history.

        Args:
            harmony: its graph, loaded and warm.
            texture: its graph, loaded and warm.
        """
        self._harmony, self._texture = harmony, texture
        self.reset()

    def reset(self) -> None:
        """Forget everything played."""
        self._harmony.reset()
        self._texture.reset()
        self._ear = duet.Ear()
        self._ahead = self._harmony.state()
        self._starts: dict[int, State] = {}
        self._line = _Line(self._texture.state())
        self._done: dict[int, _Done] = {}
        self._branch: _Branch | None = None

    def receive(self, message: ToThinker) -> None:
        """Take a message from the player; ignore it if it is for other minds."""
        if isinstance(message, Beat):
            self.beat(message)
        elif isinstance(message, Decide):
            self.begin(message)
        elif isinstance(message, Reset):
            self.reset()

    def answer(self) -> Comp | None:
        """The next section, if one is wanted."""
        return self.section()

    def beat(self, beat: Beat) -> None:
        """A span is over: what the human played, and what we did."""
        self._ear.heard(beat.heard)
        if self._branch is not None and self._branch.ask.index == beat.index:
            self._settle()  # a plan that nobody had time to write yet
        done = self._done.get(beat.index)
        if done is None:
            return
        if beat.chord != done.scene.chord or beat.notes != done.notes:
            self._feed_again(beat, done)

    def begin(self, ask: Decide) -> None:
        """Decide a span: the next one, or the same one knowing more."""
        if ask.index not in self._starts:
            self._settle()
            self._starts[ask.index] = self._ahead
        elif ask.index in self._done:
            self._line = self._done[ask.index].before
        self._drop_from(ask.index)
        self._harmony.restore(self._starts[ask.index])
        chord, likely = self._choose(ask)
        self._ahead = self._harmony.state()
        scene = self._scene(ask, chord)
        seed = np.random.SeedSequence((ask.seed, ask.index & 0xFFFFFFFF))
        self._branch = _Branch(
            ask, chord, likely, scene, self._line, np.random.default_rng(seed)
        )

    def _drop_from(self, index: int) -> None:
        """Later plans were for another way on, or the song has jumped back."""
        self._done = {i: done for i, done in self._done.items() if i < index}
        self._starts = {
            i: s for i, s in self._starts.items() if index - KEPT < i <= index
        }

    def section(self) -> Comp | None:
        """The next section: the first frame, then the others. None when all is said."""
        branch = self._branch
        if branch is None or branch.frame >= branch.ask.frames:
            return None
        until = 1 if branch.section == 0 else branch.ask.frames
        written = len(branch.notes)
        if branch.chord == NO_CHORD:
            branch.frame = until = branch.ask.frames
        while branch.frame < until:
            self._write_frame(branch)
        comp = Comp(
            branch.ask.revision,
            branch.section,
            branch.chord,
            branch.likely,
            tuple(branch.notes[written:]),
            until,
            complete=until == branch.ask.frames,
        )
        branch.section += 1
        return comp

    # ── harmony ───────────────────────────────────────────────────────────────────

    def _choose(self, ask: Decide) -> tuple[int, float]:
        """The likeliest chord under both opinions, and how likely it is."""
        own = np.array(ask.chords)
        rows = self._ear.rows(ask.beat)
        put = self._harmony.put
        put["rows"][0] = rows
        put["scalars"][0] = duet.scalars(rows, ask.phase, ask.staleness)
        self._harmony.run()
        logits = self._harmony.out["logits"][0].astype(np.float64)
        if (own <= FORBIDDEN).all():
            return NO_CHORD, 1.0
        scores = ask.trust * (logits - logits.max()) + own
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        chord = int(scores.argmax())
        return chord, round(float(shares[chord]), 4)

    # ── texture ───────────────────────────────────────────────────────────────────

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

    def _write_frame(self, branch: _Branch) -> None:
        """Notes of one frame, lowest first, until the token that ends it."""
        ask = branch.ask
        for struck in range(MOST_STEPS):
            mask = self._mask(branch, struck)
            noise = branch.noise.random(2).astype(np.float32)
            token, length = self._step(branch, branch.frame, mask, noise)
            frames = duet.LENGTHS[length]
            if token == duet.NEXT:
                break
            pitch = duet.pitch_of(token, branch.chord)
            branch.notes.append(Note(branch.frame, pitch, frames))
            branch.line = _with(branch.line, pitch, frames)
        branch.frame += 1
        branch.line = branch.line.rung(1)
        if branch.frame == ask.frames:
            self._done[ask.index] = _Done(
                branch.scene, ask.frames, self._line, tuple(branch.notes)
            )

    def _mask(self, branch: _Branch, struck: int) -> npt.NDArray[np.bool_]:
        """Which tokens are allowed: register, scale, rising, no more than so many."""
        ask = branch.ask
        mask = np.zeros(duet.TOKENS, bool)
        mask[duet.NEXT] = True
        if struck >= ask.polyphony:
            return mask
        lowest = ask.low
        if struck:
            lowest = max(lowest, branch.notes[-1].pitch + 1)
        ground = duet.anchor(branch.chord)
        pitches = np.arange(ground, ground + duet.HEIGHTS)
        in_scale = np.array([ask.scale >> pc & 1 for pc in range(12)], bool)
        mask[1:] = (pitches >= lowest) & (pitches <= ask.high) & in_scale[pitches % 12]
        return mask

    def _step(
        self,
        branch: _Branch,
        frame: int,
        mask: npt.NDArray[np.bool_],
        noise: npt.NDArray[np.float32],
    ) -> tuple[int, int]:
        """Tell texture its last token; get the next one and its length."""
        line, put = branch.line, self._texture.put
        self._texture.restore(line.state)
        put["token"][0], put["length"][0] = line.token, line.length
        ringing = [pitch for pitch, _ in line.ringing]
        put["context"][0] = duet.context(branch.scene, frame, ringing)
        put["mask"][0] = mask
        put["noise"][0] = noise
        put["temperature"][0] = branch.ask.temperature
        put["top_p"][0] = branch.ask.top_p
        self._texture.run()
        token = int(self._texture.out["next_token"][0])
        check_choice("token", token, mask)
        is_note = token != duet.NEXT
        length = int(self._texture.out["next_length"][0]) if is_note else 0
        check_choice("length", length, _LENGTHS)
        branch.line = _Line(self._texture.state(), token, length, line.ringing)
        return token, length

    def _settle(self) -> None:
        """The last span becomes the past: finish it, and go on from its end."""
        branch = self._branch
        if branch is None:
            return
        if branch.chord != NO_CHORD:
            while branch.frame < branch.ask.frames:
                self._write_frame(branch)
        self._line = branch.line
        self._done = {
            i: d for i, d in self._done.items() if i > branch.ask.index - KEPT
        }

    def _feed_again(self, beat: Beat, done: _Done) -> None:
        """Something else was played: texture is told that instead."""
        self._settle()
        self._branch = None
        if beat.chord == NO_CHORD:  # we rested: as in training, nothing was written
            line = done.before.rung(done.frames)
        else:
            scene = msgspec.structs.replace(done.scene, chord=beat.chord)
            line = self._told(done.before, scene, done.frames, beat.notes)
        for index in sorted(i for i in self._done if i > beat.index):
            later = self._done[index]
            later.before = line
            line = self._told(line, later.scene, later.frames, later.notes)
        self._line = line

    def _told(
        self, line: _Line, scene: Scene, frames: int, notes: tuple[Note, ...]
    ) -> _Line:
        """A line after a span's notes were fed to it."""
        put = self._texture.put
        for frame in range(frames):
            struck = [note for note in notes if note.frame == frame]
            for note in [*struck, None]:
                self._texture.restore(line.state)
                put["token"][0], put["length"][0] = line.token, line.length
                ringing = [pitch for pitch, _ in line.ringing]
                put["context"][0] = duet.context(scene, frame, ringing)
                self._texture.run()
                state = self._texture.state()
                if note is None:
                    line = _Line(state, duet.NEXT, 0, line.ringing)
                    continue
                token = duet.token_of(note.pitch, scene.chord)
                length = duet.length_of(note.frames)
                line = _with(
                    _Line(state, token, length, line.ringing), note.pitch, note.frames
                )
            line = line.rung(1)
        return line


def _with(line: _Line, pitch: int, frames: int) -> _Line:
    """The line, with a note that rings."""
    others = tuple((p, n) for p, n in line.ringing if p != pitch)
    return _Line(line.state, line.token, line.length, (*others, (pitch, frames)))


def from_model(loaded: "Loaded") -> Duet:
    """A mind that plays by a loaded model."""
    return Duet(loaded.graphs["harmony"], loaded.graphs["model"])
