"""Rows that remember what they were loaded with, so that a change is seen without a query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, router, transaction

# Attribute -> (value as loaded, value about to be written).
Changes = dict[str, tuple[Any, Any]]


class LoadedModel(models.Model):
    """A row whose `save()` writes what differs from the loaded values, and nothing else.

    A save without a change is no write: no statement, no signals. What others wrote to other
    columns meanwhile survives. Row and receivers share one transaction.
    """

    _loaded: dict[str, Any]

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._loaded = {}
        super().__init__(*args, **kwargs)

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Insert, or write what changed, with everything the receivers write."""
        if self._is_stored() and not kwargs.get("force_insert"):
            update_fields = set(self.changes() if update_fields is None else update_fields)
            update_fields.update(self.joining(self.changes(update_fields)))
        if update_fields is not None and not update_fields:
            return
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            super().save(*args, update_fields=update_fields, **kwargs)
        self._remember(update_fields)

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any
    ) -> Self:
        """The row as stored; deferred columns are not remembered."""
        row = super().from_db(db, field_names, values, **kwargs)
        row._loaded = dict(zip(field_names, values, strict=False))  # noqa: SLF001
        return row

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Self] | None = None,
    ) -> None:
        """Load again (Django calls this for a deferred column too) and remember."""
        fields = None if fields is None else list(fields)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        self._remember(fields)

    def changes(self, only: Iterable[str] | None = None) -> Changes:
        """What the next save writes, among the fields or columns in `only` (None: all).

        Inside `pre_save` and `post_save` that is the save under way. A column that was set
        without ever being loaded counts as changed, from None.
        """
        wanted = None if only is None else set(only)
        found: Changes = {}
        for field in self._meta.concrete_fields:
            name = field.attname
            if field.primary_key or name not in self.__dict__:
                continue
            if wanted is not None and wanted.isdisjoint((name, field.name)):
                continue
            old, new = self._loaded.get(name), self.__dict__[name]
            if name not in self._loaded or (old != new and old != _converted(field, new)):
                found[name] = (old, new)
        return found

    def joining(self, changes: Changes) -> Sequence[str]:
        """Columns that are set along with these changes and must be written with them."""
        return ("updated_at",) if changes else ()

    def _is_stored(self) -> bool:
        return not self._state.adding and self._loaded.get(self._meta.pk.attname) == self.pk

    def adopt(self, **values: Any) -> None:
        """Take over what was just written to this row past `save()`: no change of this object."""
        self.__dict__.update(values)
        self._loaded = self._loaded | values

    def _remember(self, fields: Iterable[str] | None) -> None:
        wanted = None if fields is None else set(fields)
        self._loaded = dict(self._loaded)  # a copy of this row shares the former one
        for field in self._meta.concrete_fields:
            name = field.attname
            if name in self.__dict__ and (
                wanted is None or not wanted.isdisjoint((name, field.name))
            ):
                self._loaded[name] = self.__dict__[name]


def _converted(field: models.Field[Any, Any], value: Any) -> Any:
    """The value as the database would hand it back, e.g. a UUID for its text."""
    try:
        return field.to_python(value)
    except ValidationError:
        return value
