"""What an administrator types about products and their parts."""

from typing import Any

from django import forms

from crisiscomms.forms import OneLine
from incidents.models import Component, Product


class ProductForm(forms.Form):
    name = OneLine(label="Name of the product", max_length=120)


class NewComponentForm(forms.Form):
    product = forms.ModelChoiceField(label="Product it belongs to", queryset=Product.objects.all())
    name = OneLine(label="Name of the part", max_length=120)


class ComponentSetUpForm(forms.Form):
    name = OneLine(label="Name", max_length=120)
    description = OneLine(label="What it does, for customers", max_length=200, required=False)
    is_public = forms.BooleanField(label="Customers see it on the status page", required=False)
    needs = forms.ModelMultipleChoiceField(
        label="It needs",
        queryset=Component.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="When one of these fails, the room suggests this part as well.",
    )

    def __init__(self, *args: Any, component: Component, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Component.objects.in_use().exclude(pk=component.pk).select_related("product")
        self.fields["needs"].queryset = others  # type: ignore[attr-defined]
        self.fields["needs"].label_from_instance = lambda one: f"{one.name} ({one.product})"  # type: ignore[attr-defined]
