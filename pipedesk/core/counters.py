"""The cache of one machine: counters in files, exact among all its processes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

SWEEP_EVERY_S = 60
LAYOUT = struct.Struct("<dq")  # when it expires (0: never), the count
SUFFIX = ".count"


class FileCounters(BaseCache):
    """A cache that keeps whole numbers, and nothing else.

    Django's own file cache reads and writes without a lock between, so that two processes lose
    each other's counts, and makes room by deleting at random, which would set limits back. Here
    each counter is a file of 16 bytes, locked while it is counted on; what has expired is
    swept away.
    """

    _swept_at: ClassVar[float] = 0.0

    def __init__(self, folder: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.folder = Path(folder)

    def _file(self, key: str, version: int | None) -> Path:
        name = hashlib.sha256(self.make_and_validate_key(key, version=version).encode())
        return self.folder / f"{name.hexdigest()[:40]}{SUFFIX}"

    def _content(self, value: Any, timeout: float | None) -> bytes:
        expires_at = self.get_backend_timeout(timeout)
        return LAYOUT.pack(expires_at or 0.0, value)

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: Any = None
    ) -> bool:
        """Begin a counter; False, and nothing done, where there is one."""
        file = self._file(key, version)
        self._sweep()
        if self.get(key, version=version) is not None:
            return False
        fresh = file.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_bytes(self._content(value, timeout))
        try:
            os.link(fresh, file)
        except FileExistsError:
            return False
        finally:
            fresh.unlink()
        return True

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: Any = None
    ) -> None:
        """Set a counter, whatever it was."""
        self.delete(key, version)
        self.add(key, value, timeout, version)

    def get(self, key: str, default: Any = None, version: Any = None) -> Any:
        """The count."""
        with suppress(ValueError):
            return self.incr(key, 0, version)
        return default

    def incr(self, key: str, delta: int = 1, version: Any = None) -> int:
        """Count on; no other process gets the same number. Raises ValueError for no counter."""
        file = self._file(key, version)
        with suppress(FileNotFoundError), file.open("r+b", buffering=0) as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            content = opened.read(LAYOUT.size)
            if _is_live(content):
                expires_at, counted = LAYOUT.unpack(content)
                if delta:
                    os.pwrite(opened.fileno(), LAYOUT.pack(expires_at, counted + delta), 0)
                return int(counted) + delta
            file.unlink(missing_ok=True)
        msg = f"there is no counter {key!r}"
        raise ValueError(msg)

    def delete(self, key: str, version: Any = None) -> bool:
        """Drop a counter; whether there was one."""
        try:
            self._file(key, version).unlink()
        except FileNotFoundError:
            return False
        return True

    def clear(self) -> None:
        """Drop all counters."""
        for file in self.folder.glob(f"*{SUFFIX}"):
            file.unlink(missing_ok=True)

    def _sweep(self) -> None:
        now = time.time()
        if now - FileCounters._swept_at < SWEEP_EVERY_S:
            return
        FileCounters._swept_at = now
        for file in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):
                if not _is_live(file.read_bytes()):
                    file.unlink()


def _is_live(content: bytes) -> bool:
    """Whether the counter has not expired; a torn one (full disk, power cut) has."""
    if len(content) != LAYOUT.size:
        return False
    expires_at = LAYOUT.unpack(content)[0]
    return not expires_at or bool(expires_at > time.time())
