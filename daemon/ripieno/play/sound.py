"""The sound of a seat: the messages that select its program and set its volume.

Source: General MIDI System Level 1, table 1 (sound set). General MIDI 2, 3.3.1: a
volume changes the gain by 40 · log10(volume / 127) dB, and expression likewise.
"""

from typing import Final

from ripieno.music import messages
from ripieno.settings.ensemble import PERCUSSION
from ripieno.settings.params import Params
from ripieno.settings.roles import ROLES

FULL: Final = 127


def maybe_program(params: Params) -> int | None:
    """Return the program that a seat selects, counted from 0; None for none.

    On the drum channel a program is a drum kit, so none is selected there.
    """
    is_drums = params.channel - 1 == PERCUSSION
    if is_drums or not params.sends_program:
        return None
    return ROLES[params.role].program


def volumes(params: Params) -> list[bytes]:
    """Return the messages that set the volume of a seat's channel; none if it is off.

    Its expression is set to the loudest, as a song before may have left it lower.
    """
    if not params.sends_volume:
        return []
    channel, volume = params.channel - 1, ROLES[params.role].volume
    return [
        messages.control(channel, messages.VOLUME, volume),
        messages.control(channel, messages.EXPRESSION, FULL),
    ]


def set_up(params: Params) -> list[bytes]:
    """Return all messages that a seat sends before it plays."""
    program = maybe_program(params)
    if program is None:
        return volumes(params)
    return [messages.select(params.channel - 1, program), *volumes(params)]
