"""The door to the team's chat: lines posted to an incoming webhook, as Slack, Mattermost and Teams take them."""

import re
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from crisiscomms import credentials, ways
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from delivery.channels import ChannelError, PermanentError, outward

MAX_WORDS = 500


def check(secret: str) -> None:
    """Raises Refused for what cannot be the address of a webhook. It is not asked for: *Try it* does that."""
    try:
        parts = urlsplit(secret)
        is_address = bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or re.search(r"[^!-~]", secret):
        raise Refused("This is no address. Copy the whole address of the incoming webhook from your chat.")
    if parts.scheme not in _schemes(parts):
        raise Refused("The address has to begin with https://, because it is a secret.")
    try:
        # Only what is written as a number, in whatever spelling, is judged here: it needs no lookup.
        outward.judged(str(parts.hostname), inside=_is_inside(parts), flags=socket.AI_NUMERICHOST)
    except PermanentError as error:
        raise Refused(error.text) from None
    except ChannelError:
        return


def post(words: str) -> None:
    """Post one line. Raises a ChannelError; PermanentError also when no chat is connected."""
    url = credentials.secret_of(ways.CHAT)
    if not url:
        raise PermanentError("No chat is connected.")
    parts = urlsplit(url)
    if parts.scheme not in _schemes(parts):
        raise PermanentError("The address of the chat does not begin with https://.")
    outward.post(url, {"text": words}, inside=_is_inside(parts))


def plain(words: str) -> str:
    """Words that people typed, as one line that calls nobody and links nowhere by itself."""
    line = " ".join(words.split())[:MAX_WORDS]
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u2060")):
        line = line.replace(sign, written)
    return line


def _attempt(by: User) -> str:
    try:
        post(f"{plain(by.name)} tries out Crisis Comms: notices to the team can arrive here.")
    except ChannelError as error:
        raise Refused(f"The line was not taken. {error.text}") from None
    return "A line was posted. Look whether it stands in the chat."


def _is_inside(parts: SplitResult) -> bool:
    """Whether the operator named this host as one of the company's own (CHAT_INSIDE_HOSTS)."""
    return (parts.hostname or "") in settings.CHAT_INSIDE_HOSTS


def _schemes(parts: SplitResult) -> tuple[str, ...]:
    """Plain http only on a newcomer's machine, to a host that was named."""
    return ("https", "http") if settings.LOCAL and _is_inside(parts) else ("https",)


credentials.register(
    credentials.Kind(
        ways.CHAT,
        "Chat webhook",
        "The address of an incoming webhook of Slack, Mattermost or Teams. Notices to the team are posted there for "
        "those who choose it, and when a mail to somebody who has to act does not get through.",
        check,
        _attempt,
    )
)
