"""JSON bodies, read strictly: what databases, other parsers or we would trip over is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from pipedesk.core.exceptions import InvalidInput

MAX_DEPTH = 32
# NUL cannot be stored by PostgreSQL, half a surrogate pair cannot be encoded by anybody.
POISON = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON: no duplicate keys, no NaN, at most 32 levels, no text that cannot be stored."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The document. Raises ParseError (400), InvalidInput (422) and friends."""
        kind, options = parse_header_parameters(media_type or self.media_type)
        if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(kind, _("Bodies are UTF-8."))
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise RequestDataTooBig
        document = read_json(body)
        refuse_poison(document)
        return document


def read_json(body: bytes) -> Any:
    """Decode one document. Raises ParseError when it is malformed."""
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ParseError(_("The body is nested too deeply.")) from None
    except ValueError:
        raise ParseError(_("The body is not well-formed JSON.")) from None


def refuse_poison(document: Any) -> None:
    """Walk the document (without recursion).

    Raises ParseError past 32 levels, InvalidInput for text that cannot be stored.
    """
    waiting: list[tuple[Any, str, int]] = [(document, "", 0)]
    while waiting:
        value, path, depth = waiting.pop()
        if isinstance(value, str) and POISON.search(value):
            raise InvalidInput(path, _("Text with characters that cannot be stored."))
        if not isinstance(value, dict | list):
            continue
        if depth >= MAX_DEPTH:
            raise ParseError(_("The body is nested too deeply."))
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for name, member in members:
            if isinstance(name, str) and POISON.search(name):
                raise InvalidInput(path, _("A name with characters that cannot be stored."))
            waiting.append((member, f"{path}.{name}" if path else str(name), depth + 1))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        msg = "a name appears twice"
        raise ValueError(msg)
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
