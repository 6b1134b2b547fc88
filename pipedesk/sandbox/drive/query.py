"""The query language of ``files.list``.

https://developers.google.com/workspace/drive/api/guides/ref-search-terms
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipedesk.sandbox.clock import parse_rfc3339
from pipedesk.sandbox.errors import GoogleError, Json, invalid_value

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<operator><=|>=|!=|=|<|>)|(?P<mark>[(){}])"
    r"|(?P<word>[A-Za-z][A-Za-z0-9_.]*))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_TEXTS = frozenset({"name", "mimeType", "fullText"})
_TIMES = frozenset({"modifiedTime", "createdTime", "viewedByMeTime"})
_FLAGS = frozenset({"trashed", "starred", "sharedWithMe"})
_COLLECTIONS = frozenset({"parents", "owners", "writers", "readers"})
_PROPERTIES = frozenset({"appProperties", "properties"})


class Subject(Protocol):
    """What a query asks of a file."""

    def value(self, name: str) -> Any:
        """A field's value."""

    def members(self, name: str) -> list[str]:
        """A collection's members."""


class Node(Protocol):
    """A part of a query."""

    def matches(self, subject: Subject) -> bool:
        """Whether a file fits."""


@dataclass(frozen=True)
class Both:
    """``and``."""

    left: Node
    right: Node

    def matches(self, subject: Subject) -> bool:
        return self.left.matches(subject) and self.right.matches(subject)


@dataclass(frozen=True)
class Either:
    """``or``."""

    left: Node
    right: Node

    def matches(self, subject: Subject) -> bool:
        return self.left.matches(subject) or self.right.matches(subject)


@dataclass(frozen=True)
class Negated:
    """``not``."""

    inner: Node

    def matches(self, subject: Subject) -> bool:
        return not self.inner.matches(subject)


@dataclass(frozen=True)
class Comparison:
    """``name = 'x'``, ``trashed = false``, ``modifiedTime > '…'``, ``name contains 'x'``."""

    name: str
    operator: str
    operand: Any

    def matches(self, subject: Subject) -> bool:
        value = subject.value(self.name)
        if self.operator == "contains":
            return _contains(self.name, str(value), self.operand)
        return value is not None and _COMPARE[self.operator](value, self.operand)


@dataclass(frozen=True)
class Membership:
    """``'id' in parents``."""

    member: str
    collection: str

    def matches(self, subject: Subject) -> bool:
        return self.member in subject.members(self.collection)


@dataclass(frozen=True)
class Property:
    """``appProperties has { key='k' and value='v' }``."""

    collection: str
    key: str
    text: str

    def matches(self, subject: Subject) -> bool:
        properties: Json = subject.value(self.collection) or {}
        return bool(properties.get(self.key) == self.text)


def _contains(name: str, value: str, operand: str) -> bool:
    """``contains`` matches prefixes: of words in names, of the whole for MIME types."""
    value, operand = value.lower(), operand.lower()
    if name == "mimeType":
        return value.startswith(operand)
    return re.search(r"(?:^|\W|_)" + re.escape(operand), value) is not None


def parse(text: str, root_id: str) -> Node:
    """Read a query; ``'root' in parents`` means the given folder.

    Raises GoogleError 400 ``invalid`` with location ``q``.
    """
    return _Parser(text, root_id).parse()


class _Parser:
    """``not`` binds tighter than ``and``, ``and`` tighter than ``or``."""

    def __init__(self, text: str, root_id: str) -> None:
        self._root_id = root_id
        self._tokens = list(_tokens(text))
        self._at = 0

    def parse(self) -> Node:
        node = self._either()
        if self._at != len(self._tokens):
            raise _invalid()
        return node

    def _either(self) -> Node:
        node = self._both()
        while self._accept("word", "or"):
            node = Either(node, self._both())
        return node

    def _both(self) -> Node:
        node = self._negated()
        while self._accept("word", "and"):
            node = Both(node, self._negated())
        return node

    def _negated(self) -> Node:
        if self._accept("word", "not"):
            return Negated(self._negated())
        if self._accept("mark", "("):
            node = self._either()
            self._expect("mark", ")")
            return node
        return self._term()

    def _term(self) -> Node:
        kind, token = self._next()
        if kind == "text":
            self._expect("word", "in")
            collection = self._one_of(_COLLECTIONS)
            is_root = (token, collection) == ("root", "parents")
            return Membership(self._root_id if is_root else token, collection)
        if kind != "word":
            raise _invalid()
        if token in _PROPERTIES:
            return self._property(token)
        operator = self._next()[1]
        if token in _FLAGS and operator in {"=", "!="}:
            return Comparison(token, operator, self._one_of({"true", "false"}) == "true")
        if token in _TEXTS and operator in {"=", "!=", "contains"}:
            return Comparison(token, operator, self._expect("text"))
        if token in _TIMES and operator in _COMPARE:
            return Comparison(token, operator, _time(self._expect("text")))
        raise _invalid()

    def _property(self, collection: str) -> Node:
        self._expect("word", "has")
        self._expect("mark", "{")
        self._expect("word", "key")
        self._expect("operator", "=")
        key = self._expect("text")
        self._expect("word", "and")
        self._expect("word", "value")
        self._expect("operator", "=")
        value = self._expect("text")
        self._expect("mark", "}")
        return Property(collection, key, value)

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise _invalid()
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, kind: str, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, token):
            self._at += 1
            return True
        return False

    def _expect(self, kind: str, token: str | None = None) -> str:
        found_kind, found = self._next()
        if found_kind != kind or (token is not None and found != token):
            raise _invalid()
        return found

    def _one_of(self, words: frozenset[str] | set[str]) -> str:
        word = self._expect("word")
        if word not in words:
            raise _invalid()
        return word


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise _invalid()
        kind = str(match.lastgroup)
        token = match.group(kind)
        if kind == "text":
            token = re.sub(r"\\(.)", r"\1", token[1:-1])
        tokens.append((kind, token))
        at = match.end()
    return tokens


def _time(text: str) -> datetime:
    try:
        return parse_rfc3339(text if "T" in text else f"{text}T00:00:00")
    except ValueError:
        raise _invalid() from None


def _invalid() -> GoogleError:
    return invalid_value("q")
