"""Views of the table of parameters for parametrized tests."""

from ripieno.settings.params import KNOBS

BOUNDS = {name: knob.bounds for name, knob in KNOBS.items() if knob.bounds}
CHOICES = {name: tuple(knob.choices) for name, knob in KNOBS.items() if knob.choices}
NAMES = tuple(name for name, knob in KNOBS.items() if not knob.is_fixed)
TURNABLE = tuple(name for name, knob in KNOBS.items() if knob.can_be_turned)
