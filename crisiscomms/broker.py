"""How Celery reaches Redis. Kombu's own way, with one thing mended."""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(kombu_redis.Channel):
    """Says that the connection is lost where kombu (5.7) falls over its own feet.

    When Redis goes away while a worker holds a bell, kombu closes the connection first and gives the bell back
    afterwards: it asks a connection that is None for its host. The worker takes the AttributeError for a fault of its
    own and ends; a lost connection it waits out.
    """

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection.client is None:
            raise ConnectionLost("The connection to the broker is closed.")
        return super()._connparams(asynchronous=asynchronous)


class Transport(kombu_redis.Transport):
    Channel = Channel


def use() -> None:
    """Every redis:// and rediss:// address of this process is reached by the transport above."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
