"""Plan → MIDI out: when and how loud a note is played, and the ledger of notes."""
