"""Checks of a measurement's flags."""

from collections.abc import Collection

from ripieno.errors import SettingsError


def within(name: str, value: float, low: float, high: float) -> None:
    """Check that a value lies between two bounds, inclusive.

    Raises:
        SettingsError: it does not.
    """
    if not low <= value <= high:
        raise SettingsError(f"{name} is {value}; it must lie between {low} and {high}.")


def words(name: str, text: str, known: Collection[str]) -> list[str]:
    """Return the words of a text with commas between them.

    Raises:
        SettingsError: a word is not known.
    """
    given = [word.strip() for word in text.split(",")]
    if unknown := set(given) - set(known):
        raise SettingsError(
            f"{name} names {min(unknown)!r}; name any of {', '.join(known)}."
        )
    return given
