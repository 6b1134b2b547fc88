"""The templates a new installation starts with."""

from __future__ import annotations

import pytest

from gdrive.default_templates import after_migrate, ensure_templates
from gdrive.models import DriveStructureNode, DriveStructureTemplate
from gdrive.placeholders import REFERENCE, unknown

pytestmark = pytest.mark.django_db


def test_each_kind_of_record_has_one_active_template_with_known_placeholders() -> None:
    DriveStructureTemplate.objects.all().delete()

    assert sorted(ensure_templates()) == sorted(REFERENCE["folder_templates"])

    active = DriveStructureTemplate.objects.filter(active=True)
    kinds = set(active.values_list("entity_type", flat=True))
    assert kinds == {"company", "lead", "deal", "contact"}
    for node in DriveStructureNode.objects.select_related("template"):
        assert not list(unknown(node.name, node.template.entity_type))


def test_the_order_and_the_depth_are_those_of_the_reference() -> None:
    template = DriveStructureTemplate.objects.get(name="Default Company Template")

    top = template.nodes.filter(parent=None)

    assert [node.name for node in top] == [
        "01. Leads",
        "02. Deals",
        "03. Documentos Gerais",
        "90. Compartilhamento Externo",
        "99. Arquivo / Encerrados",
    ]
    assert [node.name for node in top[2].children.all()] == [
        "03.01 Dossiê Sócios PF",
        "03.02 Dossiê PJs",
        "03.03 Modelos / Planilhas KOA",
    ]


def test_what_was_edited_renamed_or_thinned_out_stays_so() -> None:
    lead = DriveStructureTemplate.objects.get(entity_type="lead")
    lead.nodes.all().delete()
    lead.name = "Nosso modelo"
    lead.save()
    before = DriveStructureNode.objects.count()

    assert ensure_templates() == []
    after_migrate()

    assert DriveStructureNode.objects.count() == before
    assert DriveStructureTemplate.objects.count() == 4
