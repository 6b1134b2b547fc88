"""compose.yaml, Dockerfile and Procfile say what works, and the image holds no secret.

No container is built here: what the image would hold is copied, and its commands are run there.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.metadata import requires
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipedesk.core.heartbeat import QUEUE
from pipedesk.core.models import Heartbeat
from pipedesk.core.watchdog import Limits
from tests.database import free_port
from tests.processes import database_url, wait_for

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker")
PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text().splitlines()
    if line and not line.startswith("#")
]


def instructions(name: str) -> list[str]:
    """What the Dockerfile's instructions of this name say."""
    return [line.removeprefix(name).strip() for line in DOCKERFILE if line.startswith(f"{name} ")]


def command_of(service: str) -> list[str]:
    """What the service runs; without a command of its own, what its image says."""
    command = SERVICES[service].get("command")
    return shlex.split(command) if command else list(json.loads(instructions("CMD")[-1]))


def is_copied(path: str) -> bool:
    """Whether Docker would send this file: the last line that matches decides."""
    copied = True
    for line in IGNORED:
        pattern = line.removeprefix("!").rstrip("/")
        parts = path.split("/")
        above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        if pattern.startswith("**/"):
            hit = any(fnmatch(part, pattern[3:]) for part in parts)
        else:
            hit = any(
                fnmatch(each, pattern) for each in above if each.count("/") == pattern.count("/")
            )
        if hit:
            copied = line.startswith("!")
    return copied


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `COPY . .` would take, and nothing else of the checkout."""
    folder = tmp_path_factory.mktemp("image")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    for name in filter(is_copied, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@contextmanager
def running(
    image: Path, command: list[str], **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a container would run it, on the test's database."""
    binaries = Path(sys.executable).parent
    process = subprocess.Popen(
        [str(binaries / command[0]), *command[1:]],
        cwd=image,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_nothing_that_is_secret_or_ours_alone_comes_into_the_image() -> None:
    for path in (
        ".env", ".env.production", "pipedesk/.env", ".git/config", ".venv/bin/python",
        "var/pipedesk.sqlite3", "var/cache/x", "service-account.json", "backup.sqlite3",
        "tests/conftest.py", "crm/__pycache__/apps.cpython-311.pyc",
    ):  # fmt: skip
        assert not is_copied(path), path


def test_the_image_holds_all_the_product_needs(image: Path) -> None:
    """Static files can be collected there, as its build does."""
    assert (image / "requirements.lock").exists()
    [build] = [line for line in instructions("RUN") if "collectstatic" in line]
    command = shlex.split(build.split("&&")[0])
    environment = dict(word.split("=", 1) for word in command if "=" in word)
    # Nothing else is set while an image is built.
    collected = subprocess.run(
        [sys.executable, *command[command.index("manage.py") :]],
        cwd=image, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "static files copied" in collected.stdout


def test_the_image_runs_as_nobody_special_under_tini() -> None:
    assert json.loads(instructions("ENTRYPOINT")[-1]) == ["tini", "--"]
    assert json.loads(instructions("CMD")[-1])[0] == "gunicorn"
    assert instructions("USER") == ["app"]
    assert not [line for line in instructions("ENV") if re.search("SECRET|PASSWORD|KEY", line)]
    assert "pip install --require-hashes -r requirements.lock" in instructions("RUN")


def test_the_lock_is_in_step_with_the_requirements() -> None:
    locked = set(re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / "requirements.lock").read_text()))
    named = re.findall(
        r"(?m)^([\w.-]+)(?:\[[^\]]*\])?(==\S+)", (ROOT / "requirements.txt").read_text()
    )

    missing = {f"{name}{version}".lower() for name, version in named} - {
        each.lower() for each in locked
    }

    assert not missing


@pytest.mark.parametrize("python", ["3.11.2", "3.11.14"])
def test_the_lock_is_whole_for_debians_python_and_for_the_images(python: str) -> None:
    """pip refuses all of it where one package that is needed has no hash."""
    surroundings = {"python_version": "3.11", "python_full_version": python, "extra": ""}
    locked = set(re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.lock").read_text()))
    needed = {
        requirement.name
        for name in locked - {"async-timeout"}
        for requirement in map(Requirement, requires(name) or ())
        if requirement.marker is None or requirement.marker.evaluate(surroundings)
    }

    assert {canonicalize_name(name) for name in needed} <= set(map(canonicalize_name, locked))


def test_every_variable_is_explained_in_the_example() -> None:
    explained = set(re.findall(r"(?m)^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text()))
    text = (ROOT / "compose.yaml").read_text()
    used = set(re.findall(r"\$\{(\w+)", text)) | {
        name for service in OURS for name in SERVICES[service]["environment"]
    }

    assert used <= explained


def test_redis_is_there_by_setting_only() -> None:
    assert SERVICES["redis"]["profiles"] == ["redis"]
    for service in OURS:
        environment = SERVICES[service]["environment"]
        assert environment["Q_BROKER"] == "${Q_BROKER:-orm}"
        assert environment["CACHE_URL"].startswith("${CACHE_URL:-file:///")
        assert "redis" not in SERVICES[service]["depends_on"]


def test_two_web_processes_and_three_clusters_that_may_finish() -> None:
    cluster: dict[str, Any] = settings.Q_CLUSTER
    rounds = ceil(cluster["queue_limit"] / cluster["workers"]) + 1
    grace_s = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))

    assert SERVICES["web"]["deploy"] == {"replicas": 2}
    assert SERVICES["worker"]["deploy"] == {"replicas": 3}
    assert grace_s >= rounds * (cluster["timeout"] + 3)
    assert grace_s > Limits().grace_s  # the watchdog ends first, and says so
    first, last = SERVICES["web"]["ports"][0].split(":")[1].split("-")
    assert int(last) - int(first) + 1 == SERVICES["web"]["deploy"]["replicas"]


def test_nobody_starts_before_the_database_and_its_tables() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"
    for service in ("web", "worker"):
        waits = SERVICES[service]["depends_on"]
        assert waits == {"migrate": {"condition": "service_completed_successfully"}}
    for service in set(SERVICES) - {"migrate"}:
        assert SERVICES[service]["restart"] == "always", service
    assert all("healthcheck" in SERVICES[name] for name in ("database", "redis", "web"))


def test_procfile_and_compose_run_the_same() -> None:
    assert shlex.split(PROCFILE["worker"]) == command_of("worker")
    assert shlex.split(PROCFILE["release"]) == command_of("migrate")
    assert shlex.split(PROCFILE["web"])[:2] == command_of("web")[:2]


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_web_answers_its_health_check(image: Path) -> None:
    port = str(free_port())
    command = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in command_of("web")]
    asks = [word.replace("8000", port) for word in SERVICES["web"]["healthcheck"]["test"][2:]]

    def is_healthy() -> bool:
        asked = subprocess.run([sys.executable, *asks], check=False, capture_output=True)
        return asked.returncode == 0

    assert not is_healthy()
    with running(image, command, ALLOWED_HOSTS="crm.example.com"):
        wait_for(is_healthy, 30, "web is healthy")


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_the_other_commands_work_as_processes(image: Path) -> None:
    with running(image, command_of("migrate")) as migrate:
        assert migrate.wait(60) == 0
    Heartbeat.objects.filter(name=QUEUE).delete()
    with running(image, command_of("worker")) as worker:
        wait_for(lambda: Heartbeat.objects.filter(name=QUEUE).exists(), 40, "a job was finished")
        worker.terminate()
        assert worker.wait(30) == 0
