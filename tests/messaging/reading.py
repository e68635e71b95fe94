"""A page as a machine reads it: its forms, with every field a browser would send, and its buttons."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    method: str = "get"
    action: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.here: Form | None = None
        self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.here = Form(own.get("method", "get"), own.get("action", ""))
            self.forms.append(self.here)
            self.by_id[own.get("id", "")] = self.here
        elif tag == "textarea" and self.here:
            self.area = own["name"]
            self.here.fields[self.area] = [""]
        elif tag == "button" and own.get("type") == "submit" and self.here:
            self.here.buttons.append({own["name"]: own.get("value", "")} if "name" in own else {})
        elif tag == "input" and self.here and own.get("name"):
            self._input(self.here, own)

    def _input(self, form: Form, own: dict[str, str]) -> None:
        name, value = own["name"], own.get("value", "on" if own.get("type") == "checkbox" else "")
        if own.get("type") in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(value)
            if "checked" not in own:
                return
        form.fields.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.here = None
        elif tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area and self.here:
            # HTML drops one line break right after <textarea>.
            self.here.fields[self.area][0] += data


def forms(html: str) -> list[Form]:
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def form_with(html: str, name: str) -> Form:
    """The form that has this field, as a browser would send it."""
    found = next(form for form in forms(html) if name in form.fields)
    for key, values in found.fields.items():
        if values[0].startswith("\n"):
            found.fields[key] = [values[0].removeprefix("\n")]
    return found
