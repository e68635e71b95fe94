"""The steps of the set-up checklist that belong to no house: who we are, people, mail, storage, watchdog."""

import secrets
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crisiscomms import checklist, notices
from crisiscomms.checklist import Step
from crisiscomms.models import Notice, Role, User
from crisiscomms.notices import Mail
from crisiscomms.organisation import get_organisation
from crisiscomms.refusal import Refused
from crisiscomms.tasks import WATCHED

STORAGE_SEEN = "storage-seen"


def _named() -> bool:
    return get_organisation().name not in ("", "Your organisation")


def _addressed() -> bool:
    organisation = get_organisation()
    return bool(organisation.from_address and organisation.reply_to)


def _team() -> bool:
    writers = set(User.objects.with_role(Role.PRODUCT_MARKETING).values_list("pk", flat=True))
    approvers = set(User.objects.with_role(Role.EXECUTIVE).values_list("pk", flat=True))
    return bool(writers and approvers) and len(writers | approvers) > 1


def _invited() -> str:
    """Who counts as added and cannot write or approve before they have come in."""
    team = User.objects.with_role(Role.PRODUCT_MARKETING, Role.EXECUTIVE)
    names = [one.name for one in team.filter(invitations__accepted_at=None, invitations__isnull=False).distinct()
             if not one.has_usable_password()]  # fmt: skip
    return f"Invited, not in yet: {', '.join(names)}." if names else ""


def _second_administrator() -> bool:
    return User.objects.with_role(Role.ADMINISTRATOR).count() > 1


def _mailed() -> bool:
    return Notice.objects.filter(kind="test_mail", state=Notice.State.SENT).exists()


def _send_test(by: User, now: datetime) -> str:
    notices.tell([by], kind="test_mail", key=secrets.token_hex(8), now=now)
    return f"A test mail is on its way to {by.email}. When our mail server has taken it, this step is done."


@notices.renders("test_mail", urgency="normal", mail_only=True)
def _test_mail(notice: Notice, now: datetime) -> Mail:
    return Mail(
        "Test mail from Crisis Comms",
        ["If you read this, mail leaves this installation.", "Look at who it comes from: customers will see the same."],
        settings.BASE_URL,
        "Open Crisis Comms",
    )


def _stored() -> bool:
    return cache.get(STORAGE_SEEN) is not None


def _store(by: User, now: datetime) -> str:
    """Write, read and delete a small file where uploads go."""
    said = secrets.token_bytes(16)
    try:
        name = default_storage.save("checks/storage", ContentFile(said))
        try:
            with default_storage.open(name) as stored:
                same = stored.read() == said
        finally:
            default_storage.delete(name)
    except OSError as error:
        raise Refused(f"Files cannot be kept: {error.strerror or error}. Look at STORAGE_URL.") from error
    if not same:
        raise Refused("What was stored came back different. Look at STORAGE_URL.")
    cache.set(STORAGE_SEEN, 1, timeout=None)
    return "Files can be stored and read again."


def _watched() -> bool:
    return cache.get(WATCHED) is not None


STEPS = [
    Step(10, "named", "Say who you are", "Customers read this name in every mail and on the status page.",
         "setup_organisation", _named),
    Step(20, "addresses", "Set the sender and reply addresses", "A mailbox that somebody reads during an incident.",
         "setup_organisation", _addressed),
    Step(30, "team", "Add your first people", "At least one who writes and another one, an executive, who approves.",
         "setup_people", _team, so_far=_invited),
    Step(35, "second", "Have a second administrator", "Changes that weaken control then take two people.",
         "setup_people", _second_administrator, optional=True),
    Step(60, "mail", "Send yourself a test mail", "It shows that mail leaves here, and how it looks when it arrives.",
         "setup_organisation", _mailed, "Send a test mail", _send_test),
    Step(70, "storage", "Check the storage", "Imports and attachments are kept there.",
         "setup", _stored, "Check it now", _store),
    Step(80, "watchdog", "Set an outside watchdog",
         "A service outside raises the alarm when this installation falls silent. Whoever operates the server sets its "
         "address as the environment variable HEARTBEAT_URL and restarts; it cannot be set here.",
         "setup", _watched, optional=True),
]  # fmt: skip
for _step in STEPS:
    checklist.register(_step)
