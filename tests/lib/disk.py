"""A disk that fails in the hands of a running control plane."""

import kernel

SUFFIXES = ("", "-wal", "-shm", "-journal")


class Fault(kernel.Fault):
    """What the kernel does with these calls on the database while the block lasts."""

    def __init__(self, running, calls, what):
        super().__init__(running.pid("controlplane"), calls, what,
                         [f"{running.state}/stats.db{suffix}" for suffix in SUFFIXES])
