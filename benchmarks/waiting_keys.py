"""Measures how long a key waits for its voices while another mind catches up.

``python -m benchmarks.waiting_keys REVISION [--model event-transformer] [--keys 300]``

Two thinker processes run beside each other, one with this checkout and one with another
revision that has a mind for each seat. They take turns, 20 keys each. Before each key
some `Played` messages are written, for which another mind takes steps, and then the
`Sing`. The time is from writing the `Sing` to reading its `Voices`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.unchanged import ROOT, checked_out

FED = (0, 1, 8, 32)
"""The numbers of messages just before a key; a chord with its releases has about 8."""
TURN = 20
THINKER = """
import multiprocessing, os, sys, time
from ripieno import protocol
from ripieno.ipc.block import Block
from ripieno.ipc.waking import Bell, RungRing, new_bells
from ripieno.processes import thinker

def main(model):
    block, bells = Block(), new_bells()
    process = multiprocessing.get_context("spawn").Process(
        target=thinker.run, args=(block.name, model, "cpu", ("answer",), bells)
    )
    process.start()
    inbox, outbox = block.ring("to_player"), block.ring("to_thinker")
    outbox = RungRing(outbox, Bell(bells.to_thinker.rings))
    bell, roles = Bell(bells.to_player.waits), set()
    while not roles >= {"answer", "vary", "accompany", "loop", "harmonize"}:
        bell.wait(100_000_000)
        replies = map(protocol.decode_reply, inbox.read())
        roles |= {role for reply in replies for role in reply.message.roles}
    for seat, role in enumerate(("answer", "harmonize"), 1):
        outbox.write(protocol.encode(protocol.Letter(seat, protocol.Reset(role))))
    number, at_ns = 0, 0
    print("ready", flush=True)
    for line in sys.stdin:
        fed, keys = map(int, line.split())
        took = []
        for _ in range(keys):
            time.sleep(0.04)
            number += 1
            pitch = 60 + 5 * number % 12
            records = []
            for place in range(fed):
                at_ns += 20_000_000
                level = 70 * (place % 3 > 0)
                event = protocol.Played(at_ns, place % 2, 48 + place, level)
                records.append(protocol.encode(protocol.Letter(1, event)))
            sing = protocol.Sing(number, at_ns, pitch, 3, protocol.Limits())
            for record in records:
                outbox.write(record)
            before_ns = time.perf_counter_ns()
            outbox.write(protocol.encode(protocol.Letter(2, sing)))
            said = []
            while not said:
                bell.wait(1_000_000_000)
                said = [
                    reply for reply in map(protocol.decode_reply, inbox.read())
                    if isinstance(reply.message, protocol.Voices)
                    and reply.message.revision == number
                ]
            took.append(time.perf_counter_ns() - before_ns)
        print(*took, flush=True)
    block.set_word("stop", 1)
    process.join(10)
    block.close()

if __name__ == "__main__":
    main(os.environ["MODEL"])
"""


def main() -> None:
    """Measure both and print medians and 99th percentiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("--model", default="", help="that plays the turns")
    parser.add_argument("--keys", type=int, default=300)
    given = parser.parse_args()
    with (
        checked_out(given.revision) as other,
        tempfile.TemporaryDirectory() as temporary,
    ):
        roots = {"before": other, "after": ROOT}
        sides = {
            side: start(root, Path(temporary), given.model)
            for side, root in roots.items()
        }
        for side in sides.values():
            assert side.stdout.readline() == "ready\n"
        for fed in FED:
            took = {name: [] for name in sides}
            for _ in range(given.keys // TURN):
                for name, side in sides.items():
                    side.stdin.write(f"{fed} {TURN}\n")
                    side.stdin.flush()
                    took[name] += map(int, side.stdout.readline().split())
            for name, each in took.items():
                median, p99 = np.quantile(each, (0.5, 0.99)) / 1e6
                print(
                    f"{given.model or 'event-gru'}, {fed} messages before the key, "
                    f"{name}: median {median:.2f} ms, p99 {p99:.2f} ms ({len(each)})",
                    flush=True,
                )
        for side in sides.values():
            side.stdin.close()
            side.wait()


def start(root: Path, folder: Path, model: str) -> subprocess.Popen:
    """Start a thinker with the package of one checkout."""
    script = folder / "thinker.py"  # a file, as the thinker's process is spawned
    script.write_text(THINKER)
    return subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(root / "daemon"), "MODEL": model},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


if __name__ == "__main__":
    main()
