"""Writes `.env` from `.env.example` with fresh secrets, unless there is one.

Needs nothing but Python: `make run` calls it before anything is installed.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRETS = {"SECRET_KEY": 50, "SUPABASE_JWT_SECRET": 40, "DEMO_PASSWORD": 12}


def filled(line: str) -> str:
    """The line, with a fresh secret where it names one without a value."""
    name = line.rstrip("=")
    if line == f"{name}=" and name in SECRETS:
        return f"{name}={secrets.token_urlsafe(SECRETS[name])}"
    return line


def write_environment(root: Path = ROOT) -> bool:
    """Create `root/.env`, readable by its owner only; False when it exists already."""
    lines = (root / ".env.example").read_text(encoding="utf-8").splitlines()
    try:
        handle = os.open(root / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as environment:
        environment.write("\n".join(filled(line) for line in lines) + "\n")
    return True


if __name__ == "__main__":
    write_environment()
