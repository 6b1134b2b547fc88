"""How views are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter


class ContractSchema(AutoSchema):
    """Describes views by what they declare: parameters, pages, problems."""

    def get_override_parameters(self) -> list[Any]:
        """The declared parameters of the query string."""
        declared = getattr(self.view, "declared_parameters", None)
        if declared is None:
            return []
        return [
            OpenApiParameter(
                name,
                dict(parameter.schema),
                description=parameter.description,
                explode=False if parameter.many else None,
            )
            for parameter in declared()
            for name in parameter.names
        ]
