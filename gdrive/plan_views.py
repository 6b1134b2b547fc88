"""Previews, plans and their application in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from gdrive import entities, plan_commands, samples, template_preview, versions
from gdrive.entity_views import ENTITY_ID, ENTITY_TYPE, EntityView
from gdrive.models import DriveStructureTemplate, DriveTemplatePlan, DriveTemplatePlanItem
from gdrive.plan_serializers import (
    ApplySerializer,
    AskPreviewSerializer,
    DrawnPlanSerializer,
    DrawPlanSerializer,
    PlanItemSerializer,
    PlanSerializer,
    PreviewSerializer,
)
from gdrive.template_views import TemplateViewSet
from pipedesk.accounts import roles
from pipedesk.core.pagination import PAGING, natural_order
from pipedesk.core.problems import BadQuery
from pipedesk.core.query import Parameter, choice, choices, identifier, integer
from pipedesk.core.views import ContractView
from pipedesk.core.viewsets import RecordViewSet

FIRST_ITEMS = 100


class PlannedTemplateViewSet(TemplateViewSet):
    """Folder templates, with what they do to records."""

    role_actions: ClassVar[Mapping[str, str]] = {
        **TemplateViewSet.role_actions,
        "post_preview": roles.VIEW,
        "plan": roles.CHANGE,
        "apply": roles.CHANGE,
    }
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        **TemplateViewSet.parameters,
        "preview": (identifier("entity_id"), choice("sample", words=samples.KINDS)),
    }

    @extend_schema(responses=PreviewSerializer)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: int) -> Response:
        """The template as a record's folders: of this record, or of the longest or emptiest."""
        if "entity_id" in self.query and "sample" in self.query:
            raise BadQuery("sample", _("Either entity_id or sample, not both."))
        return self.tagged_response(self._preview(self.get_object(), dict(self.query)))

    @extend_schema(request=AskPreviewSerializer, responses=PreviewSerializer)
    @preview.mapping.post
    def post_preview(self, request: Request, pk: int) -> Response:
        """The same for folders that are not saved yet."""
        template: DriveStructureTemplate = self.get_object()
        context = {"entity_type": template.entity_type}
        body = AskPreviewSerializer(data=request.data, context=context)
        body.is_valid(raise_exception=True)
        return Response(self._preview(template, body.validated_data))

    @staticmethod
    def _preview(template: DriveStructureTemplate, asked: dict[str, Any]) -> dict[str, Any]:
        kind = template.entity_type
        if "entity_id" in asked:
            entity = entities.find(kind, asked["entity_id"])
            if entity is None:
                raise Http404
        else:
            entity = samples.find(kind, asked.get("sample", samples.LONGEST))
        nodes = asked.get("nodes", versions.nested(template.nodes.all()))
        return template_preview.preview(kind, nodes, entity)

    @extend_schema(
        request=DrawPlanSerializer, responses={201: DrawnPlanSerializer, 202: DrawnPlanSerializer}
    )
    @action(detail=True, methods=["post"])
    def plan(self, request: Request, pk: int) -> Response:
        """What the template would change in the folders of records; nothing is changed.

        201 with the whole plan, or 202 while a job compares the rest.
        """
        body = DrawPlanSerializer(data=request.data)
        with transaction.atomic():
            template = self.locked_object()
            body.is_valid(raise_exception=True)
            ids = body.validated_data.get("entity_ids")
            plan = plan_commands.draw(template, self.user, ids)
        plan.first_items = list(plan_commands.items_of(plan)[:FIRST_ITEMS])  # type: ignore[attr-defined]
        is_whole = plan.state != DriveTemplatePlan.State.PLANNING
        code = status.HTTP_201_CREATED if is_whole else status.HTTP_202_ACCEPTED
        return Response(DrawnPlanSerializer(plan).data, status=code)

    @extend_schema(request=ApplySerializer, responses={202: PlanSerializer})
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: int) -> Response:
        """Have a job do exactly what the plan says; asking again changes nothing."""
        body = ApplySerializer(data=request.data)
        with transaction.atomic():
            template = self.locked_object()
            body.is_valid(raise_exception=True)
            asked = body.validated_data
            limit = asked.get("max_failures", settings.DRIVE_APPLY_MAX_FAILURES)
            if "plan_id" in asked:
                plan = plan_commands.apply(template, asked["plan_id"], limit)
            else:
                plan = plan_commands.apply_version(template, asked["version"], self.user, limit)
        return Response(PlanSerializer(plan).data, status=status.HTTP_202_ACCEPTED)


class PlanViewSet(RecordViewSet):
    """Plans of folder templates."""

    resource = "drive_template"
    http_method_names = ["get", "head"]
    lookup_value_converter = "int"
    queryset = DriveTemplatePlan.objects.all()
    serializer_class = PlanSerializer
    parameters: ClassVar[dict[str, tuple[Parameter, ...]]] = {
        "list": (
            integer("template_id", minimum=1),
            choices("state", words=DriveTemplatePlan.State.values),
        ),
        "items": (
            identifier("entity_id"),
            choices("action", words=DriveTemplatePlanItem.Action.values),
            choices("state", words=DriveTemplatePlanItem.State.values),
            *PAGING,
        ),
    }

    def filter_rows(self, rows: Any) -> Any:
        """Of one template, or in these states."""
        columns = {"template_id": "template_id", "state": "state__in"}
        return rows.filter(**{columns[n]: v for n, v in self.query.items() if n in columns})

    @extend_schema(responses=PlanItemSerializer(many=True))
    @action(detail=True, methods=["get"])
    def items(self, request: Request, pk: int) -> Response:
        """What happens to which folder, and why, record after record."""
        columns = {"entity_id": "tree__entity_id", "action": "action__in", "state": "state__in"}
        asked = {columns[name]: v for name, v in self.query.items() if name in columns}
        rows = plan_commands.items_of(self.get_object()).filter(**asked)
        page = self.page_of(rows, natural_order(DriveTemplatePlanItem))
        shown: Any = page.rows
        return self.page_response(page, PlanItemSerializer(shown, many=True).data)


class CancelPlanView(ContractView):
    """POST /api/drive/templates/plans/{id}/cancel."""

    resource = "drive_template"
    role_actions: ClassVar[Mapping[str, str]] = {"post": roles.CHANGE}

    @extend_schema(request=None, responses=PlanSerializer)
    def post(self, request: Request, plan_id: int) -> Response:
        """Stop a plan; what is done stays."""
        plan = plan_commands.cancel(plan_id)
        return Response(PlanSerializer(plan).data)


@extend_schema(parameters=[ENTITY_TYPE, ENTITY_ID])
class RepairView(EntityView):
    """POST /api/drive/{type}/{id}/repair."""

    @extend_schema(request=None, responses={202: PlanSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Have a job bring the record's folders to what the active template says.

        What is missing is made, what was deleted in Drive for good made again; what people
        renamed, moved or put in the trash is left and said so in the plan's items.
        """
        self.check_writer()
        with transaction.atomic():
            plan = plan_commands.repair(self.entity_type, self.entity_id, self.user)
        return Response(PlanSerializer(plan).data, status=status.HTTP_202_ACCEPTED)
