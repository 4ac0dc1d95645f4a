"""Reads and changes the parameters of a running daemon, from another process.

::

    words ─▶ presence: which daemon? ──▶ its block: what it shows ──▶ merge, check
       ▲                                                                │
       └── taken: what it shows has changed ◀── player ◀── ring "knobs" ◀┘

Every change is checked here, so that the user gets a sentence. The player checks it
again, because its parameters may have changed meanwhile.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ripieno import __version__
from ripieno.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from ripieno.errors import PortError, SettingsError
from ripieno.files.charts import read_chart
from ripieno.ipc import notes, presence
from ripieno.ipc.block import Block
from ripieno.ipc.presence import Presence
from ripieno.music.lead_sheet import BAR_LINE, has_landings_only, text_of
from ripieno.settings import texts
from ripieno.settings.controllers import merged, parsed
from ripieno.settings.ensemble import Change, Ensemble, SeatSettings, changed
from ripieno.settings.knobs import with_present_names
from ripieno.settings.params import KNOBS, Params
from ripieno.settings.status import Status

LOOK_NS: Final = 5 * NS_PER_MS
PATIENCE_NS: Final = 2 * NS_PER_S
"""A player that was killed is back within half a second."""
FROM_FILE: Final = "@"
"""A file's name may begin with it, as elsewhere; it need not."""
NOBODY: Final = "No Ripieno plays here; start one with `ripieno play`."


class Changed(NamedTuple):
    """A change of a running daemon's parameters.

    Attributes:
        before, after: all parameters.
        given: the names of the parameters that were given, changed or not.
        renamed: one sentence for each old name among the names given.
    """

    before: Ensemble
    after: Ensemble
    given: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()


def change(
    words: Sequence[str],
    name_in: str | None = None,
    *,
    add: tuple[SeatSettings, ...] = (),
    remove: tuple[str, ...] = (),
) -> Changed:
    """Change parameters and seats of a running daemon, or only read them.

    Args:
        words: ``name=value`` or ``seat.name=value`` each.
        name_in: the daemon's input port, where several play.
        add: seats to add.
        remove: the names of the seats to remove.

    Returns:
        The parameters before and after, and the given names.

    Raises:
        SettingsError: a word, a name or a value is wrong, or several daemons run and
            none is named.
        FileError: a chart's file cannot be read.
        PortError: no daemon runs, or it does not answer.
    """
    given, renamed = with_present_names(KNOBS, dict(map(_split, words)))
    files = {n: path for n, text in given.items() if (path := _maybe_file(n, text))}
    fields = {
        name: parsed(name.rpartition(".")[2], text)
        for name, text in given.items()
        if name not in files
    }
    path, daemon = _daemon(name_in)
    with presence.alone(path), _attached(daemon) as block:
        before = _shown(block, daemon)
        for name, chart in files.items():
            fields |= _from_file(name, chart, before.ensemble.params, fields)
        wanted = Change(fields, add, remove)
        if wanted == Change():
            return Changed(before.ensemble, before.ensemble)
        after = changed(before.ensemble, wanted)
        _hand_over(block, wanted, before, SystemClock())
    return Changed(before.ensemble, after, tuple(fields), tuple(renamed))


def status_of(name_in: str | None = None) -> Status | None:
    """Return the status of a running daemon; None where it has only started.

    Args:
        name_in: the daemon's input port, where several play.

    Raises:
        SettingsError: several daemons run and none is named.
        PortError: no daemon runs.
    """
    _, daemon = _daemon(name_in)
    with _attached(daemon) as block:
        record = block.status.read()
    return None if record is None else notes.decode_status(record)


# ── words ─────────────────────────────────────────────────────────────────────────────


def _split(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    name = name.strip().replace("-", "_")
    if not equals:
        raise SettingsError(f"{word!r} is no setting; write name=value, as lead=0.5.")
    if text.startswith(FROM_FILE) and name != "chart":
        raise SettingsError(f"{name} is not read from a file; only chart=@FILE is.")
    return name, text


def _maybe_file(name: str, text: str) -> Path | None:
    """Return the file that a chart names, or None for bars and landings."""
    if name != "chart" or not text.strip():
        return None
    if BAR_LINE in text or has_landings_only(text):
        return None
    return Path(text.removeprefix(FROM_FILE))


def _from_file(
    name: str, path: Path, params: Params, fields: dict[str, Any]
) -> dict[str, Any]:
    """Return a file's chart, and its meter if the file has one."""
    meter = merged(params, {n: v for n, v in fields.items() if n == "meter"}).meter
    chart = read_chart(path, texts.meter(meter))
    brought = {"meter": chart.meter} if chart.meter and "meter" not in fields else {}
    return {name: text_of(chart), **brought}


# ── the daemon ────────────────────────────────────────────────────────────────────────


def _daemon(name_in: str | None) -> tuple[Path, Presence]:
    """Return the daemon that is named, or the only one, with its file."""
    found = [entry for entry in presence.present() if _has_block(*entry)]
    if not found:
        raise PortError(NOBODY)
    names = ", ".join(sorted({repr(each.name_in) for _, each in found}))
    meant = [entry for entry in found if name_in in (None, entry[1].name_in)]
    if not meant:
        raise SettingsError(f"No Ripieno plays on {name_in!r}; there is: {names}.")
    if len(meant) > 1:
        how = "choose one with --in NAME"
        if len({each.name_in for _, each in meant}) < len(meant):
            how = "give them names of their own with `ripieno play --in NAME`"
        raise SettingsError(f"{len(meant)} Ripienos play ({names}); {how}.")
    path, daemon = meant[0]
    if daemon.version != __version__:
        raise PortError(
            f"The Ripieno on {daemon.name_in!r} is {daemon.version}, this is "
            f"{__version__}; start it again."
        )
    return path, daemon


def _has_block(path: Path, daemon: Presence) -> bool:
    """Return whether its block exists: another process may have a dead one's pid."""
    try:
        Block(daemon.block, is_guest=True).close()
    except OSError:
        presence.withdraw(path)
        return False
    return True


@contextlib.contextmanager
def _attached(daemon: Presence) -> Iterator[Block]:
    try:
        block = Block(daemon.block, is_guest=True)
    except OSError as error:
        raise PortError(NOBODY) from error
    with contextlib.closing(block):
        yield block


def _shown(block: Block, daemon: Presence) -> notes.Shown:
    if (shown := notes.shown_in(block.shown)) is None:
        raise PortError(
            f"The Ripieno on {daemon.name_in!r} has not begun to play; try again."
        )
    return shown


def _hand_over(block: Block, wanted: Change, before: notes.Shown, clock: Clock) -> None:
    """Send the changes to the player, and wait until it has applied them."""
    ring = block.ring("knobs")
    if not ring.write(notes.encode_change(wanted)):
        raise SettingsError("That is too long to hand over; shorten the chart.")
    until_ns = clock.now_ns() + PATIENCE_NS
    while clock.now_ns() < until_ns:
        now = notes.shown_in(block.shown) or before
        if ring.is_empty and now != before:
            return
        clock.wait_until(clock.now_ns() + LOOK_NS)
    raise PortError(
        f"The player has not answered within {PATIENCE_NS // NS_PER_S} s; it takes the "
        "change when it plays again."
    )
