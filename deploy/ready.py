"""The container's health check: exit 0 when the address answers 200.

Asks by the site's own name, because other host names are refused; the connection goes to the address given.
"""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def is_ready(address: str) -> bool:
    host = urlsplit(os.environ.get("BASE_URL", "")).hostname or "localhost"
    request = urllib.request.Request(address, headers={"Host": host, "X-Forwarded-Proto": "https"})
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not is_ready(sys.argv[1]))
