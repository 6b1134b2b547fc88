"""The base of the API's serializers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers

from pipedesk.core.fields import AwareDateTimeField
from pipedesk.core.json_types import type_faults
from pipedesk.core.query import nearest

M = TypeVar("M", bound=models.Model)


class StrictBody(serializers.Serializer[Any]):
    """Refuses fields nobody declared; takes older names of fields.

    `aliases` maps an accepted name to the field's own. Read-only fields are accepted and
    ignored, so that a client may send back what it was given. JSON types are not guessed.
    """

    aliases: ClassVar[Mapping[str, str]] = {}

    def to_internal_value(self, data: Any) -> Any:
        """The validated values."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        faults: dict[str, Any] = {}
        named: dict[str, Any] = {}
        for name, value in data.items():
            own = self.aliases.get(name, name)
            if own not in self.fields:
                faults[name] = [self._unknown(name)]
            elif own in named and named[own] != value:
                faults[name] = [_("Given twice, as “%(name)s” too.") % {"name": own}]
            named[own] = value
        if faults:
            raise serializers.ValidationError(faults, code="unknown_field")
        self._refuse_halves(named)
        if not isinstance(data, QueryDict):  # a form's values are all texts
            self._refuse_other_types(named)
        return super().to_internal_value(named)

    def _refuse_halves(self, named: Mapping[str, Any]) -> None:
        """A change of some fields (PATCH) still names whole objects inside of them."""
        if self.parent is None or self._is_row or not getattr(self.root, "partial", False):
            return
        missing = [
            name for name, field in self.fields.items() if field.required and name not in named
        ]
        if missing:
            text = self.fields[missing[0]].error_messages["required"]
            raise serializers.ValidationError(dict.fromkeys(missing, text), code="required")

    @property
    def _is_row(self) -> bool:
        """Whether this serializer is the list's own, not one nested in a field."""
        return isinstance(self.parent, serializers.ListSerializer) and self.parent.parent is None

    def _refuse_other_types(self, named: Mapping[str, Any]) -> None:
        found = {name: type_faults(self.fields[name], value) for name, value in named.items()}
        faults = {name: fault for name, fault in found.items() if fault}
        if faults:
            raise serializers.ValidationError(faults, code="invalid_type")

    def _unknown(self, name: str) -> str:
        message = _("There is no field “%(name)s” here.") % {"name": name[:100]}
        valid = nearest(name, [*self.fields, *self.aliases])
        if valid is None:
            return message
        return _("%(message)s Did you mean “%(nearest)s”?") % {
            "message": message,
            "nearest": valid,
        }


class RecordSerializer(StrictBody, serializers.ModelSerializer[M]):
    """Rows of a table, field by field; times carry an offset.

    Sparse answers: of the fields, only those in the context's `wanted` (None: all) are rendered.
    """

    serializer_field_mapping: ClassVar[dict[type[models.Field[Any, Any]], type]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: AwareDateTimeField,
    }

    def build_standard_field(
        self, field_name: str, model_field: Any
    ) -> tuple[type, dict[str, Any]]:
        """The field of a column; whole numbers have PostgreSQL's bounds on every database."""
        field_class, options = super().build_standard_field(field_name, model_field)
        bounds = BaseDatabaseOperations.integer_field_ranges.get(model_field.get_internal_type())
        if bounds and issubclass(field_class, serializers.IntegerField):
            options["min_value"] = max(bounds[0], options.get("min_value", bounds[0]))
            options["max_value"] = min(bounds[1], options.get("max_value", bounds[1]))
        return field_class, options

    @property
    def _readable_fields(self) -> Any:
        wanted = self.context.get("wanted") if self.parent is None or self._is_row else None
        for field in super()._readable_fields:
            if wanted is None or field.field_name in wanted:
                yield field
