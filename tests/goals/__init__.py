"""The goals of reliability, each measured by one command: `make goal-G1`, `make goals`."""
