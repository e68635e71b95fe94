"""A delivery worker as a process of its own, so that its memory is its own and not that of the bench."""

import os
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any


def work(dispatch_id: int, database: str, port: int, barrier: Barrier, results: Any) -> None:
    """Stand ready at the barrier, send everything, and put down the peak of memory in MB."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")
    # Colours for developers, which production does not install.
    sys.modules["rich"] = None  # type: ignore[assignment]
    import django
    from django.conf import settings
    from django.db import connection

    django.setup()
    connection.settings_dict["NAME"] = database
    from crisiscomms import clock
    from crisiscomms.environment import MailServer
    from delivery import sender
    from delivery.channels import email as door

    settings.MAIL_SERVER = MailServer("smtp", "127.0.0.1", port)
    clock.now()
    barrier.wait()
    while sender.work(dispatch_id=dispatch_id):
        pass
    door.reset_session()
    results.put(_peak_mb())


def _peak_mb() -> int:
    """Of this program alone: getrusage would still count the process that started it."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
