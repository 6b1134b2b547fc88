"""Large files through the running product: memory, clients that vanish, the limit.

PIPEDESK_UPLOAD_MB=1024 sends a file of that size; the default is for every day. The figures are
logged (--log-cli-level=INFO).
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, descendants, eventually

logger = logging.getLogger(__name__)
SIZE_MB = int(os.environ.get("PIPEDESK_UPLOAD_MB", "256"))
MAX_GROWTH_MB = 150
MB = 2**20
BOUNDARY = "c4n4ry"
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Sandbox and web, with a folder where uploads wait."""
    folder = tmp_path_factory.mktemp("product")
    waiting = folder / "waiting"
    waiting.mkdir()
    product = Product.prepare(folder, DRIVE_MAX_UPLOAD_MB=str(SIZE_MB), TMPDIR=str(waiting))
    try:
        product.start_sandbox()
        product.start_web()
        yield product
    finally:
        product.stop()


@pytest.fixture(scope="module")
def lead(product: Product) -> str:
    """A lead whose folder exists."""
    lead = product.api("POST", "/api/leads", json={"legal_name": "ACME"}).json()["id"]
    product.manage("provision", "lead", lead)
    return str(lead)


def head(name: str) -> bytes:
    field = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    return f"--{BOUNDARY}\r\n{field}\r\n\r\n".encode()


def begin(product: Product, lead: str, name: str, size: int) -> http.client.HTTPConnection:
    """A request whose head is sent and whose body is not."""
    connection = http.client.HTTPConnection(product.web.removeprefix("http://"), timeout=600)
    connection.putrequest("POST", f"/api/drive/lead/{lead}/upload")
    connection.putheader("Authorization", f"Bearer {product.token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head(name)) + size + len(TAIL)))
    connection.endheaders()
    connection.send(head(name))
    return connection


def workers(product: Product) -> list[int]:
    return descendants(product.processes["web"].pid)


def memory_kb(pid: int, name: str) -> int:
    """VmRSS: now; VmHWM: the most since the last reset."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def waiting(product: Product) -> list[str]:
    """What waits on the disk; files without a name are seen by the workers that hold them."""
    folder = product.folder / "waiting"
    found = [str(path) for path in folder.iterdir()]
    for pid in workers(product):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                found.append(str(link.readlink()))
    # gunicorn's workers keep a file there as a sign of life.
    return [path for path in found if path.startswith(str(folder)) and "wgunicorn" not in path]


def sessions_begun(product: Product) -> int:
    return int(product.in_google("GET", "/_sandbox/requests").get("drive.files.create", 0))


def test_a_large_file_takes_little_memory(product: Product, lead: str) -> None:
    small = {"file": ("small.bin", b"x")}
    for _ in range(8):  # every thread has its service, and every module is loaded
        assert product.api("POST", f"/api/drive/lead/{lead}/upload", files=small).ok
    idle = {pid: memory_kb(pid, "VmRSS") for pid in workers(product)}
    for pid in idle:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from here

    block, digest = os.urandom(MB), hashlib.sha256()
    connection = begin(product, lead, "large.bin", SIZE_MB * MB)
    for number in range(SIZE_MB):
        piece = number.to_bytes(8, "big") + block[8:]
        digest.update(piece)
        connection.send(piece)
    connection.send(TAIL)
    answer = connection.getresponse()
    body: Any = answer.read()

    assert answer.status == 201, body
    growth = {pid: (memory_kb(pid, "VmHWM") - kb) / 1024 for pid, kb in idle.items()}
    sandbox = memory_kb(product.processes["sandbox"].pid, "VmHWM") / 1024
    logger.info("%s MiB: web grew by %s MiB, sandbox peak %.0f MiB", SIZE_MB, growth, sandbox)
    assert growth
    assert max(growth.values()) < MAX_GROWTH_MB, growth
    [found] = product.in_google(
        "GET",
        "/drive/v3/files",
        params={"q": "name = 'large.bin'", "fields": "files(size,sha256Checksum)"},
    )["files"]
    assert found == {"size": str(SIZE_MB * MB), "sha256Checksum": digest.hexdigest()}
    assert waiting(product) == []


def test_a_client_that_vanishes_leaves_nothing(product: Product, lead: str) -> None:
    before = sessions_begun(product)
    connection = begin(product, lead, "never.bin", 64 * MB)
    for _ in range(8):
        connection.send(os.urandom(MB))
    eventually(lambda: waiting(product), what="the beginning waits on the disk")

    assert isinstance(connection.sock, socket.socket)
    connection.sock.close()
    connection.close()

    eventually(lambda: not waiting(product), 20, what="nothing waits any more")
    listed = product.api("GET", f"/api/drive/lead/{lead}?page_size=100").json()["files"]
    assert "never.bin" not in [file["name"] for file in listed]
    assert sessions_begun(product) == before


def test_a_file_that_is_too_large_is_told_before_it_is_sent(product: Product, lead: str) -> None:
    connection = begin(product, lead, "huge.bin", (SIZE_MB + 1) * MB)

    answer = connection.getresponse()

    assert answer.status == 413
    assert answer.getheader("Content-Type") == "application/problem+json"
    connection.close()
