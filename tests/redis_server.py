"""A Redis of our own, on a port of its own, that keeps nothing."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.database import free_port

# Debian's redis-tools: one binary, which is whatever it is called by.
BINARY = shutil.which("redis-server") or shutil.which("redis-check-rdb")


@dataclass
class RedisServer:
    """Started, ended and started again, always empty."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                 "--save", "", "--appendonly", "no", "--dir", str(self.folder)],
                executable=BINARY, stdout=log, stderr=log,
            )  # fmt: skip
        with self.client() as client:
            client.ping()

    def client(self) -> redis.Redis:
        """A connection that tries for some seconds."""
        patient = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
        return redis.Redis(host="127.0.0.1", port=self.port, retry=patient)

    def kill(self) -> None:
        """kill -9: what it held is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
