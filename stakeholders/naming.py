"""When two account names are the same name."""

import unicodedata


def name_key(name: str) -> str:
    """What names are compared by: composed, case-folded, blanks made one."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.split())[:200]
