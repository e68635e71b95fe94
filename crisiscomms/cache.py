"""A cache that may be gone: counters and heartbeats live in it, and nobody is locked out when Redis is down."""

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache

log = structlog.get_logger("crisiscomms")


class ForgivingRedisCache(RedisCache):
    """Answers as an empty cache when Redis does not (faults, D4): sign-in goes on without its rate limits."""

    def _try(self, name: str, instead: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except ValueError:
            # A missing counter is Django's own answer, not a broken connection.
            raise
        except Exception as error:  # noqa: BLE001 - whatever the client raises: the page matters more
            log.warning("cache without redis", act=name, error=type(error).__name__)
            return instead

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._try("get", default, key, default, version)

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return self._try("set", None, key, value, *args, **kwargs)

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return self._try("add", True, key, value, *args, **kwargs)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> Any:
        return self._try("incr", 1, key, delta, version)

    def delete(self, key: str, version: int | None = None) -> Any:
        return self._try("delete", False, key, version)

    def touch(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._try("touch", False, key, *args, **kwargs)
