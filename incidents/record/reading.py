"""The readable record: one page that needs nothing else, runs nothing, and prints. What people typed stays text."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
FILE = re.compile(r"files/[a-z0-9.-]+")
# What no reader should meet: control signs, but for the line break and the tab.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
# Nothing is loaded, run or sent from it, whatever stands in it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
NONE = '<span class="none">none</span>'
# Of an entry of the chain a person reads this; the rest is in record.json.
CHAIN_COLUMNS = ("number", "at", "by", "text", "digest")


def page(parts: list[tuple[str, str, str, Any]], files: list[tuple[str, str]], *, fingerprint: str) -> Iterator[bytes]:
    """The page of these parts (key, title, note, data) and long tables (title, name of the file), piece by piece."""
    incident = next(data for key, _, _, data in parts if key == "incident")
    yield _head(incident).encode()
    listed = "".join(f'<li><a href="#{escape(key)}">{escape(title)}</a></li>' for key, title, _, _ in parts)
    yield f'<nav aria-label="Contents"><ol>{listed}</ol></nav>\n'.encode()
    for key, title, note, data in parts:
        yield f'<section id="{escape(key)}"><h2>{escape(title)}</h2>\n'.encode()
        if note:
            yield f"<p>{escape(note)}</p>\n".encode()
        yield (_chain(data) if key == "chain" else value(data)).encode()
        yield b"</section>\n"
    yield _foot(files, fingerprint).encode()


def _head(incident: dict[str, Any]) -> str:
    style = (Path(__file__).parent / "record.css").read_text(encoding="utf-8")
    name = f"Record of {incident['ref']}: {incident['title']}"
    marks = [word for word, is_so in (("Restricted to its team.", incident["restricted"]),
                                      ("An exercise: nothing of it was real.", incident["exercise"])) if is_so]  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{_plain(name)}</title><style>{style}</style></head>\n<body><main>\n"
        f"<h1><bdi>{_plain(name)}</bdi></h1>\n"
        "<p>Everything that was written down while it was led: what happened, who decided, who said yes, and what "
        "went out. All times are UTC.</p>\n" + "".join(f'<p class="marked">{word}</p>\n' for word in marks)
    )


def _foot(files: list[tuple[str, str]], fingerprint: str) -> str:
    rows = "".join(f'<li><a href="{escape(name)}">{escape(title)}</a>: {escape(name)}</li>' for title, name in files)
    beside = f"<p>Too long for a page, in files of their own:</p><ul>{rows}</ul>" if rows else ""
    return (
        f'<section id="proof"><h2>How to prove that this is whole</h2>{beside}'
        "<p>This page is one file of an archive. manifest.json lists every file with its SHA-256, manifest.sig signs "
        "the manifest (Ed25519). <code>manage.py verify_record FILE</code> says whether the archive is whole, or what was "
        "changed, removed, added or cut off. It needs no database. Ask the organisation for the fingerprint of its "
        f'key by another way and compare:</p><p class="mono">{escape(fingerprint)}</p></section>\n</main></body></html>\n'
    )


def value(data: Any) -> str:
    """Any plain data as HTML."""
    if isinstance(data, dict) and set(data) == {"id", "name"}:
        return f"<bdi>{_plain(data['name'])}</bdi>"
    if isinstance(data, dict):
        return _fields(data) if data else NONE
    if isinstance(data, list):
        return _list(data) if data else NONE
    return _scalar(data)


def _scalar(data: Any) -> str:
    if data is None or data == "":
        return NONE
    if isinstance(data, bool):
        return "yes" if data else "no"
    text = str(data)
    if MOMENT.fullmatch(text):
        return _moment(text)
    if FILE.fullmatch(text):
        return f'<a href="{escape(text)}">{escape(text)}</a>'
    return f"<bdi>{_plain(text)}</bdi>".replace("\n", "<br>")


def _moment(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f'<time datetime="{escape(text)}">{at:%d %b %Y, %H:%M:%S}</time>'


def _plain(text: str) -> str:
    return escape(UNSEEN.sub("\ufffd", text))


def _fields(data: dict[str, Any]) -> str:
    rows = "".join(f"<dt>{_words(key)}</dt><dd>{value(item)}</dd>" for key, item in data.items())
    return f"<dl>{rows}</dl>\n"


def _words(key: str) -> str:
    return _plain(str(key).replace("_", " ").capitalize())


def _list(data: list[Any]) -> str:
    if not all(isinstance(item, dict) for item in data):
        return "<ul>" + "".join(f"<li>{value(item)}</li>" for item in data) + "</ul>\n"
    columns = list(data[0])
    if len(columns) <= 8 and all(list(item) == columns and _is_short(item) for item in data):
        return _table(columns, data)
    return "".join(f"<article>{value(item)}</article>\n" for item in data)


def _is_short(item: dict[str, Any]) -> bool:
    return all(
        not isinstance(one, dict | list) or (isinstance(one, dict) and set(one) == {"id", "name"})
        for one in item.values()
    )


def _table(columns: list[str], rows: list[dict[str, Any]]) -> str:
    head = "".join(f'<th scope="col">{_words(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{value(row[column])}</td>" for column in columns) + "</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n'


def _chain(data: dict[str, Any]) -> str:
    rows = [
        {column: event[column] for column in CHAIN_COLUMNS}
        | {"by": event["by"] or "by itself", "digest": event["digest"][:16]}
        for event in data["events"]
    ]
    return _table(list(CHAIN_COLUMNS), rows) if rows else NONE
