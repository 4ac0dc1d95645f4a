"""Exit codes: an error that is ours becomes a sentence and a code."""

from collections.abc import Callable

from ripieno.errors import RipienoError, shortened
from ripieno.settings.output import say


def exit_code_of(run: Callable[[], None]) -> int:
    """Run a command; 0, or the exit code of the error, whose sentence is printed."""
    try:
        run()
    except RipienoError as error:
        say(shortened(str(error)), is_error=True)
        return error.exit_code
    return 0
