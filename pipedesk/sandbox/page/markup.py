"""HTML that escapes what it is given."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as HTML text; markup stays as it is."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def join(parts: Iterable[object]) -> Markup:
    """Parts one after the other."""
    return Markup("".join(text(part) for part in parts))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. ``class_`` is class, ``data_id`` is data-id; False or None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        if value is not True
        else f" {key.rstrip('_').replace('_', '-')}"
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in {"input", "link", "meta"}:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def hidden(**values: object) -> Markup:
    """Hidden fields of a form."""
    return join(tag("input", type="hidden", name=key, value=value) for key, value in values.items())


def field(label: str, name: str, value: str = "", kind: str = "text") -> Markup:
    """A labelled input that must be filled in."""
    control = tag("input", type=kind, name=name, value=value, required=True, autocomplete="off")
    return tag("label", tag("span", label), control, class_=f"field field-{kind}")


def form(action: str, *children: object, **values: object) -> Markup:
    """A form that posts to an action of the page."""
    return tag(
        "form", hidden(**values), *children, method="post", action=f"/_sandbox/page/{action}"
    )
