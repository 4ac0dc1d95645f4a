"""Ripieno's event GRU: an event is heard, the next one is sampled."""

from turns import serve

from ripieno import __version__
from ripieno.inference.controls import Controls
from ripieno.inference.manifest import find
from ripieno.inference.session import Loaded
from ripieno.inference.tuning import Threads
from ripieno.layouts.vocabulary import Event

session = Loaded(find("event-gru"), "cpu", Threads())
line, controls = session.line(), Controls(top_p=(0.95,) * 4)
event = Event(0, 20, 60, 16)
serve(
    {"ripieno": __version__, "parameters": session.manifest.parameters},
    lambda: line.step(event, controls),
)
