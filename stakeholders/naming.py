"""When two account names are the same name."""

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=1_000)
def name_key(name: str) -> str:
    """What names are compared by: composed, case-folded, blanks made one."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.split())[:200]
