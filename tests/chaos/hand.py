"""The hand that breaks things: at random, repeatable by its seed in what it picks."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg2
import requests

from tests.chaos.ground import WORKERS, Ground, kill

# Mean seconds between faults, and how many of them are Google's: more kills than the fifteen a
# minute that are promised.
EVERY_S = 1.8
BY_GOOGLE = 0.25
READS = r"calendar\.events\.list|drive\.changes\.list"
LIMIT = {"kind": "status", "status": 403, "reason": "rateLimitExceeded", "domain": "usageLimits"}
GOOGLE: dict[str, dict[str, Any]] = {
    "rate limit (403)": {"method": READS, **LIMIT},
    "500": {"method": READS, "kind": "status", "status": 500},
    "503": {"method": READS, "kind": "status", "status": 503},
    "slow answer": {"method": READS, "kind": "slow", "seconds": 3.0},
    "reset": {"method": READS, "kind": "reset_before"},
    "truncated answer": {"method": READS, "kind": "truncated"},
    "answer to a create lost": {"method": r"drive\.files\.create", "kind": "reset_after_commit"},
    "push lost": {"push": ".", "kind": "lost", "times": 3},
    "push doubled": {"push": ".", "kind": "doubled", "times": 3},
    "push delayed": {"push": ".", "kind": "delayed", "seconds": 2.0, "times": 3},
}


class Hand:
    """Faults by kind, as often as each was dealt."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.ground = ground
        self.chance = random.Random(seed)
        self.dealt: Counter[str] = Counter()
        self.kills: dict[str, Callable[[], bool]] = {
            "worker killed": lambda: self._kill("ready for work"),
            "monitor killed": lambda: self._kill("monitoring"),
            "pusher killed": lambda: self._kill("pushing tasks"),
            "main process killed": lambda: self._behead(1),
            "guard killed": lambda: self._behead(2),
            "whole cluster killed": self._kill_cluster,
            "web worker killed": lambda: ground.kill_web_worker(self.chance.randrange(100)),
            "database server restarted": self._restart,
            "connections cut": self._cut,
            "every cursor expired": self._expire,
        }

    def work(self, seconds: float) -> None:
        """Deal faults for so long. Each kind of kill comes once before any comes twice."""
        until = time.monotonic() + seconds
        bag: list[str] = []
        while time.monotonic() < until:
            began = time.monotonic()
            if self.chance.random() < BY_GOOGLE:
                self._ask_google(self.chance.choice(list(GOOGLE)))
            else:
                bag = bag or self.chance.sample(list(self.kills), len(self.kills))
                kind = bag.pop()
                if self._dealt(self.kills[kind]):
                    self.dealt[kind] += 1
            pause_s = EVERY_S * self.chance.uniform(0.4, 1.6)
            time.sleep(max(0.0, began + pause_s - time.monotonic()))

    @property
    def killed(self) -> int:
        """How often something was ended that was at work: a process, a server, a connection."""
        return sum(self.dealt[kind] for kind in self.kills if kind != "every cursor expired")

    def _dealt(self, fault: Callable[[], bool]) -> bool:
        try:
            return fault()
        except psycopg2.Error:  # the server is still coming back
            return False

    def _ask_google(self, kind: str) -> None:
        try:
            self.ground.plan(GOOGLE[kind])
        except requests.RequestException:
            return
        self.dealt[kind] += 1

    def _machine(self) -> str:
        return self.chance.choice(WORKERS)

    def _kill(self, part: str) -> bool:
        pids = self.ground.part(self._machine(), part)
        return bool(pids) and kill(self.chance.choice(pids))

    def _behead(self, generation: int) -> bool:
        pids = self.ground.head(self._machine(), generation)
        return bool(pids) and kill(pids[0])

    def _kill_cluster(self) -> bool:
        self.ground.kill_cluster(self._machine())
        return True

    def _restart(self) -> bool:
        self.ground.restart_database()
        return True

    def _cut(self) -> bool:
        self.ground.cut_connections()
        return True

    def _expire(self) -> bool:
        self.ground.product.in_google("POST", "/_sandbox/expire_tokens")
        return True
