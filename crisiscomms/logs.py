"""What never stands in a log: tokens in paths, and addresses of people."""

import logging
import re

TOKEN = re.compile(r"(/(?:approve|u|reset/key|invitation)/)[^/\s\"'?]+")
API_TOKEN = re.compile(r"ccapi_[0-9a-f]+")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def hidden(text: str) -> str:
    return ADDRESS.sub("[address]", API_TOKEN.sub("[token]", TOKEN.sub(r"\1[token]", text)))


class HideTokens(logging.Filter):
    """Replaces link tokens and e-mail addresses in every record that a handler writes."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, dict):
            record.msg = {key: _clean(value) for key, value in record.msg.items()}
        else:
            record.msg, record.args = hidden(record.getMessage()), ()
        return True


def _clean(value: object) -> object:
    return hidden(value) if isinstance(value, str) else value
