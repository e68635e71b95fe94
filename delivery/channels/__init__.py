"""What a channel can answer when it is handed something to deliver."""


class ChannelError(Exception):
    """`code` is the peer's own number (an SMTP or HTTP status), None when it gave none."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class TransientError(ChannelError):
    """The same hand-over may work later; nothing was delivered."""


class PermanentError(ChannelError):
    """Trying again unchanged is pointless; nothing was delivered."""


class UnknownOutcome(ChannelError):
    """The peer may have taken it: the connection ended after the last byte, before an answer."""
