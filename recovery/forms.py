from django import forms


class CompleteForm(forms.Form):
    evidence = forms.CharField(
        max_length=2000,
        label="What shows it",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Show what proves that it is done: a link or a sentence."},
    )
