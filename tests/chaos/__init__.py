"""The whole product as processes, killed at random while people work in Google.

`python -m tests.chaos --seed 1 --seconds 60` or `make chaos`; on a PostgreSQL server of its own.
"""
