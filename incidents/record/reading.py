"""The readable record: one page that needs nothing else, runs nothing, and prints. What people typed stays text."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from incidents.record import blocks
from incidents.record.blocks import Block, Fields, Items, Moment, Nothing, Read, Table, Words

# Nothing is loaded, run or sent from it, whatever stands in it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
NONE = '<span class="none">none</span>'


def page(parts: Read, files: list[tuple[str, str]], *, fingerprint: str) -> Iterator[bytes]:
    """The page of these parts and long tables (title, name of the file), piece by piece."""
    incident = next(data for key, _, _, data in parts if key == "incident")
    yield _head(incident).encode()
    listed = "".join(f'<li><a href="#{escape(key)}">{escape(title)}</a></li>' for key, title, _, _ in parts)
    yield f'<nav aria-label="Contents"><ol>{listed}</ol></nav>\n'.encode()
    for key, title, note, block in blocks.sections(parts):
        yield f'<section id="{escape(key)}"><h2>{escape(title)}</h2>\n'.encode()
        if note:
            yield f"<p>{escape(note)}</p>\n".encode()
        yield html(block).encode()
        yield b"</section>\n"
    yield _foot(files, fingerprint).encode()


def _head(incident: dict[str, Any]) -> str:
    style = (Path(__file__).parent / "record.css").read_text(encoding="utf-8")
    name = escape(blocks.title(incident))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{name}</title><style>{style}</style></head>\n<body><main>\n"
        f"<h1><bdi>{name}</bdi></h1>\n"
        f"<p>{escape(blocks.ABOUT)}</p>\n"
        + "".join(f'<p class="marked">{escape(word)}</p>\n' for word in blocks.marks(incident))
    )


def _foot(files: list[tuple[str, str]], fingerprint: str) -> str:
    rows = "".join(f'<li><a href="{escape(name)}">{escape(title)}</a>: {escape(name)}</li>' for title, name in files)
    beside = f"<p>{escape(blocks.BESIDE)}</p><ul>{rows}</ul>" if rows else ""
    return (
        f'<section id="proof"><h2>{escape(blocks.PROOF_TITLE)}</h2>{beside}'
        "<p>This page is one file of an archive. manifest.json lists every file with its SHA-256, manifest.sig signs "
        "the manifest (Ed25519). <code>manage.py verify_record FILE</code> says whether the archive is whole, or what was "
        "changed, removed, added or cut off. It needs no database. Ask the organisation for the fingerprint of its "
        f'key by another way and compare:</p><p class="mono">{escape(fingerprint)}</p></section>\n</main></body></html>\n'
    )


def html(block: Block) -> str:
    match block:
        case Fields(rows):
            return "<dl>" + "".join(f"<dt>{escape(key)}</dt><dd>{html(one)}</dd>" for key, one in rows) + "</dl>\n"
        case Table(head, rows):
            return _table(head, rows)
        case Items(items, are_entries=True):
            return "".join(f"<article>{html(one)}</article>\n" for one in items)
        case Items(items):
            return "<ul>" + "".join(f"<li>{html(one)}</li>" for one in items) + "</ul>\n"
        case _:
            return _value(block)


def _value(block: Nothing | Words | Moment) -> str:
    match block:
        case Nothing():
            return NONE
        case Moment(exact, text):
            return f'<time datetime="{escape(exact)}">{escape(text)}</time>'
        case Words(text, is_file=True):
            return f'<a href="{escape(text)}">{escape(text)}</a>'
        case Words(text):
            return f"<bdi>{escape(text)}</bdi>".replace("\n", "<br>")


def _table(columns: list[str], rows: list[list[Block]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{html(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n'
