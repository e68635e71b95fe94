from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from stakeholders import actions
from stakeholders.imports import running
from stakeholders.models import ImportRun

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(autouse=True)
def _files_elsewhere(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def read(db: None, now: datetime) -> Callable[..., ImportRun]:
    """Upload a file and read it to the preview."""

    def _read(content: str | bytes, name: str = "contacts.csv", by: Any = None, kind: str = "contacts") -> ImportRun:
        raw = content.encode() if isinstance(content, str) else content
        file = ContentFile(raw, name)
        run = actions.start_import(file=file, name=name, by=by, now=now, kind=kind, in_background=False)
        return _work(run)

    return _read


@pytest.fixture
def bring(read: Callable[..., ImportRun], now: datetime) -> Callable[..., ImportRun]:
    """Upload, read and import a file."""

    def _bring(content: str | bytes, name: str = "contacts.csv", kind: str = "contacts") -> ImportRun:
        run = read(content, name, kind=kind)
        assert run.state == ImportRun.State.READY, run.why_refused
        actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)
        return _work(run)

    return _bring


def _work(run: ImportRun) -> ImportRun:
    while running.work(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


@pytest.fixture
def crm_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in DATA.glob("crm-export-*.csv")}
