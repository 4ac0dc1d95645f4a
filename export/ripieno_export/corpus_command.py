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

DESCRIPTION: Final = (
    "Turn a folder of MIDI, ABC, MusicXML, MEI and Humdrum files (also in .zip files) "
    "into a packed corpus: deduplicated performances with their beats, provenance and "
    "licence, split by tune. Train on it with --data OUT. Audio files are refused: "
    "transcribing them is a later matter."
)
SHOWN: Final = 40
"""Lines of the table of what was refused; all of it is in refused.csv."""
WHAT: Final = "a folder of music, packed for training"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.description = DESCRIPTION
    parser.add_argument("folder", type=Path, help="music, in any layout")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the packed corpus"
    )
    parser.add_argument(
        "--licence", default="", help="of all of it, where no LICENSE file says so"
    )
    parser.add_argument(
        "--held-out",
        type=float,
        default=split.HELD_OUT_SHARE,
        metavar="SHARE",
        help="of the tunes that no index decides about (%(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Pack, and say what came of it.

    Raises:
        SettingsError: a share is out of its bounds.
        FileError: the folder cannot be read, or the output cannot be written.
    """
    share = options.held_out
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
