"""Two web servers, three clusters of workers, one PostgreSQL; wake-ups through Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests

from tests.database import free_port
from tests.e2e.product import Product, eventually
from tests.e2e.test_journeys import EVENTS, LEAD_FOLDERS, drive_of, meeting, mirrored
from tests.redis_server import BINARY, RedisServer

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        os.environ.get("TEST_DATABASE") != "postgres", reason="several machines share a PostgreSQL"
    ),
    pytest.mark.skipif(BINARY is None, reason="no Redis is installed (Debian: redis-tools)"),
]
CLUSTERS = ("worker-1", "worker-2", "worker-3")


@dataclass
class Machines:
    """What runs."""

    product: Product
    redis: RedisServer
    webs: list[str]

    def post(self, web: str, path: str, **options: object) -> requests.Response:
        """A call to one of the web servers, as an admin."""
        headers = {"Authorization": f"Bearer {self.product.token}"}
        return requests.post(f"{web}{path}", headers=headers, timeout=20, **options)

    def new_leads(self, names: list[str]) -> list[str]:
        """Leads made at once, over the web servers in turn."""

        def made(number: int) -> str:
            web = self.webs[number % len(self.webs)]
            answer = self.post(web, "/api/leads", json={"legal_name": names[number]})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        with ThreadPoolExecutor(8) as callers:
            return list(callers.map(made, range(len(names))))

    def all_ready(self, leads: list[str]) -> bool:
        """Whether each has its folders."""
        return all(drive_of(self.product, it)["folder"]["state"] == "ready" for it in leads)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp("machines")
    redis = RedisServer(folder)
    redis.start()
    product = Product.prepare(folder, Q_BROKER=redis.url)
    try:
        product.start_sandbox()
        webs = [product.start_web("web-1"), product.start_web("web-2", free_port())]
        product.manage("sync_calendars")
        product.manage("sync_drive")
        product.manage("renew_channels", "--all")
        for name in CLUSTERS:
            product.start_worker(name, "--beat", "1", "--stall", "10")
        yield Machines(product, redis, webs)
    finally:
        product.stop()
        redis.kill()


def test_all_of_them_make_one_tree_for_each_lead_and_one_meeting_of_each(
    machines: Machines,
) -> None:
    names = [f"Muitas Máquinas {number}" for number in range(24)]
    leads = machines.new_leads(names)
    with ThreadPoolExecutor(8) as callers:  # whoever asks again, anywhere, adds nothing
        again = list(
            callers.map(
                lambda it: machines.post(it[0], f"/api/drive/lead/{it[1]}/provision").status_code,
                [(web, lead) for lead in leads for web in machines.webs],
            )
        )
    for day in range(1, 7):
        machines.product.in_google("POST", EVENTS, json=meeting(f"Reunião {day}", day))

    eventually(lambda: machines.all_ready(leads), 60, 0.5, "every lead has its tree")
    trees = machines.product.folder_tree()["Leads"]
    assert set(again) == {202}
    assert {name for name in trees if "Muitas" in name} == {f"Lead - {name}" for name in names}
    assert all(set(trees[f"Lead - {name}"]) == LEAD_FOLDERS for name in names)
    for day in range(1, 7):
        eventually(lambda d=day: len(mirrored(machines.product, f"Reunião {d}")) == 1, 15)
    done = [machines.product.log(name).count("Processed") for name in CLUSTERS]
    assert all(done), f"a cluster took nothing: {done}"


def test_what_redis_forgets_and_a_killed_cluster_held_is_done_all_the_same(
    machines: Machines,
) -> None:
    product, redis = machines.product, machines.redis
    product.in_google("POST", "/_sandbox/latency", json={"seconds": 0.5})
    leads = machines.new_leads([f"Com Redis {number}" for number in range(4)])
    product.kill_worker("worker-3")
    redis.kill()
    # Nobody can be woken: what is asked for is taken down and answered like always.
    leads += machines.new_leads([f"Sem Redis {number}" for number in range(4)])
    product.in_google("POST", EVENTS, json=meeting("Sem Redis", 20))
    time.sleep(3)
    product.in_google("POST", "/_sandbox/latency", json={"seconds": 0})
    redis.start()
    product.start_worker("worker-3", "--beat", "1", "--stall", "10")

    # A cluster that starts takes up what is left; so does, later, the sweeper of each minute.
    eventually(lambda: machines.all_ready(leads), 150, 0.5, "every lead has its tree")
    eventually(lambda: len(mirrored(product, "Sem Redis")) == 1, 60, 0.5, "the meeting")
    trees = product.folder_tree()["Leads"]  # fails where a name is doubled
    wanted = {f"Lead - {kind} Redis {number}" for kind in ("Com", "Sem") for number in range(4)}
    assert {name for name in trees if "Redis" in name} == wanted
    assert all(set(trees[name]) == LEAD_FOLDERS for name in wanted)
