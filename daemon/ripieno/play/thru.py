"""What the human plays, passed on: through the ledger, so that it too always ends."""

from ripieno.music import messages
from ripieno.play.ledger import THRU, Ledger


def pass_through(ledger: Ledger, data: bytes) -> list[bytes]:
    """The messages to send for one channel message that came in.

    An off without an on is dropped; a silencing message becomes the offs it stands for.
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
    """The messages that end what was passed on, where no more is."""
    return ledger.release(lambda note_id: note_id == THRU) + ledger.lift_pedals()
