"""Records writes to rows that do not remember what they were loaded with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Field, Model
from django.db.models.signals import post_delete, post_save, pre_save

from pipedesk.audit.recording import record

# Moved by every save: no news.
STAMPS = frozenset({"created_at", "updated_at"})
BEFORE = "_before_this_save"


def follow(
    model: type[Model],
    entity_type: str,
    *,
    columns: Collection[str] | None = None,
    entity_id: str = "pk",
) -> None:
    """Record what saves and deletions do to these columns (None: all) of this model's rows.

    Entries belong to the entity whose id is in the attribute `entity_id`. What a new row has by
    default is not mentioned; a new row with nothing to mention is no entry. Queryset updates
    and bulk writes send no signals: they are the way of machines.
    """
    followed = _Followed(model, entity_type, columns, entity_id)
    uid = f"audit.follow.{model.__name__}"
    pre_save.connect(followed.look, sender=model, weak=False, dispatch_uid=f"{uid}.look")
    post_save.connect(followed.saved, sender=model, weak=False, dispatch_uid=f"{uid}.saved")
    post_delete.connect(followed.gone, sender=model, weak=False, dispatch_uid=f"{uid}.gone")


class _Followed:
    def __init__(
        self,
        model: type[Model],
        entity_type: str,
        columns: Collection[str] | None,
        entity_id: str,
    ) -> None:
        self.entity_type, self.entity_id = entity_type, entity_id
        self.fields: dict[str, Field[Any, Any]] = {
            field.attname: field
            for field in model._meta.concrete_fields  # noqa: SLF001  (Django's documented attribute)
            if not field.primary_key
            and (field.attname not in STAMPS if columns is None else field.attname in columns)
        }

    def look(
        self,
        sender: type[Model],
        instance: Model,
        raw: bool,
        update_fields: Collection[str] | None,
        **_kwargs: Any,
    ) -> None:
        """Remember what the row says before it is written."""
        writes = update_fields is None or not self.fields.keys().isdisjoint(update_fields)
        before = None
        if not raw and writes and not instance._state.adding:  # noqa: SLF001  (as above)
            rows = sender._base_manager.filter(pk=instance.pk)  # noqa: SLF001  (as above)
            before = rows.values(*self.fields).first()
        setattr(instance, BEFORE, before)

    def saved(
        self,
        instance: Model,
        raw: bool,
        created: bool,
        update_fields: Collection[str] | None,
        **_kwargs: Any,
    ) -> None:
        """Record what differs from before."""
        before = instance.__dict__.pop(BEFORE, None)
        if raw or (before is None and not created):
            return
        after = {
            name: field.to_python(getattr(instance, name))
            for name, field in self.fields.items()
            if update_fields is None or name in update_fields
        }
        changes = {
            str(self.fields[name].column): (before and before[name], value)
            for name, value in after.items()
            if value != (before[name] if before else self.fields[name].get_default())
        }
        if not changes:
            return
        ids = [getattr(instance, self.entity_id)]
        if before and before.get(self.entity_id, ids[0]) != ids[0]:
            ids.append(before[self.entity_id])  # given from one entity to another
        for entity_id in ids:
            record("create" if created else "update", self.entity_type, str(entity_id), changes)

    def gone(self, instance: Model, **_kwargs: Any) -> None:
        """Record what the row said last."""
        values = {
            str(field.column): (getattr(instance, name), None)
            for name, field in self.fields.items()
            if getattr(instance, name) is not None
        }
        record("delete", self.entity_type, str(getattr(instance, self.entity_id)), values)
