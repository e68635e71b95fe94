"""What is typed when a playbook is written, and about the tasks of a plan."""

from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from incidents import playbooks
from incidents.forms.outward import OwnerField, owners
from incidents.models import Incident, PlaybookVersion

LONGEST_TEXT = playbooks.LONGEST_LINE * playbooks.MOST_LINES


class PlaybookForm(forms.Form):
    """One text per field of every section, a line each; named section-field."""

    base = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)
    reason = OneLine(label="Why it changes", max_length=300)

    def __init__(self, *args: Any, version: PlaybookVersion | None, **kwargs: Any) -> None:
        sections = version.sections if version else {}
        first = {"base": version.number if version else 0, "reason": "" if version else "First version"}
        for section in playbooks.sections():
            for key, text in section.written(sections.get(section.key, {})).items():
                first[f"{section.key}-{key}"] = text
        super().__init__(*args, initial=first, **kwargs)
        for section in playbooks.sections():
            for one in section.fields:
                self.fields[f"{section.key}-{one.key}"] = forms.CharField(
                    label=one.label, help_text=one.hint, required=False, max_length=LONGEST_TEXT,
                    widget=forms.Textarea(attrs={"rows": 4}),
                )  # fmt: skip

    def groups(self) -> list[tuple[str, list[Any]]]:
        """The fields as they stand on the page, by section."""
        return [
            (section.title, [self[f"{section.key}-{one.key}"] for one in section.fields])
            for section in playbooks.sections()
        ]

    def sections(self) -> dict[str, Any]:
        """What was typed, as data. Raises Refused for a line that does not fit."""
        typed = self.cleaned_data
        return {
            section.key: section.read({one.key: typed[f"{section.key}-{one.key}"] for one in section.fields})
            for section in playbooks.sections()
        }


class PlanTaskForm(forms.Form):
    task = forms.IntegerField(min_value=1, max_value=999_999_999)
    act = forms.ChoiceField(choices=[(act, act) for act in ("done", "waive", "hand_over")])
    note = OneLine(max_length=500, required=False)
    owner = OwnerField(required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]
