"""Where the demo's mails go: the place of the mail server, and the inbox of this machine for the newest of them."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from crisiscomms.embedded import inbox
from delivery.channels import email as door
from delivery.channels.smtp import Envelope, Result
from delivery.claims import Claimed

NO_MAILBOX = "5.1.1 There is no such mailbox"


class InboxSession:
    """Takes every mail but those to `dead` addresses. What it takes can be read in the local inbox, when there is one.

    A company's past would bury the mails of today there: while it is `quiet` it keeps none, and of mails to customers
    `customers` at most.
    """

    def __init__(self, *, dead: Iterable[str] = (), customers: int | None = None) -> None:
        self.dead, self.customers, self.quiet, self.kept = frozenset(dead), customers, False, 0

    def send_many(self, mails: Iterable[Envelope]) -> Generator[Result, None, None]:
        for mail in mails:
            if mail.recipient in self.dead:
                yield Result(mail.key, "failed", 550, NO_MAILBOX)
                continue
            if settings.LOCAL_INBOX_DIR and not self.quiet and self._has_room(mail):
                folder = Path(settings.LOCAL_INBOX_DIR)
                folder.mkdir(parents=True, exist_ok=True)
                inbox.store(mail.data, sender=mail.sender, to=[mail.recipient], folder=folder)
            yield Result(mail.key, "sent", 250, "2.0.0 taken")

    def _has_room(self, mail: Envelope) -> bool:
        if self.customers is None or not isinstance(mail.key, Claimed):
            return True
        self.kept += 1
        return self.kept <= self.customers

    def close(self) -> None:
        return None


@contextmanager
def taking_mail(session: InboxSession) -> Iterator[InboxSession]:
    """Inside this block the session stands where the mail server stands."""
    door.reset_session()
    door._session = session
    try:
        yield session
    finally:
        door.reset_session()
