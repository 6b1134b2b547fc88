"""The smallest valid rows of the CRM; traits name states."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.utils import timezone

from crm.models import (
    Company,
    Contact,
    Deal,
    Lead,
    LeadActivityStats,
    LeadContact,
    LeadOrigin,
    LeadStatus,
    LeadTag,
    Tag,
)
from tests.factories.accounts import UserFactory

# Whoever owns leads.
OwnerFactory = UserFactory


class CompanyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Company

    name = factory.Sequence(lambda n: f"Company {n:04}")


class ContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Contact {n:04}")


class DealFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Deal

    title = factory.Sequence(lambda n: f"Deal {n:04}")


class TagFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tag

    name = factory.Sequence(lambda n: f"tag {n:04}")


class LeadStatusFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeadStatus

    code = factory.Sequence(lambda n: f"status-{n}")
    label = factory.LazyAttribute(lambda status: status.code)


class LeadOriginFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeadOrigin

    code = factory.Sequence(lambda n: f"origin-{n}")
    label = factory.LazyAttribute(lambda origin: origin.code)


class LeadFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Lead

    class Params:
        deleted = factory.Trait(deleted_at=factory.LazyFunction(timezone.now))
        qualified = factory.Trait(
            qualified_at=factory.LazyFunction(timezone.now),
            deleted_at=factory.LazyFunction(timezone.now),
        )
        disqualified = factory.Trait(
            disqualified_at=factory.LazyFunction(timezone.now), disqualification_reason="No budget"
        )
        old = factory.Trait(
            created_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=400)),
            updated_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=400)),
        )

    title = factory.Sequence(lambda n: f"Lead {n:04}")


class LeadActivityStatsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeadActivityStats

    lead = factory.SubFactory(LeadFactory)


class LeadContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeadContact

    lead = factory.SubFactory(LeadFactory)
    contact = factory.SubFactory(ContactFactory)


class LeadTagFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeadTag

    lead = factory.SubFactory(LeadFactory)
    tag = factory.SubFactory(TagFactory)
