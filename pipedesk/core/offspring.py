"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """In a child: Linux kills it when its parent is gone, however that came about."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_children_with_us() -> None:
    """From now on the same for every process that this one and its children fork.

    An orphan that stands still would go on taking messages and never do what they say.
    """
    os.register_at_fork(after_in_child=end_with_parent)
