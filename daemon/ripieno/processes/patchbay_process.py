"""The patchbay's process: watches the connections, and writes them into the block.

It is a process of its own because libjack may hang, or end the calling process, when a
server dies while a client is being opened (docs/decisions/0005). The supervisor has to
survive that, so it never calls libjack itself. The word `connected_ns` of the block
says when our output was last connected to something new.
"""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from typing import Final

from ripieno.clock import NS_PER_MS, SystemClock
from ripieno.errors import PortError
from ripieno.ipc import notes
from ripieno.ipc.block import Block
from ripieno.ipc.naming import show_name
from ripieno.ports.patchbay import Pair, Patchbay

LOOK_NS: Final = 200 * NS_PER_MS


def run(
    block_name: str, name: str, ports: Sequence[str], pairs: Sequence[Pair]
) -> None:
    """Watch until the stop flag is set, or the supervisor or the server has gone.

    It ends by `os._exit`: closing a client can wait for ever for a server that hangs.

    Args:
        block_name: the shared block.
        name: the patchbay's name on the server.
        ports: full names of the ports to watch.
        pairs: the connections to restore.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    show_name("patch")
    block, clock = Block(block_name), SystemClock()
    parent = multiprocessing.parent_process()
    assert parent is not None
    block.set_word("patchbay_beat_ns", clock.now_ns())
    try:
        patchbay = Patchbay(name, ports, pairs)
    except PortError:
        os._exit(notes.FAILED)
    epoch, shown = block.word("player_epoch"), None
    while not (patchbay.gone or block.word("stop") or not parent.is_alive()):
        if epoch != (epoch := block.word("player_epoch")):
            patchbay.lost()
        if patchbay.look():
            block.set_word("connected_ns", clock.now_ns())
        if shown != (shown := patchbay.pairs):
            block.pairs.write(notes.encode_pairs(shown))
        now_ns = clock.now_ns()
        block.set_word("patchbay_beat_ns", now_ns)
        clock.wait_until(now_ns + LOOK_NS)
    os._exit(notes.SERVER_GONE if patchbay.gone else 0)
