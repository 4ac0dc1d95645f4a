"""The flags of `ripieno-export`'s commands: their names, their defaults, their help.

Nothing heavy is imported here, so that help is shown at once. The command knows what a
flag means: a default that depends on how a command works is None here, and is chosen
there.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

PRESETS: Final = (
    "event-gru",
    "event-lstm",
    "event-rnn",
    "event-transformer",
    "event-transformer-20m",
    "event-transformer-85m",
    "duet-gru",
    "chord-hmm",
    "chorale-gru",
    "phrase-encoder",
    "loop-gan",
    "phrase-vae",
)
"""What can be made; `ripieno_export.making` knows how."""
NETWORKS: Final = ("lstm", "gru", "tcn", "transformer")
ALL: Final = "all"
"""All of `NETWORKS`."""
ROLE: Final = "accompany"
BASE: Final = "event-gru"
"""What is tuned, where nothing else is named."""
PROMPTS: Final = 400
MODELS: Final = Path("models")


def add_making(parser: ArgumentParser, *, is_optional: bool = False) -> None:
    """What is made, of which data, where: `make`, `train`, `publish`, `evaluate`.

    Args:
        parser: the command's.
        is_optional: whether recipe and data may be left out.
    """
    count = "?" if is_optional else None
    parser.add_argument("preset", nargs=count, help=", ".join(PRESETS))
    parser.add_argument(
        "--data", type=Path, required=not is_optional, help="the folder of sources"
    )
    parser.add_argument("--run", type=Path, help="checkpoints (runs/PRESET)")
    parser.add_argument(
        "--models", type=Path, default=MODELS, help="where model folders go"
    )
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--minutes", type=float, help="stop training after this long")


def add_training(parser: ArgumentParser) -> None:
    """`train`."""
    add_making(parser)
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="train K times, each tune held out once; for event models",
    )


def add_evaluating(parser: ArgumentParser) -> None:
    """`evaluate`: a role, or a recipe; each flag is optional to the parser."""
    add_making(parser, is_optional=True)
    role = parser.add_argument_group("a role, instead of a recipe")
    role.add_argument("--role", choices=[ROLE], help="judge how a role is played")
    role.add_argument("--pieces", type=Path, help="a folder of MIDI files, or --data")
    role.add_argument("--model", default="", help="a model's name or folder")
    role.add_argument(
        "-o", "--output", type=Path, default=Path("judged"), help="where to write"
    )
    role.add_argument("--quick", action="store_true", help="a minute, not ten")
    role.add_argument("--no-live", action="store_true", help="in simulated time only")
    recipe = parser.add_argument_group("a recipe: how much is measured")
    recipe.add_argument("--crops", type=int, help="held-out crops that are predicted")
    recipe.add_argument(
        "--baseline-crops", type=int, help="training crops that baselines learn from"
    )
    recipe.add_argument("--long", type=int, help="events of the crops for memory")
    recipe.add_argument("--continuations", type=int, help="prompts to go on from")


def add_frames(parser: ArgumentParser) -> None:
    """`frames`."""
    parser.add_argument("file", type=Path, help="JSB_Chorales.mat, Nottingham.mat, ...")
    parser.add_argument("--network", choices=(*NETWORKS, ALL), default=ALL)
    parser.add_argument("--run", type=Path, help="checkpoints (runs/frames-FILE)")
    parser.add_argument("--part", choices=("valid", "test"), default="valid")
    parser.add_argument("--minutes", type=float, help="of training, each network")
    parser.add_argument(
        "--weights", type=Path, help="judge the weights of this run; train nothing"
    )


def add_corpus(parser: ArgumentParser) -> None:
    """`corpus`."""
    parser.description = (
        "Turn a folder of MIDI, ABC, MusicXML, MEI and Humdrum files (also in .zip "
        "files) into a packed corpus: deduplicated performances with their beats, "
        "provenance and licence, split by tune. Train on it with --data OUT. Audio "
        "files are refused: transcribing them is a later matter."
    )
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
        metavar="SHARE",
        help="of the tunes that no index decides about (a twentieth)",
    )


def add_finetune(parser: ArgumentParser) -> None:
    """`finetune`."""
    parser.description = (
        "Tune a published event model on a handful of one player's files, in minutes, "
        "on a CPU; and measure whether it has learned the player or copied them."
    )
    parser.add_argument("folder", type=Path, help="the player's files")
    parser.add_argument(
        "--from",
        dest="base",
        default=BASE,
        help="a model's name or folder (%(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the model folder to write"
    )
    parser.add_argument(
        "--data", type=Path, help="what the model learned before, to mix in"
    )
    parser.add_argument("--learning-rate", type=float, help="instead of the recipe's")
    parser.add_argument("--steps", type=int, help="at the most")
    parser.add_argument("--minutes", type=float, help="stop training after this long")


def add_originality(parser: ArgumentParser) -> None:
    """`originality`."""
    parser.description = (
        "Let a published event model continue held-out music through the daemon's own "
        "composer, and count how often long runs of notes stand in what it learned, "
        "beside the same for the human's own continuations."
    )
    parser.add_argument("model", help="a model's name or folder")
    parser.add_argument(
        "--data", type=Path, required=True, help="what it learned, packed or not"
    )
    parser.add_argument("--run", type=Path, help="where it is packed to (runs/MODEL)")
    parser.add_argument("--prompts", type=int, default=PROMPTS, help="(%(default)s)")
    parser.add_argument("-o", "--output", type=Path, help="a JSON file of the figures")


def add_quantize(parser: ArgumentParser) -> None:
    """`quantize`."""
    parser.add_argument("model", type=Path, help="its folder, or its name")
    parser.add_argument("--bits", type=int, choices=(8, 16), required=True)
    parser.add_argument("--data", type=Path, required=True, help="of held-out music")
    parser.add_argument("--run", type=Path, help="of the packed corpus (runs/MODEL)")
    parser.add_argument(
        "--models", type=Path, default=MODELS, help="where model folders go"
    )
    parser.add_argument("--crops", type=int, help="of held-out music")
