"""What happens to meetings: a push, a delta, a refused cursor, a new channel, a new meeting."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar

from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from gcalendar import client, sync
from gcalendar.models import CalendarSyncState, EventAppearance, EventCreation, MirroredCalendar
from gcalendar.tasks import close_creations
from pipedesk.google.channels import ChannelState
from pipedesk.sandbox.people import CalendarPeople
from pipedesk.sandbox.push import headers_of
from tests.crashes.enumerator import Scenario
from tests.factories.crm import ContactFactory, LeadContactFactory, LeadFactory
from tests.factories.gcalendar import CalendarFactory
from tests.gcalendar.calendar_life.desk import CalendarDesk, appearing
from tests.gcalendar.conftest import writes
from tests.living import Desk
from webhooks import channels
from webhooks.kinds import CALENDAR, KINDS
from webhooks.models import Receipt
from webhooks.tasks import renew_channels

ANA, GUEST = "ana@pipedesk.example", "carla@client.example"


class Calendars(CalendarDesk):
    """The comparison of the mirror with Google, and people at the API."""

    def __init__(self, scenario: Scenario) -> None:
        Desk.__init__(self, scenario.world.google, scenario.world.process, "gcalendar", "manager")


class CalendarScenario(Scenario):
    """Ana's calendar, mirrored: meetings with a lead's contact, and a series."""

    desk: Calendars
    people: CalendarPeople
    calendar: MirroredCalendar
    ids: list[str]
    api: APIClient

    def furnish(self, size: int) -> None:
        """A first sync is done."""
        query = {"singleEvents": False, "maxResults": size}
        self.world.monkeypatch.setattr(client, "EVENTS_QUERY", query)
        self.world.monkeypatch.setattr(sync, "SLICE_EVENTS", 2 * size)
        self.desk = Calendars(self)
        self.api = self.desk.client
        self.people = CalendarPeople(self.world.google).as_user(ANA)
        LeadContactFactory(lead=LeadFactory(), contact=ContactFactory(email=GUEST))
        self.ids = [self.meet(f"m{number}", number) for number in range(1, 5)]
        self.calendar = CalendarFactory(subject=ANA, calendar_id="primary")
        MirroredCalendar.objects.request(self.calendar.pk)
        self.world.settle()

    def meet(self, title: str, day: int, **fields: Any) -> str:
        """A meeting with the contact, so many days from today."""
        guests = [{"email": GUEST, "responseStatus": "accepted"}]
        made = self.people.create_event(title, on(day), attendees=guests, **fields)
        return str(made["id"])

    def change(self) -> None:
        """People move, cancel and make meetings, and a series with exceptions."""
        self.people.move_event(self.ids[0], on(20), on(20, 14))
        self.people.cancel_event(self.ids[1])
        series = self.meet("Daily", 5, time_zone="UTC", recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
        for day, moved in ((6, True), (7, False)):
            instance = f"{series}_{on(day):%Y%m%dT%H%M%SZ}"
            if moved:
                self.people.move_event(instance, on(day, 18), on(day, 19))
            else:
                self.people.cancel_event(instance)

    def check(self) -> None:
        """The mirror is Google; a second look writes nothing; no meeting is there twice."""
        self.desk.check()
        titles = Counter(
            event["summary"]
            for _, event in self.desk.plain().live()
            if "recurringEventId" not in event
        )
        assert set(titles.values()) == {1}, titles
        stamps = writes()
        MirroredCalendar.objects.request(self.calendar.pk)
        self.world.work()
        assert writes() == stamps, "a sync without news wrote"

    def visible(self) -> Any:
        """What is shown, and the cursor."""
        cursor = CalendarSyncState.objects.active().get(mirrored_calendar=self.calendar)
        return cursor.sync_token, appearing(self.calendar)


def on(day: int, hour: int = 13) -> datetime:
    """That hour, so many days from today."""
    return datetime.combine(timezone.now().date() + timedelta(days=day), time(hour), UTC)


class Delta(CalendarScenario):
    """What changed since the cursor."""

    name: ClassVar[str] = "incremental sync"
    all_or_nothing = True

    def furnish(self, size: int) -> None:
        """People have changed a lot."""
        super().furnish(size)
        self.change()

    def deed(self) -> None:
        """The clock asks, a worker works."""
        MirroredCalendar.objects.request(self.calendar.pk)
        self.world.work()

    def repeat(self) -> None:
        """The clock asks again, some day."""
        MirroredCalendar.objects.request(self.calendar.pk)


class RefusedCursor(Delta):
    """The same, but Google has forgotten the cursor, and what was deleted is on no list."""

    name: ClassVar[str] = "full sync after 410"
    all_or_nothing = False

    def furnish(self, size: int) -> None:
        """The cursor is of no use."""
        super().furnish(size)
        self.world.google.expire_tokens()


class Push(CalendarScenario):
    """A message from Google; during the sync it leads to comes another one."""

    name: ClassVar[str] = "webhook to applied"
    channel_id: str
    unanswered: list[tuple[str, dict[str, str]]]
    is_late_news_out: bool

    def furnish(self, size: int) -> None:
        """There is a channel, and people have changed a lot."""
        super().furnish(size)
        channel, _ = channels.ensure(CALENDAR, self.calendar.pk)
        self.channel_id = channel.channel_id
        self.change()

    def deed(self) -> None:
        """The message is taken, and workers work; in the middle comes the second."""
        self.unanswered, self.is_late_news_out = [], False
        self.world.process.meanwhile = (0, self.more_news)
        self.tell()
        self.world.work()

    def more_news(self) -> None:
        """Somebody makes a meeting after the list was asked for."""
        self.is_late_news_out = True
        self.meet("Late", 9)
        self.tell()

    def tell(self) -> None:
        """Google sends a message, and remembers it until it is answered."""
        row = self.world.google.channels.number_message(self.channel_id, 1)
        assert row is not None
        self.unanswered.append((row["address"], headers_of(row, "exists", set())))
        self.answered()

    def answered(self) -> None:
        """Send what is unanswered."""
        for message in list(self.unanswered):
            if self.world.deliver(*message) == 200:
                self.unanswered.remove(message)

    def repeat(self) -> None:
        """Google tries again; nobody polls."""
        self.world.process.meanwhile = None
        self.answered()
        if not self.is_late_news_out:
            self.more_news()

    def check(self) -> None:
        """Each message is kept once."""
        assert self.unanswered == []
        numbers = list(Receipt.objects.values_list("message_number", flat=True))
        assert sorted(numbers) == [1, 2]
        super().check()


class Renewal(CalendarScenario):
    """Channels of a calendar and a drive that end are replaced, and news are read."""

    name: ClassVar[str] = "channel renewal"

    def furnish(self, size: int) -> None:
        """All channels are past half of their lives."""
        super().furnish(size)
        renew_channels()
        self.world.settle()
        self.hear()
        for kind in KINDS.values():
            kind.rows().update(renew_at=timezone.now() - timedelta(minutes=1))
        self.change()

    def hear(self) -> None:
        """Google greets on every channel that lives."""
        for row in self.world.live_channels():
            assert self.world.push(row["id"], "sync") == 200

    def deed(self) -> None:
        """The clock asks for new channels and for news."""
        renew_channels()
        MirroredCalendar.objects.request(self.calendar.pk)
        self.world.work()

    def repeat(self) -> None:
        """Google's greetings arrive; the clock asks again and again."""
        self.hear()
        for _round in range(2):
            for kind in KINDS.values():
                pending = kind.rows().filter(state=ChannelState.PENDING)
                pending.update(created_at=F("created_at") - timedelta(minutes=10))
            renew_channels()
            self.world.settle()
        MirroredCalendar.objects.request(self.calendar.pk)

    def check(self) -> None:
        """One live channel for each resource, and it is the one we count on."""
        live = Counter(row["topic"] for row in self.world.live_channels())
        assert sorted(live.values()) == [1, 1], live
        ours = {
            channel_id
            for kind in KINDS.values()
            for channel_id in channels.live(kind, timezone.now()).values_list(
                "channel_id", flat=True
            )
        }
        assert ours == {row["id"] for row in self.world.live_channels()}
        super().check()


class Meeting(CalendarScenario):
    """A person makes a meeting at the API; without an answer the client asks again."""

    name: ClassVar[str] = "authoring a meeting"
    BODY: ClassVar[dict[str, Any]] = {
        "title": "Visit",
        "attendees": [GUEST],
        "create_meet_link": False,
    }

    def deed(self) -> None:
        """The request, and the sync that brings its echo."""
        body = {
            **self.BODY,
            "startTime": on(3).isoformat(),
            "endTime": on(3, 14).isoformat(),
        }
        answer = self.api.post("/api/calendar/events", body, headers={"idempotency-key": "crash-1"})
        self.world.follow_commits()
        assert answer.status_code == 201, answer.content
        MirroredCalendar.objects.request(self.calendar.pk)
        self.world.work()

    def repeat(self) -> None:
        """The client asks again with its key."""
        self.deed()
        close_creations()

    def check(self) -> None:
        """One meeting, its author known."""
        assert self.desk.plain().titled("Visit") == 1
        assert EventCreation.objects.get().state == EventCreation.State.WRITTEN
        shown = EventAppearance.objects.filter(event__summary="Visit").get()
        assert shown.event.author_id is not None
        super().check()
