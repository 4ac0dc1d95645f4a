"""Maps the pages of shared memory before they are needed."""

import mmap


def touch(memory: memoryview) -> None:
    """Map every page of a mapping into this process now.

    The first access to a page costs a page fault. Without this, a ring would have one
    every few seconds until it has wrapped once, for up to half an hour.

    Cost: 0.8 ms a MiB.
    """
    bytes(memory[:: mmap.PAGESIZE])
