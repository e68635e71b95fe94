"""The environment of a site on this machine, and the file that keeps its secrets: `.local/env`."""

import os
import secrets
import socket
from pathlib import Path

KEPT = ("SECRET_KEY", "RECORD_SIGNING_KEY")


def read(path: Path) -> dict[str, str]:
    """NAME=value lines; what is not one is passed over."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {name.strip(): value for name, equals, value in pairs if equals}


def write(path: Path, values: dict[str, str]) -> None:
    """Readable by its owner only, and never half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("# Written by script/server; delete it only together with the rest of .local.\n")
        file.writelines(f"{name}={value}\n" for name, value in sorted(values.items()))
    unfinished.replace(path)


def new_secrets() -> dict[str, str]:
    return {name: secrets.token_urlsafe(48) for name in KEPT}


def for_site(directory: Path, port: int) -> dict[str, str]:
    """Everything but the two services. A variable that the caller has set stays as it is."""
    kept = read(directory / "env")
    values = new_secrets() | {name: kept[name] for name in KEPT if kept.get(name)}
    values |= {
        "LOCAL_MODE": "1",
        "BASE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DEFAULT_FROM_EMAIL": "Crisis Comms <updates@demo.example>",
        "STORAGE_URL": f"file://{directory / 'files'}",
        "TRUSTED_PROXIES": "0",
    }
    if "EMAIL_URL" not in os.environ:
        mail_port = _port_of(kept.get("EMAIL_URL", ""))
        values |= {"EMAIL_URL": f"smtp://127.0.0.1:{mail_port}", "LOCAL_INBOX_DIR": str(directory / "inbox")}
    return values | {name: os.environ[name] for name in values if name in os.environ}


def for_tests() -> dict[str, str]:
    values = new_secrets() | {
        "LOCAL_MODE": "1",
        "BASE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "EMAIL_URL": "console:",
        "DEFAULT_FROM_EMAIL": "Crisis Comms <updates@demo.example>",
        "TRUSTED_PROXIES": "0",
    }
    return {name: value for name, value in values.items() if name not in os.environ}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _port_of(url: str) -> int:
    """The inbox keeps its port from the last start when it can."""
    last = url.rpartition(":")[2]
    return int(last) if last.isdigit() and is_free(int(last)) else free_port()
