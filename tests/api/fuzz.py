"""The running product, asked by schemathesis as each kind of caller: `make fuzz`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.database import prepare_environment
from tests.e2e.product import ROOT, Product

CALLERS = ("admin", "manager", "sales", "nobody in particular", "anonymous")
CONFIG = ROOT / "tests" / "api" / "schemathesis.toml"
# Nothing is throttled while thousands of questions come from one person.
UNTHROTTLED = {"API_THROTTLE_USER": "100000000/s", "API_THROTTLE_ANON": "100000000/s"}


@dataclass(frozen=True)
class Outcome:
    """What a run found."""

    caller: str
    code: int
    report: dict[str, Any]
    output: str


def prepare(folder: Path) -> Product:
    """The product with demo data, its sandbox and what a sync brings."""
    product = Product.prepare(folder, **UNTHROTTLED)
    product.start_sandbox()
    product.start_web()
    product.manage("seed_demo", "--once", "--leads", "12")
    product.manage("sync_calendars")
    product.manage("sync_drive")
    product.manage("drain_queue", "--wait", "1")
    return product


def token_of(product: Product, caller: str) -> str:
    """A token of a person with that role; of nobody an empty one."""
    if caller == "anonymous":
        return ""
    role = ["--role", caller] if caller in ("admin", "manager", "sales") else []
    words = product.manage("issue_token", f"{caller.split()[0]}@fuzz.example", *role).split()
    return words[-1]


def everybody(product: Product) -> list[str]:
    """The user ids of all callers."""
    answer = product.api("GET", "/api/users", params={"search": "fuzz.example"}).json()
    admin = product.api("GET", "/api/me").json()
    return [admin["id"], *(user["id"] for user in answer["data"])]


def ask(product: Product, caller: str, *options: str) -> Outcome:
    """One run of schemathesis as this caller."""
    report = product.folder / f"{caller.split()[0]}.json"
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG),
        "run", f"{product.web}/api/schema", "--report-json-path", str(report), *options,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PIPEDESK_WEB": product.web,
        "PIPEDESK_CALLERS": ",".join(everybody(product)),
        "PIPEDESK_TOKEN": token_of(product, caller),
        "PIPEDESK_ADMIN_TOKEN": product.token,
        # Somebody has to try the older names.
        "PIPEDESK_SPEAKS": "older" if caller == "manager" else "own names",
    }
    done = subprocess.run(
        command, cwd=product.folder, env=environment, capture_output=True, text=True, check=False
    )
    found = json.loads(report.read_text()) if report.exists() else {}
    return Outcome(caller, done.returncode, found, done.stdout + done.stderr)


def main() -> int:
    """Ask as everybody; the exit code says whether all was well."""
    prepare_environment()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20, help="per operation and caller")
    parser.add_argument("--callers", nargs="*", default=CALLERS, choices=CALLERS)
    parser.add_argument("--keep", type=Path, help="folder for the reports and the server's log")
    chosen, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="pipedesk-fuzz-") as folder:
        product = prepare(Path(folder))
        try:
            outcomes = []
            for caller in chosen.callers:
                outcome = ask(product, caller, "--max-examples", str(chosen.examples), *more)
                sys.stdout.write(f"== as {caller}\n{outcome.output}\n")
                sys.stdout.flush()
                outcomes.append(outcome)
        finally:
            product.stop()
            if chosen.keep:
                chosen.keep.mkdir(parents=True, exist_ok=True)
                for file in (*product.folder.glob("*.json"), *product.folder.glob("*.log")):
                    shutil.copy(file, chosen.keep)
    return max(outcome.code for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
