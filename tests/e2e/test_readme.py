"""Every command the README types into a shell prints what the README shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.product import ROOT, Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

README = (ROOT / "README.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```bash\n(.*?)```\n```\n(.*?)```", README, re.DOTALL)


def as_typed_here(text: str, product: Product) -> str:
    """The README's text with this run's Python and ports."""
    return (
        text.replace(".venv/bin/python", sys.executable)
        .replace("127.0.0.1:8000", product.web.removeprefix("http://"))
        .replace("127.0.0.1:8085", product.google.removeprefix("http://"))
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README types curl")
def test_the_journeys_of_the_readme_print_what_it_shows(product: Product) -> None:
    product.manage("seed_demo", "--once", "--leads", "10")
    assert len(STEPS) == 11
    mark = "--- end of step ---"
    script = f"\necho '{mark}'\n".join(as_typed_here(typed, product) for typed, _ in STEPS)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT, env=product.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    printed = [part.strip() for part in done.stdout.split(mark)]
    assert printed == [shown.strip() for _, shown in STEPS], done.stderr


def test_every_make_target_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))
    makefile = Path(ROOT / "Makefile").read_text(encoding="utf-8")

    assert named >= {"run", "test", "check", "help"}
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
