"""What the rules of several policies are made of."""

from typing import Annotated

from pydantic import Field

from crisiscomms.models import Role

Line = Annotated[str, Field(min_length=1, max_length=300)]
Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 30)]
OWN = (("owner", "Its owner"), ("deputy", "The owner’s deputy"))
WORDS = tuple(word for word, _ in OWN)


def known_roles(roles: list[str], *, also: tuple[str, ...] = ()) -> None:
    """Raises ValueError for the first word that is no role."""
    for role in roles:
        if role not in Role.values and role not in also:
            raise ValueError(f"“{role}” is not a role. Roles are: {', '.join([*also, *Role.values])}")
