"""The TypeScript client: made from the document, compiled, and driving the running server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.write import CLIENT, as_text, for_typed_clients, generated
from tests.e2e.product import Product

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(shutil.which("npm") is None, reason="the client is TypeScript: no npm here"),
]

SOURCES = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "src")


def run(folder: Path, *command: str, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client in a folder of its own, generated anew."""
    folder = tmp_path_factory.mktemp("client")
    for name in SOURCES:
        copy = shutil.copytree if (CLIENT / name).is_dir() else shutil.copy
        copy(CLIENT / name, folder / name)
    document = as_text(for_typed_clients(generated()))
    (folder / "openapi.client.json").write_text(document, encoding="utf-8")
    run(folder, "npm", "ci", "--prefer-offline")
    run(folder, "npm", "run", "generate")
    return folder


def test_the_client_compiles_and_what_nobody_declared_does_not(client: Path) -> None:
    # src/refused.ts says of each of its calls that it must not compile.
    run(client, "npm", "run", "check")

    sources = (CLIENT / "src" / "refused.ts").read_text(encoding="utf-8")
    assert sources.count("@ts-expect-error") >= 10


def test_the_client_lives_a_day_with_the_running_server(client: Path, product: Product) -> None:
    run(client, "npx", "tsc")

    said = run(client, "node", "built/journey.js", WEB=product.web, TOKEN=product.token)

    assert said.strip() == "the journey is complete"


def test_the_lock_file_names_no_host() -> None:
    lock = (CLIENT / "package-lock.json").read_text(encoding="utf-8")

    assert "resolved" not in lock
    assert "registry" not in lock
