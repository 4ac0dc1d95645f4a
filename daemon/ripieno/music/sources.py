"""Who played a note."""

from typing import Final

HUMAN: Final = 0
MACHINE: Final = 1
