"""Addresses of this room, below the site's root."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from crm.lead_views import LeadViewSet
from crm.timeline_views import TimelineView
from crm.views import (
    CompanyViewSet,
    ContactViewSet,
    DealViewSet,
    LeadOriginViewSet,
    LeadStatusViewSet,
    TagViewSet,
)
from pipedesk.core.routing import Router, route

router = Router()
router.register("api/leads", LeadViewSet, basename="lead")
router.register("api/companies", CompanyViewSet, basename="company")
router.register("api/contacts", ContactViewSet, basename="contact")
router.register("api/deals", DealViewSet, basename="deal")
router.register("api/tags", TagViewSet, basename="tag")
router.register("api/lead-statuses", LeadStatusViewSet, basename="lead-status")
router.register("api/lead-origins", LeadOriginViewSet, basename="lead-origin")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    route(
        "api/timeline/<str:entity_type>/<str:entity_id>", TimelineView.as_view(), name="timeline"
    ),
]
