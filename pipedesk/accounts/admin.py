"""Users, their roles, and who tried to log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelect2Widget

from pipedesk.accounts.models import User, UserRole
from pipedesk.accounts.viewing import ViewOnly

if TYPE_CHECKING:
    from django.http import HttpRequest

# What makes a user more than his roles do: only a superuser may give it.
POWERS = ("is_superuser", "groups", "user_permissions")


class StaffNeedsEmail(forms.ModelForm):  # type: ignore[type-arg]
    """Mixin: whoever logs in to the admin needs an address to do it with."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse staff without e-mail."""
        cleaned = super().clean()
        if self.cleaned_data.get("is_staff") and not self.cleaned_data.get("email"):
            raise ValidationError({"email": _("Staff log in by e-mail.")})
        return cleaned


class NewUserForm(StaffNeedsEmail, UserCreationForm):
    """A new user; without a password nobody logs in as it, tokens work."""

    class Meta:
        model = User
        fields = ("email", "name", "is_staff")


class UserForm(StaffNeedsEmail, UserChangeForm):
    """A user."""

    class Meta:
        model = User
        fields = ("name", "email", "password", "is_active", "is_staff", *POWERS)
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}


class UserList(ChangeList):
    """A page of users with the roles of all of them in one query."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows, each with `role_labels`."""
        super().get_results(request)
        labels: dict[str, list[str]] = {str(user.pk): [] for user in self.result_list}
        for role in UserRole.objects.filter(user_id__in=labels):
            labels[role.user_id].append(role.get_role_display())
        for user in self.result_list:
            user.role_labels = labels[str(user.pk)]


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Users."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("shown_name", "email", "roles", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("name", "email")
    ordering = ("name", "id")
    filter_horizontal = ()
    autocomplete_fields = ("groups",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "email", "password")}),
        (_("Access"), {"fields": ("is_active", "is_staff", *POWERS)}),
        (_("History"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "email",
                    "name",
                    "is_staff",
                    "usable_password",
                    "password1",
                    "password2",
                )
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that brings the roles along."""
        return UserList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Powers beyond the roles are a superuser's to give."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser is changed by superusers only: a new password would be a take-over."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Likewise. Owners of leads are not deleted but made inactive."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_delete_permission(request, obj))

    @display(description=_("name"), ordering="name")
    def shown_name(self, obj: User) -> str:
        """The name, else the e-mail."""
        return str(obj)

    @display(description=_("roles"), label=True)
    def roles(self, obj: Any) -> list[str]:
        """The roles the user holds."""
        return list(obj.role_labels)


class UserRoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role given by choosing the user; the table keeps the id as text."""

    user = forms.ModelChoiceField(
        User.objects.order_by("name", "email"), label=_("user"), widget=UnfoldAdminSelect2Widget
    )

    class Meta:
        model = UserRole
        fields = ("role",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.user_id:
            self.initial["user"] = self.instance.user_id

    def clean(self) -> dict[str, Any] | None:
        """Put the user's id where the model wants it, before the model checks its rules."""
        cleaned = super().clean()
        if user := self.cleaned_data.get("user"):
            self.instance.user_id = str(user.pk)
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # `user_id` is no field of the form, yet "one role once" is about it.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"user_id"}


class RoleList(ChangeList):
    """A page of roles with the names of all their users in one query."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows, each with `user_name`."""
        super().get_results(request)
        named = {
            str(user.pk): str(user)
            for user in User.objects.filter(pk__in=[role.user_id for role in self.result_list])
        }
        for role in self.result_list:
            role.user_name = named.get(role.user_id, role.user_id)


@admin.register(UserRole)
class UserRoleAdmin(ModelAdmin):
    """Who holds which role."""

    form = UserRoleForm
    fields = ("user", "role")
    list_display = ("shown_user", "role")
    list_filter = ("role",)
    list_filter_submit = True
    search_fields = ("user_id",)
    search_help_text = _("User id")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that brings the names along."""
        return RoleList

    @display(description=_("user"), ordering="user_id")
    def shown_user(self, obj: Any) -> str:
        """The user's name, or the id where Supabase knows a user we do not."""
        return str(obj.user_name)

    @admin.display(description=_("user"))
    def user(self, obj: UserRole) -> str:
        """The user on the form of those who may only look."""
        return str(User.objects.filter(pk=obj.user_id).first() or obj.user_id)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ViewOnly, DjangoGroupAdmin, ModelAdmin):
    """Permissions of each role, as `sync_roles` writes them from the role table."""

    fields = ("name", "permissions")


for _model in (AccessAttempt, AccessLog, AccessFailureLog):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class AttemptAdmin(ViewOnly, ModelAdmin):
    """Log-ins, failed and good; what was typed stays out of sight."""

    list_display: ClassVar[tuple[str, ...]] = (
        "attempt_time",
        "username",
        "ip_address",
        "path_info",
    )
    fields: ClassVar[tuple[str, ...]] = (
        "attempt_time",
        "username",
        "ip_address",
        "user_agent",
        "path_info",
    )
    search_fields = ("username", "ip_address")
    date_hierarchy = "attempt_time"
    show_full_result_count = False


@admin.register(AccessAttempt)
class FailedAttemptAdmin(AttemptAdmin):
    """Failures being counted. Deleting one lets the person try again at once."""

    list_display = (*AttemptAdmin.list_display, "failures_since_start")
    fields = (*AttemptAdmin.fields, "failures_since_start")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever Django's permissions allow it."""
        return bool(request.user.has_perm("axes.delete_accessattempt"))


@admin.register(AccessLog)
class LogInAdmin(AttemptAdmin):
    """Log-ins that worked."""

    list_display = (*AttemptAdmin.list_display, "logout_time")


@admin.register(AccessFailureLog)
class FailureLogAdmin(AttemptAdmin):
    """Every failure."""

    list_display = (*AttemptAdmin.list_display, "locked_out")
