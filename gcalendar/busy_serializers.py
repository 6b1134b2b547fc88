"""Answers about who is busy when."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from pipedesk.core.fields import AwareDateTimeField

# Why nothing is known of an address: nobody mirrors its calendar (as Google says it), or the
# mirror has not been filled once.
NOT_FOUND, NOT_SYNCED = REASONS = ("notFound", "notSynced")


class SpanSerializer(serializers.Serializer[Any]):
    """A stretch of time; its end is not part of it."""

    start = AwareDateTimeField()
    end = AwareDateTimeField()


class DiaryErrorSerializer(serializers.Serializer[Any]):
    """Why nothing is known of an address."""

    domain = serializers.ChoiceField(["global"])
    reason = serializers.ChoiceField(list(REASONS))


class DiarySerializer(serializers.Serializer[Any]):
    """When somebody is busy; nothing is known where there are errors."""

    as_of = AwareDateTimeField(allow_null=True)
    time_zone = serializers.CharField(allow_null=True)
    busy = SpanSerializer(many=True)
    errors = DiaryErrorSerializer(many=True)  # type: ignore[assignment]  # Google's name


class FreeBusySerializer(serializers.Serializer[Any]):
    """By address, in lower case."""

    time_min = AwareDateTimeField()
    time_max = AwareDateTimeField()
    calendars = serializers.DictField(child=DiarySerializer())


class SlotsSerializer(serializers.Serializer[Any]):
    """Slots by start; `as_of` is the oldest of the mirrors they come from."""

    as_of = AwareDateTimeField()
    slots = SpanSerializer(many=True)
