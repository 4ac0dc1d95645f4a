"""What a measurement's flags may say, and the sentence where one says otherwise."""

from collections.abc import Collection

from ripieno.errors import SettingsError


def within(name: str, value: float, low: float, high: float) -> None:
    """Return if a value lies between two others, or is one of them.

    Raises:
        SettingsError: it does not.
    """
    if not low <= value <= high:
        shown = f"{value:g}" if isinstance(value, float) else value
        raise SettingsError(f"{name} is {shown}; it must lie between {low} and {high}.")


def words(name: str, text: str, known: Collection[str]) -> list[str]:
    """A list of words with commas between them, each of them known.

    Raises:
        SettingsError: one is not.
    """
    given = [word.strip() for word in text.split(",")]
    if unknown := set(given) - set(known):
        said = f"{name} names {min(unknown)!r}; name any of {', '.join(known)}."
        raise SettingsError(said)
    return given
