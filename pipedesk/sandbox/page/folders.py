"""Drive's part of the page."""

from pipedesk.sandbox.drive.files import FOLDER
from pipedesk.sandbox.errors import Json
from pipedesk.sandbox.google import Google
from pipedesk.sandbox.page.markup import Markup, field, form, join, tag
from pipedesk.sandbox.page.texts import Texts

MAX_CHILDREN = 100
MAX_NODES = 600


class FolderTree:
    """My Drive and the shared drives as nested lists."""

    def __init__(self, google: Google, user: str, words: Texts) -> None:
        self._google = google
        self._user = user
        self._words = words
        self._left = MAX_NODES

    def render(self) -> Markup:
        """The whole tree, cut where it becomes too long to read."""
        roots = [self._google.files.root_id(self._user)]
        roots += [drive["id"] for drive in self._google.drives.of(self._user)]
        rows = [self._google.files.stored(root) for root in roots]
        return tag("ul", *(self._node(row) for row in rows if row is not None), class_="tree")

    def _node(self, row: Json) -> Markup:
        self._left -= 1
        name, is_root = row["body"]["name"], not row["body"]["parents"]
        if row["body"]["mimeType"] != FOLDER:
            size = f"{int(row['body'].get('size', 0)):,} B"
            line = (tag("span", name, class_="name"), tag("em", size))
            return tag("li", tag("div", *line, self._menu(row), class_="file"))
        children = [
            child for child in self._google.files.children(row["id"]) if not child["trashed"]
        ]
        children.sort(
            key=lambda child: (child["body"]["mimeType"] != FOLDER, child["body"]["name"])
        )
        count = tag("em", len(children) if children else self._words["empty"])
        folder = tag(
            "details",
            tag("summary", tag("span", name, class_="name"), count),
            self._below(children),
            open=is_root,
            data_key=row["id"],
            class_="folder",
        )
        menu = self._menu(row)
        return tag("li", folder, menu, data_folder=row["id"], data_user=self._user)

    def _below(self, children: list[Json]) -> Markup:
        shown = children[: max(0, min(MAX_CHILDREN, self._left))]
        nodes = [self._node(child) for child in shown]
        if len(children) > len(shown):
            rest = f"… {len(children) - len(shown)} {self._words['more']}"
            nodes.append(tag("li", rest, class_="nothing"))
        return tag("ul", join(nodes))

    def _menu(self, row: Json) -> Markup:
        words, is_root = self._words, not row["body"]["parents"]
        values = {"user": self._user, "id": row["id"]}
        name = row["body"]["name"]
        entries: list[Markup] = []
        if row["body"]["mimeType"] == FOLDER:
            entries += [
                form(
                    "folder/create",
                    field(words["new_folder"], "name"),
                    tag("button", words["create"], class_="primary"),
                    **values,
                ),
                tag(
                    "label",
                    tag("span", words["drop"]),
                    tag("input", type="file", multiple=True, data_folder=row["id"]),
                    class_="field",
                ),
            ]
        if not is_root:
            entries += [
                form(
                    "file/rename",
                    field(words["name"], "name", name),
                    tag("button", words["rename"]),
                    **values,
                ),
                form("file/trash", tag("button", words["trash"], class_="danger"), **values),
            ]
        label = f"{words['menu']} {name}"
        dots = tag("summary", "⋯", aria_label=label, title=label)
        return tag("details", dots, tag("div", *entries), class_="menu", name="menu")
