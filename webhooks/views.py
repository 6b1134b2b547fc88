"""What Google calls. Plain Django: no session, no user, no REST framework."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from pipedesk.accounts.addresses import client_address
from webhooks.inbox import accept
from webhooks.notifications import MalformedNotification, parse
from webhooks.refusals import too_many

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024
RECEIVER = re.compile(r"/webhooks/google-(calendar|drive)/?")
ROBOTS = "User-agent: APIs-Google\nAllow: /webhooks/\n\nUser-agent: *\nDisallow: /\n"


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Take a push message of either kind of channel.

    Google retries on 503 only, so that is the answer when the message could not be kept;
    everything that is not for us is 404, alike in body and time.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        if _is_oversized(request):
            return HttpResponse(status=413)
        notification = parse(request.META)
    except MalformedNotification:
        return _refusal(request, 400)
    try:
        accepted = accept(notification)
    except DatabaseFailure as failure:
        logger.error("push not kept: %s", type(failure).__name__)  # noqa: TRY400  (no values)
        return HttpResponse(status=503)
    return HttpResponse() if accepted else _refusal(request, 404)


def receiver_first(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the outermost: Google's messages pass none of the others."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if RECEIVER.fullmatch(request.path_info):
            return receive(request)
        return get_response(request)

    return middleware


def robots(request: HttpRequest) -> HttpResponse:
    """Google's sender of push messages respects robots.txt; nobody else has business here."""
    return HttpResponse(ROBOTS, content_type="text/plain")


def _is_oversized(request: HttpRequest) -> bool:
    """Whether the body is too long; a chunked one is read only as far as that needs.

    Raises MalformedNotification for chunks that are none.
    """
    if request.META.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in request.META:
        try:
            start = request.META["wsgi.input"].read(MAX_BODY_BYTES + 1)
        except Exception as failure:  # each server has errors of its own for it
            msg = "body"
            raise MalformedNotification(msg) from failure
        return len(start) > MAX_BODY_BYTES
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    return length.isdecimal() and int(length) > MAX_BODY_BYTES


def _refusal(request: HttpRequest, status: int) -> HttpResponse:
    wait_s = too_many(client_address(request))
    if wait_s:
        return HttpResponse(status=429, headers={"Retry-After": str(wait_s)})
    return HttpResponse(status=status)
