"""Passing on what the human plays, through the ledger, so that it always ends."""

from ripieno.music import messages
from ripieno.play.ledger import THRU, Ledger


def pass_through(ledger: Ledger, data: bytes) -> list[bytes]:
    """Return the messages to send for one channel message that came in.

    A note-off without a note-on is dropped. All-notes-off becomes single note-offs.
    """
    channel = messages.channel_of(data)
    if messages.is_note_on(data):
        return ledger.on(channel, data[1], data[2], THRU)
    if messages.is_note_off(data):
        return ledger.off(channel, data[1], THRU)
    if messages.is_silencing(data):
        return ledger.release(lambda note_id: note_id == THRU)
    if messages.is_control(data) and data[1] in messages.PEDALS:
        return ledger.pedal(channel, data[1], data[2])
    return [data]


def stop_passing(ledger: Ledger) -> list[bytes]:
    """Return the messages that end everything that was passed on."""
    return ledger.release(lambda note_id: note_id == THRU) + ledger.lift_pedals()
