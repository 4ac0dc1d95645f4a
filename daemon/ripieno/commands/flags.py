"""The flags of the command line, and the settings that they and a file make.

Every field of `ripieno.settings.params.Params` is a flag of the same name; `PLAY` is the one
table of them, with each one's kind and its line of help. It stands apart from `Params`
because `ripieno --help` has to answer before numpy is loaded; a test holds the two
together. `written` is the other way round: the flags that make some settings.

Knows no command.
"""

import argparse
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ripieno.settings.config import Settings

ROLE: Final = "answer, continue, vary, accompany, loop or harmonize"

PLAY: Final[dict[str, tuple[type, str]]] = {
    "role": (str, ROLE),
    "temperature": (float, "1: as the model learned; lower safer, higher wilder"),
    "top_p": (float, "consider only the likeliest choices of this share"),
    "scale": (str, "auto, off, or a name such as 'D dorian'"),
    "low": (int, "the lowest pitch it plays"),
    "high": (int, "the highest pitch it plays"),
    "polyphony": (int, "how many of its notes may sound at once"),
    "density": (float, "at most so many of its notes a second"),
    "channel": (int, "the MIDI channel it plays on"),
    "seed": (int, "what chance starts from; fresh and written down if not given"),
    "patience": (float, "scales the silence that ends a phrase"),
    "tightness": (float, "how strongly its onsets are drawn to the grid you play on"),
    "thru": (bool, "pass what comes in on"),
    "bpm": (float, "the tempo, while no MIDI clock gives one"),
    "meter": (str, "such as 4/4 or 6/8"),
    "click": (bool, "a metronome on channel 10"),
    "parts": (str, "which of 'chords bass texture' it plays"),
    "lead": (float, "0: follow your harmony; 1: lead with its own"),
    "commit": (int, "promise chords so many beats ahead: 0, 1, 2 or 4"),
    "listen": (int, "listen for so many beats before it enters"),
    "phrase": (int, "cadence after so many bars; 0 leaves that to you"),
    "land": (str, "chords to be reached for certain: 'C@9 F@17', by bar"),
    "chord_lock": (str, "the only chords it may play: 'C F G7 Am'"),
    "chart": (str, "its chords: a lead sheet, a MIDI file, or bars: 'C | F G7'"),
    "style": (str, "of the accompaniment: auto, pop or song"),
    "busy": (float, "its notes a bar; 0 leaves that to the music"),
    "thick": (float, "its notes an onset; 0 leaves that to the music"),
    "swing": (float, "how late off-beats are: 0 straight, 1 a triplet"),
    "voices": (int, "how many voices harmonize adds"),
    "manner": (str, "how: learned, thirds, sixths, fauxbourdon or octave"),
    "distance": (float, "how far vary strays: 0 repeats you, 1 is new"),
    "blend": (float, "how much of the phrase before vary mixes in"),
    "fill": (float, "vary with fewer (-1) or more notes (1)"),
    "rise": (float, "vary lower (-1) or higher (1)"),
    "offbeat": (float, "vary on the beat (-1) or off it (1)"),
    "bars": (int, "after how many bars loop plays a new pattern"),
}
"""Field of `Params` → its kind, and what it means in a line."""

TOP: Final = {
    "backend": "backend", "model": "model", "provider": "provider", "in": "name_in",
    "out": "name_out", "journal": "journal", "server-wait": "server_wait_s",
}  # fmt: skip
"""Flag → field of `Settings`."""
BAR_LINE: Final = "|"
METAVARS: Final = {"chart": "FILE", "land": "CHORD@BAR", "chord_lock": "CHORDS"}
LIVE_ONLY: Final = frozenset({"thru"})
"""A file that is rendered keeps its own tracks: nothing is to be passed on."""


def add_playing(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """How to play. A subcommand's flags must not reset what came before it."""
    group, absent = parser.add_argument_group("playing"), _absent(again=again)
    group.add_argument("--config", type=Path, default=absent, help="a TOML file")
    group.add_argument("--model", default=absent, help="a name, or a model's folder")
    group.add_argument("--provider", default=absent, help="auto, cpu or cuda")
    for name in PLAY:
        if name not in LIVE_ONLY:
            _add(group, name, absent)


def add_live(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Where to play."""
    group, absent = parser.add_argument_group("ports"), _absent(again=again)
    group.add_argument(
        "--backend",
        default=absent,
        help="auto, jack, rtmidi-jack, alsa, coremidi or windows",
    )
    group.add_argument("--in", dest="name_in", default=absent, help="input port's name")
    group.add_argument(
        "--out", dest="name_out", default=absent, help="output port's name"
    )
    for name in LIVE_ONLY:
        _add(group, name, absent)
    group.add_argument("--journal", default=absent, help="write a journal to this file")
    group.add_argument(
        "--server-wait",
        dest="server_wait_s",
        type=float,
        default=absent,
        help="seconds to wait for a MIDI server that went away",
    )


def settings_of(arguments: argparse.Namespace) -> "Settings":
    """The settings that a file and the flags make.

    Raises:
        RipienoError: a file cannot be read, or a value is out of its bounds.
    """
    from ripieno.settings.config import load

    given = {k: v for k, v in vars(arguments).items() if v is not None}
    play = {name: given[name] for name in PLAY if name in given}
    top = {name: given[name] for name in TOP.values() if name in given}
    chart = play.get("chart", "")
    if chart.strip():
        without = load(given.get("config"), top, play | {"chart": ""})
        play |= _charted(chart, without.play.meter)
        play |= {"meter": given["meter"]} if "meter" in given else {}
    return load(given.get("config"), top, play)


def seed_of(settings: "Settings") -> int:
    """The seed that was asked for, or a fresh one."""
    given = settings.play.seed
    return secrets.randbits(32) if given is None else given


def written(settings: "Settings", seed: int) -> list[str]:
    """The flags that give `ripieno play` these settings and this seed.

    What only a file can say (the controllers) is left out.
    """
    top = {flag: getattr(settings, name) for flag, name in TOP.items()}
    play = {name: getattr(settings.play, name) for name in PLAY} | {"seed": seed}
    given = {name: value for name, value in (top | play).items() if value is not None}
    return [_written(name, value) for name, value in given.items()]


def _absent(*, again: bool) -> str | None:
    return argparse.SUPPRESS if again else None


def _add(group: argparse._ArgumentGroup, name: str, absent: str | None) -> None:
    kind, meaning = PLAY[name]
    flag = _flag(name)
    if kind is bool:
        yes_or_no = argparse.BooleanOptionalAction
        group.add_argument(
            flag, dest=name, action=yes_or_no, default=absent, help=meaning
        )
    else:
        group.add_argument(
            flag, dest=name, type=kind, default=absent, help=meaning,
            metavar=METAVARS.get(name),
        )  # fmt: skip


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _written(name: str, value: object) -> str:
    if isinstance(value, bool):
        return _flag(name) if value else _flag(f"no-{name}")
    return f"{_flag(name)}={value}"


def _charted(given: str, meter: str) -> dict[str, str]:
    """A chart as text, and the meter that it is in.

    Args:
        given: bars, where there is a bar line in it; a file's name otherwise.
        meter: the one to read it in, if it says none.

    Raises:
        RipienoError: there is no chart.
    """
    from ripieno.errors import SettingsError
    from ripieno.files.charts import read_chart
    from ripieno.music import lead_sheet
    from ripieno.music.meter import Meter

    try:
        if BAR_LINE not in given:
            chart = read_chart(Path(given), Meter.parse(meter))
            given = lead_sheet.text_of(chart)
        says = lead_sheet.headers(given).get("meter", meter)
        return {"chart": given, "meter": str(Meter.parse(says))}
    except ValueError as error:
        raise SettingsError(f"chart: {error}.") from error
