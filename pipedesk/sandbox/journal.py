"""An append-only file of committed writes, replayed at start."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Operation = list[Any]
"""``["put", table, key, row]`` or ``["delete", table, key]``."""


class Journal:
    """One JSON line per transaction: ``{"n": last position, "ops": [operation, ...]}``.

    A line is handed to the operating system before the answer leaves, so killing the process loses
    nothing that was acknowledged. A torn last line (power loss) is cut off at the next start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def replay(self) -> Iterator[tuple[int, list[Operation]]]:
        """Every complete transaction in order; cuts a torn tail off the file."""
        complete = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                try:
                    entry = json.loads(line)
                except ValueError:
                    break
                complete += len(line)
                yield entry["n"], entry["ops"]
        if complete < self._path.stat().st_size:
            os.truncate(self._path, complete)

    def append(self, position: int, operations: list[Operation]) -> None:
        """Write one transaction."""
        line = json.dumps({"n": position, "ops": operations}, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")

    def clear(self) -> None:
        """Forget everything."""
        self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
