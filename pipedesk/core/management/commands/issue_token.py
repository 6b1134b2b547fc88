"""`issue_token`: a bearer token for development."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from pipedesk.accounts import tokens
from pipedesk.accounts.models import User, UserRole
from pipedesk.core.commands import ProductCommand, UsageError, positive_int


class Command(ProductCommand):
    """Prints a token, making the user and giving the role where needed."""

    help = "Print a bearer token for development; refuses in production."
    example = 'curl -H "Authorization: Bearer $(manage.py issue_token ana@pipedesk.example)" …'

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Who, as what, for how long."""
        parser.add_argument("email", help=_("the user's e-mail; made if nobody has it"))
        parser.add_argument(
            "--role", choices=UserRole.Role.values, help=_("give the user this role too")
        )
        parser.add_argument(
            "--hours", type=positive_int, default=12, help=_("how long it is valid (12)")
        )

    def run(self, *, email: str, role: str | None, hours: int, **options: Any) -> dict[str, Any]:
        """Make what is missing, print the token."""
        if settings.PRODUCTION:
            raise CommandError(_("In production tokens come from Supabase Auth alone."))
        if not settings.SUPABASE_JWT_SECRET:
            raise CommandError(_("SUPABASE_JWT_SECRET is not set; see .env.example."))
        try:
            validate_email(email)
        except ValidationError:
            raise UsageError(_("“%(email)s” is no e-mail address.") % {"email": email}) from None
        with transaction.atomic():
            user = User.objects.filter(email__iexact=email).first()
            user = user or User.objects.create_user(email, name=email.partition("@")[0])
            if role:
                UserRole.objects.get_or_create(user_id=str(user.id), role=role)
        token = tokens.issue(user, timedelta(hours=hours))
        self.say(token)
        return {"token": token, "user_id": str(user.id), "role": user.role, "hours": hours}
