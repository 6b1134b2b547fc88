"""Which JSON type a field takes: `5` is no text and `"5"` no number, whatever could be guessed,
and how long a text may be before it is trimmed.

What the OpenAPI document says of a body is then all there is to say.
"""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy
from rest_framework import serializers

_NO_ID: Final = gettext_lazy("Not an id.")
# The first that fits counts.
_TEXTS: Final = (
    serializers.CharField,
    serializers.UUIDField,
    serializers.DateTimeField,
    serializers.DateField,
    serializers.TimeField,
)
_EXPECTED: Final[tuple[tuple[Any, tuple[type, ...], Any], ...]] = (
    (_TEXTS, (str,), gettext_lazy("Not a text.")),
    (serializers.BooleanField, (bool,), gettext_lazy("Neither true nor false.")),
    (serializers.IntegerField, (int, float), gettext_lazy("Not a whole number.")),
    (serializers.FloatField, (int, float), gettext_lazy("Not a number.")),
)


def type_faults(field: Any, value: Any) -> Any:
    """What is wrong with the type of this value, as the REST framework nests it; or None.

    Nested objects look after themselves.
    """
    if value is None or field.read_only:
        return None
    if isinstance(field, serializers.PrimaryKeyRelatedField) and field.pk_field is not None:
        # The REST framework would take an empty text for null.
        return [str(_NO_ID)] if value == "" else type_faults(field.pk_field, value)
    child = _child(field)
    if child is not None and isinstance(value, list):
        faults = {str(place): type_faults(child, one) for place, one in enumerate(value)}
        return {place: fault for place, fault in faults.items() if fault} or None
    for kinds, types, message in _EXPECTED:
        if isinstance(field, kinds):
            return _excess(field, value) if _is_of(value, types) else [str(message)]
    return None


def _excess(field: Any, value: Any) -> Any:
    """What is wrong with the length as it was sent: the REST framework trims before it counts."""
    limit = getattr(field, "max_length", None)
    if limit is None or len(value) <= limit:
        return None
    return [
        str(serializers.CharField.default_error_messages["max_length"]).format(max_length=limit)
    ]


def _child(field: Any) -> Any:
    """The field of a list's elements."""
    if isinstance(field, serializers.ManyRelatedField):
        return field.child_relation
    return field.child if isinstance(field, serializers.ListField) else None


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    # In Python true and false are numbers.
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))
