"""People at work in Google and at the API meanwhile, and Google's pushes at a rate."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from queue import Empty, Queue
from typing import Any

import requests

from tests.chaos.ground import Ground

URL = "/webhooks/google-calendar"
SENDERS = 4
RETRY_S = 1.0
FIRST_NUMBER = 1_000_000  # above those of the channels' own messages
FOLDER = "application/vnd.google-apps.folder"
Message = tuple[str, int]  # channel, number


class Pushes:
    """Messages sent until they are accepted, as Google does; `accepted` is what it was told."""

    def __init__(self, ground: Ground, per_s: float) -> None:
        self.port = int(ground.product.environment["PORT"])
        self.headers = {h["X-Goog-Channel-ID"]: h for h in ground.channels.values()}
        self.per_s = per_s
        self.sent: set[Message] = set()
        self.accepted: set[Message] = set()
        self.answers: Counter[str] = Counter()
        self.open = True
        self._waiting: Queue[Message] = Queue()
        self._threads = [threading.Thread(target=self._feed, daemon=True)]
        self._threads += [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new messages; returns when each one sent was accepted."""
        self.open = False
        for thread in self._threads:
            thread.join()

    def _feed(self) -> None:
        channels = list(self.headers)
        number, due = FIRST_NUMBER, time.monotonic()
        while self.open:
            message = channels[number % len(channels)], number
            self.sent.add(message)
            self._waiting.put(message)
            number += 1
            due += 1 / self.per_s
            time.sleep(max(0.0, due - time.monotonic()))

    def _send(self) -> None:
        while self.open or self.accepted != self.sent:
            try:
                message = self._waiting.get(timeout=0.2)
            except Empty:
                continue
            status = self._post(message)
            self.answers[status] += 1
            if status == "200":
                self.accepted.add(message)
            else:
                time.sleep(RETRY_S)
                self._waiting.put(message)

    def _post(self, message: Message) -> str:
        channel, number = message
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {**self.headers[channel], "X-Goog-Message-Number": str(number)}
        try:
            connection.request("POST", URL, headers=headers)
            return str(connection.getresponse().status)
        except (OSError, HTTPException):
            return "cut"
        finally:
            connection.close()


class People(threading.Thread):
    """Somebody who clicks around in calendars and folders, and makes leads now and then."""

    def __init__(self, ground: Ground, seed: int, pause_s: float = 0.4) -> None:
        super().__init__(daemon=True)
        self.ground, self.product = ground, ground.product
        self.chance = random.Random(seed)
        self.pause_s = pause_s
        self.open = True
        self.done = 0
        self.subjects = ["", *ground.channels]
        self.folders = [
            folder for (folder,) in ground.rows("SELECT folder_id FROM google_drive_folders")
        ]
        self.events: list[tuple[str, str]] = []  # whose, id
        self.files: list[str] = []

    def run(self) -> None:
        """Act until told to stop. What Google or the API refuses is nothing done."""
        deeds = (self.meet, self.meet, self.move, self.cancel, self.drop, self.drop, self.rename,
                 self.trash)  # fmt: skip
        while self.open:
            deed = self.new_lead if self.chance.random() < 0.04 else self.chance.choice(deeds)
            try:
                deed()
                self.done += 1
            except (AssertionError, IndexError, requests.RequestException):
                continue
            finally:
                time.sleep(self.pause_s * self.chance.uniform(0.5, 1.5))

    def stop(self) -> None:
        """The last deed is done."""
        self.open = False
        self.join()

    def _google(self, method: str, path: str, subject: str = "", **options: Any) -> Any:
        params = {"quotaUser": subject} if subject else {}
        return self.product.in_google(method, path, params=params, **options)

    def _times(self) -> dict[str, Any]:
        start = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=self.chance.randint(0, 700))
        end = start + timedelta(hours=1)
        return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}

    def meet(self) -> None:
        subject = self.chance.choice(self.subjects)
        body = {"summary": f"Reunião {self.done}", **self._times()}
        made = self._google("POST", "/calendar/v3/calendars/primary/events", subject, json=body)
        self.events.append((subject, made["id"]))

    def move(self) -> None:
        subject, event = self.chance.choice(self.events)
        path = f"/calendar/v3/calendars/primary/events/{event}"
        self._google("PATCH", path, subject, json=self._times())

    def cancel(self) -> None:
        meeting = subject, event = self.chance.choice(self.events)
        self.events.remove(meeting)
        self._google("DELETE", f"/calendar/v3/calendars/primary/events/{event}", subject)

    def drop(self) -> None:
        folder = self.chance.choice(self.folders)
        kind = {"mimeType": FOLDER} if self.chance.random() < 0.3 else {}
        body = {"name": f"Arquivo {self.done}", "parents": [folder], **kind}
        made = self._google("POST", "/drive/v3/files", json=body)
        if kind:
            self.folders.append(made["id"])
        else:
            self.files.append(made["id"])

    def rename(self) -> None:
        file = self.chance.choice(self.files)
        self._google("PATCH", f"/drive/v3/files/{file}", json={"name": f"Nome {self.done}"})

    def trash(self) -> None:
        file = self.chance.choice(self.files)
        self.files.remove(file)
        self._google("PATCH", f"/drive/v3/files/{file}", json={"trashed": True})

    def new_lead(self) -> None:
        name = f"Durante {self.done}"
        answer = self.product.api("POST", "/api/leads", json={"legal_name": name})
        assert answer.status_code == 201, answer.text
