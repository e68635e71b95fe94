"""A pytest plugin, loaded before the settings are: each worker of a parallel run has a Redis database of its own.

Tests clear the cache. With one database for all, one test's fresh start would wipe another's counters.
"""

import os

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_URL = os.environ.get("REDIS_URL", "")

if _WORKER.startswith("gw") and _URL and "db=" not in _URL:
    os.environ["REDIS_URL"] = f"{_URL}{'&' if '?' in _URL else '?'}db={int(_WORKER[2:])}"
