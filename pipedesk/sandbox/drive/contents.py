"""Bytes of files, each in a file of its own on the disk: a gigabyte takes no memory."""

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from io import BufferedRandom, BufferedReader
from pathlib import Path

from pipedesk.sandbox.errors import Json


class Contents:
    """Files named by us in a folder: beside the journal, or a passing one where there is none."""

    def __init__(self, folder: Path | None = None) -> None:
        self._kept = folder
        self._folder: Path | None = None

    def new(self) -> str:
        """The name of a new empty one."""
        name = secrets.token_hex(16)
        self._path(name).touch()
        return name

    def keep(self, content: bytes) -> str:
        """Store these bytes; their name."""
        name = secrets.token_hex(16)
        self._path(name).write_bytes(content)
        return name

    def open(self, name: str) -> BufferedReader:
        """Open one to read it."""
        return self._path(name).open("rb")

    def change(self, name: str) -> BufferedRandom:
        """Open one to write in it."""
        return self._path(name).open("r+b")

    def size(self, name: str) -> int:
        """How many bytes one has."""
        return self._path(name).stat().st_size

    def drop(self, name: str) -> None:
        """Delete one."""
        self._path(name).unlink(missing_ok=True)

    def described(self, name: str) -> Json:
        """The fields of a file that follow from its content."""
        with self.open(name) as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            md5 = hashlib.file_digest(
                content, lambda: hashlib.md5(usedforsecurity=False)
            ).hexdigest()
        size = str(self.size(name))
        return {"size": size, "quotaBytesUsed": size, "md5Checksum": md5, "sha256Checksum": sha256}

    def sweep(self, known: Iterable[str]) -> None:
        """Delete what no row names: uploads that a restart interrupted."""
        if self._kept is not None and self._kept.exists():
            names = set(known)
            for path in self._kept.iterdir():
                if path.name not in names:
                    path.unlink()

    def clear(self) -> None:
        """Delete everything."""
        folder = self._kept or self._folder
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self._folder = None

    def close(self) -> None:
        """Delete what is not kept."""
        if self._kept is None:
            self.clear()

    def _path(self, name: str) -> Path:
        if self._folder is None:
            if self._kept is None:
                self._folder = Path(tempfile.mkdtemp(prefix="pipedesk-sandbox-"))
            else:
                self._folder = self._kept
                self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / name
