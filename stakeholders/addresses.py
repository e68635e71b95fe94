"""One person is one normalised address. This is the rule, and the only place that knows it.

Normalised: Unicode NFC, without surrounding or invisible blanks, in lower case, the domain in ASCII (IDNA).
Dots and plus tags stay as typed: whether `a.b+news@` is `ab@` is the receiving server's business, not ours.
Lower case and not case folding: folding turns ß into ss, which is another mailbox and another domain.
"""

import re
import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

NO_ADDRESS = "no e-mail address"
NOT_AN_ADDRESS = "not an e-mail address"
LINE_BREAK = "line break in an e-mail address (header injection)"

LIMIT = 254
# Everything that some reader of a header takes for the end of a line.
LINE_BREAKS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
# Blanks and marks that nobody sees and that arrive with copied text. Python's strip() knows the first kind only.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069\u00ad"
_EDGES = re.compile(rf"^[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+$")
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# Nearly every address has this shape, and the whole validator costs ten times as much.
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z]{{2,63}}")


def normalise(text: str) -> str:
    """The address under which a person is known. Raises ValueError with the reason."""
    # ASCII is composed already, and the pattern leaves no room for blanks or line breaks.
    if text.isascii() and _is_plain(lowered := text.lower()):
        return lowered
    return _normalise_odd(text)


def _normalise_odd(text: str) -> str:
    if LINE_BREAKS.search(text):
        raise ValueError(LINE_BREAK if bare(text) else NO_ADDRESS)
    lowered = unicodedata.normalize("NFC", bare(text).lower())
    if not lowered:
        raise ValueError(NO_ADDRESS)
    if _is_plain(lowered):
        return lowered
    return _normalise_rare(lowered)


def bare(text: str) -> str:
    """The address as somebody typed it, without what nobody sees around it."""
    if text.isascii() and text == text.strip():
        return text
    return _bare_odd(text)


def _bare_odd(text: str) -> str:
    return _EDGES.sub("", unicodedata.normalize("NFC", text))


def _is_plain(address: str) -> bool:
    """Whether the cheap pattern is enough. A double hyphen may be IDNA, which needs the validator."""
    local, _, domain = address.partition("@")
    return len(address) <= LIMIT and len(local) <= 64 and "--" not in domain and bool(_PLAIN.fullmatch(address))


def _normalise_rare(address: str) -> str:
    try:
        # Not "globally deliverable": reserved endings such as .example and .test are fine, the dot is checked below.
        checked = validate_email(address, strict=True, check_deliverability=False, globally_deliverable=False)
        domain = idna.encode(checked.domain, uts46=True).decode("ascii").lower()
    except (EmailNotValidError, idna.IDNAError, UnicodeError):
        raise ValueError(NOT_AN_ADDRESS) from None
    found = f"{checked.local_part}@{domain}"
    if "." not in domain or len(found) > LIMIT:
        raise ValueError(NOT_AN_ADDRESS)
    return found
