"""Priorities in the API."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from crm.priority import MAX_SCORE, SCORES
from pipedesk.core.exceptions import InvalidInput
from pipedesk.core.serializers import StrictBody


class SetPrioritySerializer(StrictBody):
    """The priority a person sets: exactly one of the two."""

    priority_bucket = serializers.ChoiceField(
        choices=tuple(SCORES), required=False, allow_null=True
    )
    priority_score = serializers.IntegerField(
        min_value=0, max_value=MAX_SCORE, required=False, allow_null=True
    )

    def score(self) -> int:
        """The score that is meant. Raises InvalidInput unless one of the two was given."""
        word, score = (self.validated_data.get(name) for name in self.fields)
        if (word is None) == (score is None):
            message = _("Give exactly one of priority_bucket and priority_score.")
            raise InvalidInput("priority_bucket", message, "exactly_one")
        return SCORES[word] if score is None else int(score)


class PartSerializer(serializers.Serializer[Any]):
    """One part of the score."""

    name = serializers.CharField()
    points = serializers.FloatField()


class ManualPrioritySerializer(serializers.Serializer[Any]):
    """What a person set in place of the computed score, who and when."""

    score = serializers.IntegerField()
    by = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField()


class PrioritySerializer(serializers.Serializer[Any]):
    """The computed score with the parts that add up to it; `manual`, where set, is in force."""

    score = serializers.IntegerField()
    bucket = serializers.ChoiceField(choices=tuple(SCORES))
    parts = PartSerializer(many=True)
    manual = ManualPrioritySerializer(allow_null=True)
