"""Ripieno's harmonizer: a key goes down, three voices come back."""

from turns import serve

from ripieno import __version__
from ripieno.bench.answers import answer_of
from ripieno.inference.manifest import find
from ripieno.inference.session import Loaded
from ripieno.inference.tuning import Threads

loaded = Loaded(find("chorale-gru"), "cpu", Threads())
serve(
    {"ripieno": __version__, "parameters": loaded.manifest.parameters},
    answer_of(loaded),
)
