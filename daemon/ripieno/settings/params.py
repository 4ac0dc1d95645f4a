"""The table of parameters: how to play, as one frozen value.

Every field of `Params` is one row of `KNOBS`: its type, its default, and a
`ripieno.settings.knobs.Knob`. The error for a value out of its bounds names the value
and the bounds.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Final, TypeVar

import msgspec

from ripieno.errors import SettingsError
from ripieno.music import zones
from ripieno.music.chart import Chart
from ripieno.music.meter import Meter
from ripieno.music.spans import DENSITIES, STYLES, VOICES, Manner, class_of
from ripieno.music.zones import Zone
from ripieno.protocol import Limits
from ripieno.settings import texts
from ripieno.settings.knobs import Knob, knobs_of
from ripieno.settings.roles import CONDUCTING, ROLES

T = TypeVar("T")

PARTS: Final = {
    place.formerly or place.name: place.name for place in ROLES[CONDUCTING].seats
}
"""The words of the parameter `parts` → the seats of `accompany`."""
COMMITS: Final = (0, 1, 2, 4)
MOST_A_SECOND: Final = 16.0
"""The highest density of a plan, in notes a second: sixteenths at 240 bpm."""
OLD_BAR_S: Final = 2.0
"""A bar of 4/4 at 120 bpm, for a former value in notes a second."""
OLD_NOTES: Final = 8.0
"""Eighths in 4/4, for a former value that was relative to the phrase."""
ENDINGS: Final = ("auto", "off", "now")
"""When `accompany` ends. A button that sends 127, and then 0, ends it now."""
MANNERS: Final = ("learned", "thirds", "sixths", "fauxbourdon", "octave")
"""How `harmonize` finds its voices."""

_TURNS: Final = ("answer", "continue", "vary")
_CHORDS: Final = ("accompany", "pad", "bass", "keys")
_BEATS: Final = (*_CHORDS, "loop")
_VARY: Final = ("vary",)
_VOICES: Final = ("harmonize",)
_LOOP: Final = ("loop",)
_FREE: Final = (*_TURNS, *_BEATS)


def _either(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to play: one field for each row of `KNOBS`."""

    # fmt: off
    role: Annotated[str, Knob(
        _either(name for name, role in ROLES.items() if not role.follows),
        choices=ROLES,
        more="`pad`, `bass` and `keys` are what the seats of `accompany` play.",
    )] = "answer"
    temperature: Annotated[float, Knob(
        "1: as the model learned; lower safer, higher wilder", 0.1, 2.0, controller=24,
        more="It multiplies the model's. In turns it touches pitch and loudness only.",
    )] = 1.0
    top_p: Annotated[float, Knob(
        "consider only the likeliest choices of this share", 0.05, 1.0,
        more="Fewer choices are considered where the model's makers say so.",
    )] = 1.0
    scale: Annotated[str, Knob(
        "auto, off, or a name such as 'D dorian'", is_shared=True,
    )] = "auto"
    low: Annotated[int, Knob(
        "the lowest pitch it plays", 0, 127, unit="MIDI pitch",
    )] = 36
    high: Annotated[int, Knob(
        "the highest pitch it plays", 0, 127, unit="MIDI pitch",
    )] = 96
    polyphony: Annotated[int, Knob(
        "how many of its notes may sound at once", 1, 16, unit="notes",
        more="Of a texture: how many notes may be struck at once.",
    )] = 4
    channel: Annotated[int, Knob("the MIDI channel it plays on", 1, 16)] = 1
    level: Annotated[float, Knob(
        "how loud it plays: 1 as loud as the model, 0.5 half", 0.0, 2.0,
    )] = 1.0
    mute: Annotated[bool, Knob("whether it is silent; it goes on listening")] = False
    sends_program: Annotated[bool, Knob(
        "send the General MIDI program of its role",
        more="At the start, and where its role or channel changes. Not on channel 10.",
    )] = True
    sends_volume: Annotated[bool, Knob(
        "send the volume of its role, so that the soloist is louder",
        more="Controllers 7 and 11, when the program is sent.",
    )] = True
    hears: Annotated[str, Knob(
        "auto, all, left, right, 'channel 2', or keys such as 'C2-B3'",
        metavar="ZONE",
        more="`left` and `right` are the keys below and from `split` on. `auto` is "
        "`right` where `split` is set, else `all`.",
    )] = "auto"
    split: Annotated[str, Knob(
        "the lowest key of the right zone, such as C4; off for none", metavar="KEY",
        is_shared=True,
        more="Chords that are held in the left zone are then the harmony.",
    )] = "off"
    seed: Annotated[int | None, Knob(
        "what chance starts from; fresh and written down if not given", 0, 2**63 - 1,
        is_fixed=True, is_shared=True,
    )] = None
    patience: Annotated[float, Knob(
        "scales the silence that ends a phrase", 0.25, 4.0, roles=_TURNS,
        more="1 follows the rhythm that was heard.",
    )] = 1.0
    tightness: Annotated[float, Knob(
        "how strongly its onsets are drawn to the grid you play on", 0.0, 1.0,
        roles=_TURNS,
        more="0 leaves onsets as the model wants them. Free playing has no grid.",
    )] = 0.7
    thru: Annotated[bool, Knob(
        "pass what comes in on", is_live=True, is_shared=True,
    )] = False
    thru_left: Annotated[bool, Knob(
        "whether thru passes on the left zone as well", is_live=True, is_shared=True,
    )] = True
    bpm: Annotated[float, Knob(
        "the tempo, while no MIDI clock gives one", 20.0, 400.0, unit="beats a minute",
        roles=_BEATS, is_shared=True,
    )] = 120.0
    meter: Annotated[str, Knob(
        "such as 4/4 or 6/8, or 7/8=2+2+3; auto: as it is heard", is_shared=True,
        more="`auto` begins with 4/4, and may change to 3/4, 6/8, 9/8, 5/4 or 7/8, if "
        "your rhythm leaves no doubt. The song has to begin on a bar line.",
    )] = "4/4"
    click: Annotated[bool, Knob("a metronome on channel 10", is_shared=True)] = False
    parts: Annotated[str, Knob(
        "which of 'chords bass texture' it plays", roles=_CHORDS, is_shared=True,
    )] = "chords bass texture"
    lead: Annotated[float, Knob(
        "0: follow your harmony; 1: lead with its own", 0.0, 1.0, roles=_BEATS,
        controller=20, is_shared=True,
    )] = 0.0
    commit: Annotated[int, Knob(
        "promise chords so many beats ahead: 0, 1, 2 or 4", choices=COMMITS,
        unit="beats", roles=_CHORDS, more="0 decides on the beat, after hearing it.",
        is_shared=True,
    )] = 0
    listen: Annotated[int, Knob(
        "listen for so many beats before it enters", 0, 64, unit="beats", roles=_BEATS,
        is_shared=True,
    )] = 8
    phrase: Annotated[int | None, Knob(
        "cadence after so many bars; none leaves that to you", 1, 16, unit="bars",
        roles=_BEATS, unset="none", is_shared=True,
    )] = None
    ending: Annotated[str, Knob(
        "auto: it hears when you end; off: it plays on; now: it ends",
        choices=ENDINGS, roles=_CHORDS, controller=28, is_shared=True,
        more="It ends with a cadence, and plays again as soon as you do. `now` acts "
        "once, and then it is `auto`. `off` plays on for eight bars without you.",
    )] = "auto"
    chord_lock: Annotated[str, Knob(
        "the only chords it may play: 'C F G7 Am'", roles=_BEATS, metavar="CHORDS",
        is_shared=True,
    )] = ""
    chart: Annotated[str, Knob(
        "its chords: a file, bars: 'C | F G7', or landings: 'C@9 F@17'", roles=_BEATS,
        metavar="FILE", formerly={"land": None},
        more="The file is a lead sheet or a MIDI file. `C@9` is a C that is reached "
        "for certain on the downbeat of bar 9; all between landings is free.",
        is_shared=True,
    )] = ""
    texture: Annotated[str, Knob(
        "the manner of the texture: auto, pop or song", choices=STYLES, roles=_CHORDS,
        formerly={"style": None},
    )] = "auto"
    busy: Annotated[float | None, Knob(
        "its notes a bar; auto leaves that to the music", 0.5, 40.0,
        unit="notes a bar", roles=_FREE, controller=21, unset="auto",
        formerly={
            "density": lambda a_second: a_second * OLD_BAR_S,
            "fill": lambda octaves: OLD_NOTES * 2.0**octaves,
        },
        more="For `answer` and `continue` it is an upper bound. `vary` plays at most "
        "twice as many notes as your phrase has, and at least half as many.",
    )] = None
    thick: Annotated[float | None, Knob(
        "its notes an onset; auto leaves that to the music", 1.0, 8.0,
        unit="notes an onset", roles=_BEATS, controller=22, unset="auto",
    )] = None
    swing: Annotated[float, Knob(
        "how late off-beats are: 0 straight, 1 a triplet", 0.0, 1.0, roles=_BEATS,
        controller=23, is_shared=True,
    )] = 0.0
    voices: Annotated[int, Knob(
        "how many voices harmonize adds", 1, 3, roles=_VOICES,
    )] = 3
    manner: Annotated[str, Knob(
        "how: learned, thirds, sixths, fauxbourdon or octave", choices=MANNERS,
        roles=_VOICES,
    )] = "learned"
    distance: Annotated[float, Knob(
        "how far vary strays: 0 repeats you, 1 is new", 0.0, 1.0, roles=_VARY,
    )] = 0.4
    blend: Annotated[float, Knob(
        "how much of the phrase before vary mixes in", 0.0, 1.0, roles=_VARY,
    )] = 0.0
    rise: Annotated[float, Knob(
        "vary lower (-1) or higher (1)", -1.0, 1.0, roles=_VARY,
    )] = 0.0
    offbeat: Annotated[float, Knob(
        "vary on the beat (-1) or off it (1)", -1.0, 1.0, roles=_VARY,
    )] = 0.0
    bars: Annotated[int, Knob(
        "after how many bars loop plays a new pattern", 1, 16, unit="bars", roles=_LOOP,
    )] = 4
    # fmt: on


KNOBS: Final = knobs_of(Params)
"""Name → row, in the order of the help."""


class Guidance(msgspec.Struct, frozen=True):
    """What the parameters say about the chords.

    Attributes:
        lead: 0 follows the human's notes; 1 leads.
        phrase: the number of bars between cadences; None for no cadences.
        scale: the allowed pitch classes; None follows the human.
        landings: bar, counted from 0 → the chord on its first beat.
        allowed_chords: the only allowed chords; empty allows all.
    """

    lead: float = 0.0
    phrase: int | None = None
    scale: frozenset[int] | None = None
    landings: dict[int, int] = {}
    allowed_chords: tuple[int, ...] = ()


class Parsed(msgspec.Struct, frozen=True):
    """The parameters that are texts, parsed once after each change.

    Attributes:
        meter: the length of a bar and of a felt beat.
        hears_meter: whether the metre may change by what is heard.
        guidance: what they say about the chords.
        chart: the lead sheet, or None.
        manner: how dense and thick the texture is, where the musician says so.
        zone: what the seat hears.
        left: the zone in which held chords are the harmony; None for none.
        parts: the seats of `accompany` that play, by name.
        limits: the bounds of every plan; turns may have a lower density.
    """

    meter: Meter
    hears_meter: bool
    guidance: Guidance
    chart: Chart | None
    manner: Manner
    zone: Zone
    left: Zone | None
    parts: frozenset[str]
    limits: Limits


def parse(params: Params) -> Parsed:
    """Parse the parameters that are texts.

    Raises:
        SettingsError: one of them cannot be read.
    """
    meter = _read("meter", lambda text: texts.meter(text, params.chart), params.meter)
    scale = _read("scale", texts.scale, params.scale)
    split = _read("split", texts.split, params.split)
    return Parsed(
        meter=meter,
        hears_meter=params.meter == texts.AUTO_METER and not params.chart.strip(),
        guidance=Guidance(
            lead=params.lead,
            phrase=params.phrase,
            scale=scale,
            landings=_read("chart", texts.landings, params.chart),
            allowed_chords=_read("chord_lock", texts.allowed_chords, params.chord_lock),
        ),
        chart=_read("chart", lambda text: texts.chart(text, meter), params.chart),
        manner=Manner(
            density=0 if params.busy is None else class_of(params.busy, DENSITIES),
            voices=0 if params.thick is None else class_of(params.thick, VOICES),
            style=STYLES.index(params.texture),
        ),
        zone=_read("hears", lambda text: zones.parse(text, split), params.hears),
        left=None if split is None else zones.parse("left", split),
        parts=_parts(params.parts),
        limits=Limits(
            low=params.low,
            high=params.high,
            polyphony=params.polyphony,
            density=MOST_A_SECOND,
            scale=None if scale is None else sum(1 << pc for pc in scale),
            temperature=params.temperature,
            top_p=params.top_p,
            tightness=params.tightness,
        ),
    )


def check(params: Params) -> Params:
    """Return the same value if it is valid.

    Raises:
        SettingsError: a value is out of its bounds or not among its choices, or a text
            cannot be parsed.
    """
    for name, knob in knobs_of(type(params)).items():
        _check(knob, getattr(params, name))
    if params.low > params.high:
        raise SettingsError(
            f"low is {params.low} and high is {params.high}; "
            "low must not be above high."
        )
    parse(params)
    return params


def _check(knob: Knob, value: object) -> None:
    if value is None:
        return
    if knob.choices and value not in knob.choices:
        raise SettingsError(f"{knob.name} is {value!r}; {knob.wanted}.")
    if knob.bounds is not None:
        low, high = knob.bounds
        assert isinstance(value, int | float)
        if not low <= value <= high:
            raise SettingsError(
                f"{knob.name} is {value}; it must lie between {low} and {high}."
            )


def _read(name: str, reader: Callable[[str], T], text: str) -> T:
    try:
        return reader(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


def _parts(text: str) -> frozenset[str]:
    words = set(text.split())
    if unknown := words - set(PARTS):
        raise SettingsError(
            f"parts names {min(unknown)!r}; name any of {', '.join(PARTS)}."
        )
    return frozenset(PARTS[word] for word in words)
