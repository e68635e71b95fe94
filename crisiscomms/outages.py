"""Telling a database that is away, or may only be read, from a fault of ours."""

from django.db import Error, InterfaceError, OperationalError

READ_ONLY = "25006"


def is_read_only(error: BaseException | None) -> bool:
    """PostgreSQL refuses to write: a standby, or an operator at work. psycopg2 calls it an internal error."""
    return isinstance(error, Error) and getattr(error.__cause__, "pgcode", None) == READ_ONLY


def is_one(error: BaseException | None) -> bool:
    """Whether waiting is all there is to do. A query that was cancelled or deadlocked is our own fault."""
    if is_read_only(error):
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.__cause__, "pgcode", None)
    # Without a code the connection itself failed; 57P is a server that stops or starts, 53 one without resources.
    return code is None or code.startswith(("57P", "53", "08"))
