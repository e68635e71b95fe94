"""What the web server calls."""

import os
import shutil
import tempfile
from pathlib import Path

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")


def _count_together() -> None:
    """The workers of one server share their counts in files, under the number of the process that started them.

    prometheus_client chooses how it counts when it is imported, so this comes before Django does.
    """
    place = Path(tempfile.gettempdir())
    for left in place.glob("crisiscomms-figures-*"):
        number = left.name.rpartition("-")[2]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(left, ignore_errors=True)
    here = place / f"crisiscomms-figures-{os.getppid()}"
    here.mkdir(mode=0o700, exist_ok=True)
    if here.stat().st_uid == os.geteuid():
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(here))


if os.path.isdir("/proc"):
    _count_together()
application = get_wsgi_application()
