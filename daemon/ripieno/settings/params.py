"""What a musician may turn while the music plays: one frozen value, swapped whole.

Every bound stands in `BOUNDS`. `Params` checks its values against it, whether they come
from a flag, a file or `ripieno set`; `ripieno.settings.controllers` spreads a controller over it. The
README's table repeats the bounds by hand. An error names the value and its bounds.
"""

from typing import Final, Literal, get_args

import msgspec

from ripieno.errors import SettingsError
from ripieno.layouts.duet import STYLES
from ripieno.music import chords, lead_sheet, scales
from ripieno.music.chart import Chart
from ripieno.music.meter import Meter
from ripieno.protocol import FOLLOW_HUMAN, Limits

Role = Literal["answer", "continue", "vary", "accompany", "loop", "harmonize"]
ROLES: Final[tuple[str, ...]] = get_args(Role)
TURNS: Final = ("answer", "continue", "vary")
"""Those that wait for a phrase to be over; the others play along with it."""
PARTS: Final = ("chords", "bass", "texture")
"""What `accompany` plays, each on the channel so many above `channel`."""
COMMITS: Final = (0, 1, 2, 4)
LAST_BAR: Final = 9999
"""More than five hours at 120 bpm in 4/4."""
MANNERS: Final = ("learned", "thirds", "sixths", "fauxbourdon", "octave")
"""How `harmonize` finds its voices."""

BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0.1, 2.0),
    "top_p": (0.05, 1.0),
    "low": (0, 127),
    "high": (0, 127),
    "polyphony": (1, 16),
    "density": (0.25, 40.0),
    "channel": (1, 16),
    "seed": (0, 2**63 - 1),
    "patience": (0.25, 4.0),
    "tightness": (0.0, 1.0),
    "bpm": (20.0, 400.0),
    "lead": (0.0, 1.0),
    "listen": (0, 64),
    "phrase": (0, 16),
    "swing": (0.0, 1.0),
    "busy": (0.0, 40.0),
    "thick": (0.0, 8.0),
    "voices": (1, 3),
    "distance": (0.0, 1.0),
    "blend": (0.0, 1.0),
    "fill": (-1.0, 1.0),
    "rise": (-1.0, 1.0),
    "offbeat": (-1.0, 1.0),
    "bars": (1, 16),
}


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to play.

    Attributes:
        role: ``answer`` replies when a phrase is over; ``continue`` takes over and
            plays on until the human plays; ``vary`` replies with a variation of the
            phrase; ``accompany`` and ``loop`` play on a beat; ``harmonize`` at once.
        temperature: multiplies the model's own; lower is safer, higher is wilder. In
            turns it touches pitch and loudness only: cooled, rhythm runs away.
        top_p: only the likeliest choices that make up this share are considered, or
            fewer where the model's makers say so.
        scale: ``auto`` (what the human plays in), ``off``, or a name: ``D dorian``.
        low, high: the lowest and the highest pitch that the machine may play.
        polyphony: how many of its notes may sound at once; of `accompany`'s texture,
            how many may be struck at once: they ring on as a pianist's do.
        density: at most so many of its notes a second.
        channel: the MIDI channel it plays on, 1 … 16.
        seed: what chance starts from; None takes a fresh one and writes it down.
        patience: scales the silence that ends a phrase; 1 follows the rhythm heard.
        tightness: how strongly its onsets are drawn to the even grid that you play on;
            0 leaves them as the model wants them. Free playing has no grid.
        thru: whether what comes in also goes out.
        bpm: the tempo while no MIDI clock says otherwise.
        meter: such as ``4/4`` or ``6/8``.
        click: whether a metronome sounds on channel 10.
        parts: of `PARTS`, which `accompany` plays.
        lead: 0 follows the human's notes; 1 leads with its own progression.
        commit: how many beats ahead it promises a chord, of `COMMITS`; 0 decides on
            the beat, after hearing it.
        listen: for how many beats it listens before it enters.
        phrase: after how many bars it cadences; 0 leaves the form to the human.
        land: chords that are reached for certain: ``C@9`` is a C on bar 9's downbeat.
        chord_lock: the only chords it may play, such as ``Am`` or ``C F G7``.
        chart: a lead sheet (see `ripieno.music.lead_sheet`); its chords are played.
        style: of the texture: ``auto``, ``pop`` or ``song``.
        busy: notes a bar of the texture; 0 leaves it to the music.
        thick: notes an onset of the texture; 0 leaves it to the music.
        swing: how late the off-beats are, 0 straight to 1 a triplet.
        voices: how many voices `harmonize` adds.
        manner: how it finds them, of `MANNERS`.
        distance: how far `vary` strays from the phrase: 0 repeats it, 1 is new.
        blend: how much of the phrase before it is mixed in.
        fill, rise, offbeat: fewer or more notes, lower or higher, on or off the beat.
        bars: after how many bars `loop` plays a new pattern.
    """

    role: Role = "answer"
    temperature: float = 1.0
    top_p: float = 1.0
    scale: str = "auto"
    low: int = 36
    high: int = 96
    polyphony: int = 4
    density: float = 16.0
    channel: int = 1
    seed: int | None = None
    patience: float = 1.0
    tightness: float = 0.7
    thru: bool = False
    bpm: float = 120.0
    meter: str = "4/4"
    click: bool = False
    parts: str = "chords bass texture"
    lead: float = 0.0
    commit: int = 0
    listen: int = 8
    phrase: int = 0
    land: str = ""
    chord_lock: str = ""
    chart: str = ""
    style: str = "auto"
    busy: float = 0.0
    thick: float = 0.0
    swing: float = 0.0
    voices: int = 3
    manner: str = "learned"
    distance: float = 0.4
    blend: float = 0.0
    fill: float = 0.0
    rise: float = 0.0
    offbeat: float = 0.0
    bars: int = 4

    def time_signature(self) -> Meter:
        """The meter as a value."""
        return Meter.parse(self.meter)

    def landings(self) -> tuple[tuple[int, int], ...]:
        """What `land` says: bars counted from 0, and chords."""
        return tuple(_landing(word) for word in self.land.split())

    def allowed_chords(self) -> tuple[int, ...]:
        """What `chord_lock` says; none where it says nothing."""
        return tuple(chords.named(name) for name in self.chord_lock.split())

    def lead_sheet(self) -> Chart | None:
        """The chart as a value, or None.

        Raises:
            ValueError: it cannot be read, or it is in another meter.
        """
        if not self.chart.strip():
            return None
        meter = self.time_signature()
        chart = lead_sheet.parse(self.chart, meter.bar_ticks, meter.span_ticks)
        if chart.meter and Meter.parse(chart.meter) != meter:
            raise ValueError(
                f"it is in {chart.meter} and meter is {meter}; both must be the same"
            )
        return chart

    def fixed_scale(self) -> frozenset[int] | None:
        """The pitch classes allowed, or None where they follow the human."""
        if self.scale == "auto":
            return None
        return scales.CHROMATIC if self.scale == "off" else scales.named(self.scale)

    def limits(self) -> Limits:
        """The part of it that a plan has to keep."""
        scale = self.fixed_scale()
        return Limits(
            low=self.low,
            high=self.high,
            polyphony=self.polyphony,
            density=self.density,
            scale=FOLLOW_HUMAN if scale is None else sum(1 << pc for pc in scale),
            temperature=self.temperature,
            top_p=self.top_p,
            tightness=self.tightness,
        )


def check(params: Params) -> Params:
    """Return the same value, or say which bound it breaks.

    Raises:
        SettingsError: a value is out of its bounds, with the bounds.
    """
    for name, (low, high) in BOUNDS.items():
        value = getattr(params, name)
        if value is not None and not low <= value <= high:
            raise SettingsError(
                f"{name} is {value}; it must lie between {low} and {high}."
            )
    if params.low > params.high:
        raise SettingsError(
            f"low is {params.low} and high is {params.high}; "
            "low must not be above high."
        )
    try:
        params.fixed_scale()
    except ValueError as error:
        raise SettingsError(f"scale: {error}, or auto, or off.") from error
    _check_choices(params)
    for name, read in (
        ("meter", params.time_signature),
        ("land", params.landings),
        ("chord_lock", params.allowed_chords),
        ("chart", params.lead_sheet),
    ):
        try:
            read()
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from error
    return params


def _check_choices(params: Params) -> None:
    for name, allowed in (
        ("commit", COMMITS), ("style", STYLES), ("manner", MANNERS),
    ):  # fmt: skip
        if (value := getattr(params, name)) not in allowed:
            choices = ", ".join(map(str, allowed))
            raise SettingsError(f"{name} is {value!r}; choose one of {choices}.")
    if unknown := set(params.parts.split()) - set(PARTS):
        raise SettingsError(
            f"parts names {min(unknown)!r}; name any of {', '.join(PARTS)}."
        )


def _landing(word: str) -> tuple[int, int]:
    name, at, bar = word.partition("@")
    is_number = bar.isdecimal() and len(bar) <= len(str(LAST_BAR))
    if not at or not is_number or not 1 <= int(bar) <= LAST_BAR:
        raise ValueError(
            f"{word!r} is no landing; write C@9 for a C on bar 9, and a bar of at most "
            f"{LAST_BAR}."
        )
    return int(bar) - 1, chords.named(name)
