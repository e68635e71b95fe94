"""What never stands in a log: tokens in paths, addresses of people, and the rows that a database quotes in an error."""

import re
from typing import Any

TOKEN = re.compile(r"(/(?:approve|u|clocks/feed|reset/key|invitation|hooks/[a-z0-9-]+)/)[^/\s\"'?]+")
API_TOKEN = re.compile(r"ccapi_[0-9a-f]+")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# PostgreSQL quotes the row that it refused, and a server the mail that it did: names and texts of people.
QUOTED = re.compile(
    r"((?:DETAIL|CONTEXT|HINT|QUERY|STATEMENT): *)[^\n]*(?:\n(?!Traceback|  File |\S*Error|The above|During)[^\n]+)*"
)
# What somebody searched for or typed stands behind the question mark.
QUERY = re.compile(r"((?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[^\s?\"']*)\?[^\s\"']*")


def hidden(text: str) -> str:
    text = QUOTED.sub(r"\1[hidden]", QUERY.sub(r"\1?[query]", text))
    return ADDRESS.sub("[address]", API_TOKEN.sub("[token]", TOKEN.sub(r"\1[token]", text)))


def hide(_logger: Any, _name: str, line: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor, the last before a line becomes text."""
    return {key: clean(value) for key, value in line.items()}


def clean(value: Any) -> Any:
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [clean(one) for one in value]
    return value if isinstance(value, int | float | None) else hidden(str(value))
