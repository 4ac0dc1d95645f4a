"""Makes settings of parsed arguments: flags over a file, and a chart read.

Nothing heavy is imported before a command needs it: `ripieno --help` is quick.
"""

import argparse
from functools import partial
from pathlib import Path

from ripieno.errors import SettingsError
from ripieno.music import lead_sheet
from ripieno.settings import texts
from ripieno.settings.config import Settings, load
from ripieno.settings.ensemble import warnings
from ripieno.settings.flags import TOP, seat_of
from ripieno.settings.knobs import knobs_of
from ripieno.settings.output import say


def settings_of(
    arguments: argparse.Namespace, into: type[Settings] = Settings
) -> Settings:
    """Return the settings that a file and the flags make.

    Prints a sentence for each old name of a parameter.

    Args:
        arguments: the parsed command line.
        into: the type of the settings; it names the table of parameters.

    Raises:
        RipienoError: a file cannot be read, or a value is out of its bounds.
    """
    given = {k: v for k, v in vars(arguments).items() if v is not None}
    knobs = knobs_of(type(into().play))
    names = (*knobs, *(old for knob in knobs.values() for old in knob.formerly))
    play = {name: given[name] for name in names if name in given}
    top = {name: given[name] for name in TOP.values() if name in given}
    if "seat" in given:
        top["seat"] = [seat_of(text, knobs) for text in given["seat"]]
    chart = play.get("chart", "")
    if chart.strip() and not lead_sheet.has_landings_only(chart):
        without = load(given.get("config"), dict(top), play | {"chart": ""})
        play |= _charted(chart, without.play.meter)
        wanted = given.get("meter", texts.AUTO_METER)
        play |= {"meter": wanted} if wanted != texts.AUTO_METER else {}
    settings = load(
        given.get("config"), top, play, into=into, tell=partial(say, is_error=True)
    )
    for sentence in warnings(settings.ensemble):
        say(sentence, is_error=True)
    return settings


def _charted(given: str, meter: str) -> dict[str, str]:
    """Return a chart as text, and its meter.

    Args:
        given: the chart where it has a bar line; a file's name otherwise.
        meter: the meter where the chart has none.

    Raises:
        RipienoError: the chart cannot be read.
    """
    from ripieno.files.charts import read_chart

    try:
        if lead_sheet.BAR_LINE not in given:
            chart = read_chart(Path(given), texts.meter(meter))
            given = lead_sheet.text_of(chart)
        says = lead_sheet.headers(given).get("meter", meter)
        return {"chart": given, "meter": str(texts.meter(says))}
    except ValueError as error:
        raise SettingsError(f"chart: {error}.") from error
