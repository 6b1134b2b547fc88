"""How fast, measured: `python -m tests.bench` or `make bench`; each module is one bench.

A bench measures things side by side in one run, so that its figures are ratios wherever a limit
hangs on them. Importing this makes Django ready, on a database of its own unless tests run.
"""

import os

import django

os.environ.setdefault("TEST_DATABASE", "postgres")
os.environ.setdefault("TEST_DURABLE", "1")  # a server as in production, which loses nothing
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipedesk.settings")
from tests import database  # noqa: F401  sets the environment that Django reads

django.setup()
