"""How administrators are told that the ends of the record did not get out."""

from datetime import datetime

from django.urls import reverse

from crisiscomms.models import Notice, Role
from crisiscomms.notices import Mail, renders
from incidents.mails.wording import url_to
from incidents.models import AnchorMail


@renders("anchor_failed", urgency="normal")
def anchor_failed(notice: Notice, now: datetime) -> Mail | None:
    mail = AnchorMail.objects.filter(pk=notice.context["mail"]).first()
    if mail is None or not notice.person.has_role(Role.ADMINISTRATOR):
        return None
    words = [
        f"The ends of the record's chains could not be mailed to {mail.address}: {mail.last_error or 'no answer'}.",
        "It is tried again with the next ones. Until they get out, an end that somebody cuts off may go unnoticed.",
    ]
    return Mail("The record's anchors did not get out", words, url_to(reverse("incidents:anchors")), "Look at it")
