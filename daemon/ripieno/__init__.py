"""Ripieno: a MIDI accompanist that listens, thinks and plays along, in time.

::

    DAW ─▶ midi ─▶ hear ─▶ engine ─▶ play ─▶ midi ─▶ DAW      the player process
                             │ ▲
                       Ask   ▼ │   Plan
                            think                             the thinker process

``hear`` turns bytes into a performance, ``think`` turns a performance into a plan,
``play`` turns a plan into bytes; ``engine`` joins the three and reads no clock, so the
same engine runs live, offline, in tests and in replay. ``supervisor`` outlives both
processes and releases whatever still sounds. Importing this package
does nothing but switch ONNX Runtime's telemetry off, for the whole process.
"""

from ripieno.telemetry import switch_off

switch_off()

__version__ = "0.1.0"
