"""`ripieno-export corpus FOLDER -o OUT`: any folder of music, packed for training."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from ripieno.errors import SettingsError
from ripieno_export import packing, split
from ripieno_export.display import say
from ripieno_export.packed import KINDS, REFUSED, Packed
from ripieno_export.sources import NOT_STATED

SHOWN: Final = 40
"""Lines of the table of what was refused; all of it is in refused.csv."""


def run(options: argparse.Namespace) -> None:
    """Pack, and say what came of it.

    Raises:
        SettingsError: a share is out of its bounds.
        FileError: the folder cannot be read, or the output cannot be written.
    """
    share = options.held_out
    if share is None:
        share = split.HELD_OUT_SHARE
    if not 0 <= share <= 0.5:
        raise SettingsError(f"--held-out is {share:g}; it must be between 0 and 0.5.")
    found = packing.pieces_of(options.folder, options.licence)
    packed = packing.pack(found, options.output, held_out_share=share)
    for line in (*_sources(packed), *_refused(packed, options.output)):
        say(line)


def _sources(packed: Packed) -> list[str]:
    lengths = np.diff(packed.bounds)
    lines = []
    for number, origin in enumerate(packed.origins):
        mine = packed.origin == number
        kinds = Counter(KINDS[kind] for kind in packed.kind[mine].tolist())
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        lines.append(
            f"{origin.name}: {counted}; {int(lengths[mine].sum()):,} notes; "
            f"licence: {origin.licence}"
        )
    families = len(np.unique(packed.family))
    lines.append(
        f"{len(packed.kind)} pieces of {families} tunes, {int(lengths.sum()):,} notes; "
        f"{int(packed.held_out.sum())} pieces are held out."
    )
    if any(origin.licence == NOT_STATED for origin in packed.origins):
        lines.append(
            "A licence is not stated: put a LICENSE file beside the music, or give "
            "--licence, before you publish what learns from it."
        )
    return lines


def _refused(packed: Packed, out: Path) -> list[str]:
    refused = packed.refused
    if not refused:
        return ["No file was refused."]
    width = min(max(len(file) for file, _ in refused), 60)
    lines = [f"{len(refused)} files were refused; all are in {out / REFUSED}:"]
    lines += [f"  {file:<{width}}  {why}" for file, why in refused[:SHOWN]]
    if len(refused) > SHOWN:
        lines.append(f"  … and {len(refused) - SHOWN} more")
    return lines
