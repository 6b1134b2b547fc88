"""One seed: faults for a while, then peace, then the account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import psycopg2

from tests.chaos.comparing import leads_without_one_folder, unlike
from tests.chaos.ground import Ground
from tests.chaos.hand import Hand
from tests.chaos.writer import FIRST_NUMBER, People, Pushes
from tests.figures import Figure

PER_S = 30.0  # pushes, besides those Google sends for what people do
KILLS_PER_MINUTE = 15
RECOVERED_WITHIN_S = 105.0  # reliability.md: lease and sweep
# A push that was lost is made good by the poll of a minute, which starts after the recovery.
AGREES_WITHIN_S = RECOVERED_WITHIN_S + 90
KEPT = "SELECT channel_id, message_number FROM webhook_receipts WHERE message_number >= "


def wreak(
    ground: Ground, seed: int, seconds: float, at_peace: Callable[[], object] = bool
) -> Iterable[Figure]:
    """The figures of so many seconds of faults; `at_peace` is called when no more are dealt."""
    hand, people, pushes = Hand(ground, seed), People(ground, seed), Pushes(ground, PER_S)
    pushes.start()
    people.start()
    hand.work(seconds)
    people.stop()
    ground.calm()
    peace = time.monotonic()
    pushes.stop()
    at_peace()
    recovered_s = _until(ground.is_at_rest, peace, RECOVERED_WITHIN_S * 2)
    agrees_s = _until(lambda: not any(unlike(ground).values()), peace, AGREES_WITHIN_S)
    kept = {(channel, number) for channel, number in ground.rows(f"{KEPT}{FIRST_NUMBER}")}
    dealt = sum(hand.dealt.values())
    yield from (Figure(kind, times) for kind, times in sorted(hand.dealt.items()))
    yield Figure("faults a minute", 60 * dealt / seconds)
    yield Figure("kills a minute", 60 * hand.killed / seconds, at_least=KILLS_PER_MINUTE)
    yield Figure("things people did", people.done)
    yield Figure("pushes sent", len(pushes.sent))
    yield Figure("pushes sent again", sum(pushes.answers.values()) - len(pushes.accepted))
    yield Figure("pushes accepted", len(pushes.accepted), at_least=len(pushes.sent))
    yield Figure("pushes recorded", len(kept), at_least=len(pushes.sent))
    yield Figure("pushes accepted and not recorded", len(pushes.accepted - kept), at_most=0)
    strange = sum(n for answer, n in pushes.answers.items() if answer not in {"200", "503", "cut"})
    yield Figure("pushes answered with anything but 200 and 503", strange, at_most=0)
    yield Figure("rows with work requested and not applied", len(ground.behind()), at_most=0)
    yield from (
        Figure(f"{what} unlike Google's", count, at_most=0)
        for what, count in unlike(ground).items()
    )
    yield Figure("leads without exactly one folder", leads_without_one_folder(ground), at_most=0)
    yield Figure("all applied after", recovered_s, "s", at_most=RECOVERED_WITHIN_S)
    yield Figure("mirror equals Google after", agrees_s, "s", at_most=AGREES_WITHIN_S)


def _until(condition: Callable[[], bool], since: float, at_most_s: float) -> float:
    """Seconds since then until it is true, or until we no longer wait."""
    while (waited_s := time.monotonic() - since) < at_most_s:
        try:
            if condition():
                break
        except psycopg2.Error:  # the server is still coming back
            pass
        time.sleep(0.25)
    return waited_s
