"""Log lines: one format for everything, and nothing secret in any of them.

Redaction works on the finished line, so that it also covers tracebacks, other people's loggers
and values nobody thought of as secret when they logged them.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Literal

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

GONE = "***"
# Headers, settings and parameters whose value is a secret, as they are spelled in headers,
# WSGI environments, JSON and addresses.
_NAMES = (
    r"authorization|proxy-authorization|(?:set-)?cookie|(?:x-)?csrftoken|x-goog-channel-token"
    r"|x-goog-resource-id|(?:next|start)?-?(?:sync|page)-?token|newstartpagetoken|channel-token"
    r"|access-token|refresh-token|id-token|token|upload-?id|client-secret|private-key"
    r"|secret-key|jwt-secret|password|assertion|sessionid|resource-?id"
).replace("-", "[-_]")
_REDACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)", re.S), GONE),
    # A JWT anywhere; the first part of one is JSON, which begins with {".
    (re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*){1,2}"), GONE),
    (re.compile(r"\bya29\.[\w-]+"), GONE),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{4,}", re.I), rf"\1 {GONE}"),
    (re.compile(r"""(\bcookie\s*:\s*)[^"'\r\n]+""", re.I), rf"\1{GONE}"),
    # name: value, name=value, "name": "value".
    (
        re.compile(rf"""(\b(?:HTTP_)?(?:{_NAMES})\b["']?\s*[:=]\s*["'])[^"'\r\n]*""", re.I),
        rf"\1{GONE}",
    ),
    (
        re.compile(
            rf"""(\b(?:HTTP_)?(?:{_NAMES})\b(?:\s*:\s*|=))(?!["'])[^\s&"',;)\]}}\\]+""", re.I
        ),
        rf"\1{GONE}",
    ),
    # Addresses keep their first letter and their domain.
    (re.compile(r"\b([\w])[\w.+-]*@(?=[\w-]+\.)"), rf"\1{GONE}@"),
)


def redact(line: str) -> str:
    """The line without secrets."""
    for pattern, replacement in _REDACTIONS:
        line = pattern.sub(replacement, line)
    return line


def _redact_line(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    # The renderer before this one has made a string of the event.
    return redact(line) if isinstance(line, str) else line  # type: ignore[unreachable]


# What every line has, whoever writes it.
SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,  # plain: the values of variables stay inside
)


def formatter(kind: Literal["console", "json"]) -> logging.Formatter:
    """The formatter of all handlers: for people, or one JSON object a line."""
    renderer: Any
    if kind == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    return ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[ProcessorFormatter.remove_processors_meta, renderer, _redact_line],
    )


def configure_structlog() -> None:
    """Send structlog's events through the standard library's handlers."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
