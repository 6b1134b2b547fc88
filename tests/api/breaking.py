"""What of a new OpenAPI document breaks clients that were made for an old one.

What clients send must still be taken, what they read must still be there. New values of an
enumeration in answers are no break: clients are told to expect them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.api.document import in_whole_rows

Schema = Mapping[str, Any]
# Limits of what may be sent: lower ones narrow, higher ones narrow.
UPPER = ("maxLength", "maximum", "maxItems", "maxProperties")
LOWER = ("minLength", "minimum", "minItems", "minProperties")
EXACT = ("format", "pattern", "const")


@dataclass(frozen=True)
class _Side:
    """A document, and how its references are followed."""

    document: Mapping[str, Any]

    def follow(self, node: Schema) -> Schema:
        """The node, or what it refers to."""
        while "$ref" in node:
            kind, name = node["$ref"].split("/")[-2:]
            node = self.document["components"][kind][name]
        return node


class Comparison:
    """Two documents; `breaks` says what is no longer true, one line each."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.old, self.new = _Side(old), _Side(new)
        self._at_work: set[tuple[Any, ...]] = set()

    def breaks(self) -> list[str]:
        """Every break, named by operation and place."""
        return list(dict.fromkeys(self._paths()))

    def _paths(self) -> Iterator[str]:
        for path, methods in self.old.document["paths"].items():
            for method, operation in methods.items():
                name = f"{method.upper()} {path}"
                now = self.new.document["paths"].get(path, {}).get(method)
                if now is None:
                    yield f"{name}: removed"
                    continue
                if now["operationId"] != operation["operationId"]:
                    yield f"{name}: operationId changed"
                yield from self._parameters(name, operation, now)
                yield from self._body(name, operation, now)
                yield from self._answers(name, operation, now)

    # --- What clients send -------------------------------------------------------------------

    def _parameters(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        before = {(one["in"], one["name"]): one for one in old.get("parameters", ())}
        after = {(one["in"], one["name"]): one for one in new.get("parameters", ())}
        for key, parameter in before.items():
            place = f"{name} parameter {key[1]}"
            if key not in after:
                yield f"{place}: removed"
                continue
            yield from self._narrowed(place, parameter["schema"], after[key]["schema"])
        for key, parameter in after.items():
            was_required = before.get(key, {}).get("required", False)
            if parameter.get("required", False) and not was_required:
                yield f"{name} parameter {key[1]}: now required"

    def _body(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("requestBody", {}), new.get("requestBody", {})
        if after.get("required", False) and not before.get("required", False):
            yield f"{name} request: now required"
        for media, content in before.get("content", {}).items():
            if media not in after.get("content", {}):
                yield f"{name} request: no longer takes {media}"
                continue
            now = after["content"][media]["schema"]
            yield from self._narrowed(f"{name} request", content["schema"], now)

    def _narrowed(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        """Why the new schema takes less than the old one."""
        befores, afters = self._kinds(self.old, old), self._kinds(self.new, new)
        for before in befores:
            faults = [self._once(place, before, after, reading=False) for after in afters]
            if faults and all(faults):
                yield from min(faults, key=len)

    # --- What clients read -------------------------------------------------------------------

    def _answers(self, name: str, old: Schema, new: Schema) -> Iterator[str]:
        for code, response in old["responses"].items():
            place = f"{name} answer {code}"
            if code not in new["responses"]:
                if code < "400":
                    yield f"{place}: removed"
                continue
            before = self.old.follow(response)
            after = self.new.follow(new["responses"][code])
            yield from (
                f"{place} header {header}: removed"
                for header in before.get("headers", {})
                if header not in after.get("headers", {})
            )
            for media, content in before.get("content", {}).items():
                if media not in after.get("content", {}):
                    yield f"{place}: no longer in {media}"
                    continue
                now = after["content"][media]["schema"]
                yield from self._widened(place, content["schema"], now)

    def _widened(self, place: str, old: Schema, new: Schema) -> Iterator[str]:
        """Why the new schema may be something that the old one never was."""
        befores, afters = self._kinds(self.old, old), self._kinds(self.new, new)
        for after in afters:
            faults = [self._once(place, before, after, reading=True) for before in befores]
            if faults and all(faults):
                yield from min(faults, key=len)

    # --- Schemas -----------------------------------------------------------------------------

    @staticmethod
    def _kinds(side: _Side, schema: Schema) -> list[Schema]:
        """The schemas one of which holds; each of one type."""
        schema = side.follow(schema)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices and "properties" not in schema:
            return [kind for one in choices for kind in Comparison._kinds(side, one)]
        types = schema.get("type")
        if isinstance(types, list):
            return [{**schema, "type": one} for one in types]
        return [schema]

    def _once(self, place: str, old: Schema, new: Schema, *, reading: bool) -> list[str]:
        """The faults between two schemas of one type; those that contain themselves end."""
        key = (id(old.get("properties", old)), id(new.get("properties", new)), reading)
        if key in self._at_work:
            return []
        self._at_work.add(key)
        try:
            return list(self._compare(place, old, new, reading=reading))
        finally:
            self._at_work.discard(key)

    def _compare(self, place: str, old: Schema, new: Schema, *, reading: bool) -> Iterator[str]:
        wide, narrow = (old, new) if reading else (new, old)
        if "type" in wide and not _covers(wide["type"], narrow.get("type")):
            yield f"{place}: {old.get('type', 'anything')} became {new.get('type', 'anything')}"
            return
        if not reading:
            yield from _tightened(place, old, new)
        yield from self._members(place, old, new, reading=reading)
        if "items" in old and "items" in new:
            compare = self._widened if reading else self._narrowed
            yield from compare(f"{place}[]", old["items"], new["items"])

    def _members(self, place: str, old: Schema, new: Schema, *, reading: bool) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        compare = self._widened if reading else self._narrowed
        for name, member in before.items():
            if name not in after:
                yield f"{place}.{name}: removed"
            else:
                yield from compare(f"{place}.{name}", member, after[name])
        if reading:
            kept = set(new.get("required", ()))
            for name in old.get("required", ()):
                if name in after and name not in kept:
                    yield f"{place}.{name}: may be missing now"
            return
        demanded = _demands(old)
        for demand in _demands(new):
            if not any(one <= demand for one in demanded):
                yield f"{place}.{min(demand)}: now required"


def _covers(wide: str, narrow: str | None) -> bool:
    return wide == narrow or (wide == "number" and narrow == "integer")


def _tightened(place: str, old: Schema, new: Schema) -> Iterator[str]:
    if "enum" in new and "enum" not in old:
        yield f"{place}: now one of a few values"
    for value in old.get("enum", ()):
        if value not in new.get("enum", (value,)):
            yield f"{place}: no longer takes {value!r}"
    for word in (*UPPER, *LOWER, *EXACT):
        if word in new and (word not in old or _is_tighter(word, old[word], new[word])):
            yield f"{place}: {word} is {new[word]} now"


def _is_tighter(word: str, old: Any, new: Any) -> bool:
    if word in EXACT:
        return bool(old != new)
    return bool(new < old if word in UPPER else new > old)


def _demands(schema: Schema) -> list[frozenset[str]]:
    """What has to be sent: of each set, one."""
    groups = [frozenset([name]) for name in schema.get("required", ())]
    for one in (schema, *schema.get("allOf", ())):
        choices = one.get("oneOf", ())
        if choices and all(choice.keys() == {"required"} for choice in choices):
            groups.append(frozenset(name for choice in choices for name in choice["required"]))
    return groups


def breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What of the new document breaks clients of the old one, a line each."""
    # Once more as if nobody asked for some fields only: what is always there must stay so.
    whole = Comparison(in_whole_rows(dict(old)), in_whole_rows(dict(new)))
    return list(dict.fromkeys([*Comparison(old, new).breaks(), *whole.breaks()]))
