"""The environment the tests run in, set before Django reads its settings.

`TEST_DATABASE=postgres` starts a PostgreSQL of our own in a temporary folder (as user
`postgres` when we are root, because the server refuses root) and stops it at the end. The
default is SQLite in a file, so that several connections see one database.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2

POSTGRES_HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_owner() -> list[str]:
    """What to put before a command of the server, which refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@contextmanager
def own_postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of a throw-away PostgreSQL.

    One that is `durable` loses nothing that it has committed; the other is faster.
    """
    binaries = POSTGRES_HOMES[0]
    folder = Path(tempfile.mkdtemp(prefix="pipedesk-pg-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data, port = folder / "data", free_port()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*_as_owner(), binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
         "-E", "UTF8", "--locale=C.UTF-8"], **quiet,
    )  # fmt: skip
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200" + (
        "" if durable else " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    )
    control = [*_as_owner(), binaries / "pg_ctl", "-D", data]
    subprocess.run([*control, "-w", "-l", folder / "log", "-o", options, "start"], **quiet)
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/pipedesk"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"],
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)


def restart_postgres(url: str) -> None:
    """End the server of `own_postgres` at once, as a crash does, and start it again."""
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        [data] = cursor.fetchone() or [""]
    connection.close()
    control = [*_as_owner(), POSTGRES_HOMES[0] / "pg_ctl", "-D", data, "-w"]
    log = Path(data).parent / "log"
    subprocess.run(
        [*control, "-m", "immediate", "-l", log, "restart"],
        check=True, stdout=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip


def prepare_environment() -> None:
    """Fixed values in place of whatever `.env` says; workers inherit the first one's."""
    if "PIPEDESK_TEST_FOLDER" in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="pipedesk-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = f"sqlite:///{folder}/pipedesk.sqlite3"
    if os.environ.get("TEST_DATABASE", "sqlite") == "postgres":
        server = ExitStack()
        atexit.register(server.close)
        durable = os.environ.get("TEST_DURABLE") == "1"
        url = server.enter_context(own_postgres(durable=durable))
    os.environ |= {
        "PIPEDESK_TEST_FOLDER": folder,
        "DJANGO_ENV": "development",
        "SECRET_KEY": "only-for-tests-" * 4,
        "DATABASE_URL": url,
        "Q_BROKER": "orm",
        "SUPABASE_JWT_SECRET": "only-for-tests-jwt-secret-" * 2,
        "SUPABASE_JWKS_URL": "",
        "SUPABASE_JWT_ISSUER": "",
        "GOOGLE_SERVICE_ACCOUNT_JSON": "",
        "GOOGLE_IMPERSONATE_EMAIL": "ana@pipedesk.example",
        # Nobody listens there: a test that means the sandbox says so.
        "GOOGLE_API_ROOT_URL": "http://127.0.0.1:9/",
        "DRIVE_ROOT_FOLDER_ID": "",
        "DRIVE_SHARED_DRIVE_ID": "",
        "WEBHOOK_BASE_URL": "",
        # Each process counts for itself, and far.
        "CACHE_URL": "locmem://",
        "API_THROTTLE_USER": "1000000/min",
        "API_THROTTLE_ANON": "1000000/min",
        "TRUSTED_PROXIES": "0",
        "LOG_LEVEL": "WARNING",
        "NO_GCE_CHECK": "true",
    }
    os.environ.pop("GOOGLE_CLOUD_UNIVERSE_DOMAIN", None)


prepare_environment()
