from django import forms


class StopForm(forms.Form):
    reason = forms.CharField(max_length=300, error_messages={"required": "Say why it is stopped."})


class SettleForm(forms.Form):
    choice = forms.ChoiceField(choices=[("again", "Send again"), ("count", "Count as handed over")])
