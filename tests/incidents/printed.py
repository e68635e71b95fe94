"""Reading a PDF as typst writes it: enough to say which words stand on which page. Not a reader of PDFs."""

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STEP = re.compile(rb"/(f\d+) [\d.]+ Tf|\[((?:\((?:\\.|[^\\)])*\)|[^\]()])*)\]TJ|\((?:\\.|[^\\)])*\)Tj|(ET)", re.DOTALL)
_STRING = re.compile(rb"\(((?:\\.|[^\\)])*)\)", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages(pdf: bytes) -> list[str]:
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    found = [body for body in objects.values() if b"/Type/Page/" in body]
    return [_page(body, objects) for body in found]


def outline(pdf: bytes) -> list[str]:
    return [title.decode("latin-1") for title in re.findall(rb"/Title\(([^)]*)\)/Dest", pdf)]


def _page(body: bytes, objects: dict[int, bytes]) -> str:
    resources = objects[_reference(body, b"Resources")]
    fonts = {name: _letters(int(number), objects) for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", resources)}
    words, letters = "", {}
    for step in _STEP.finditer(_unpacked(objects[_reference(body, b"Contents")])):
        if step[1]:
            letters = fonts[step[1]]
        elif step[3]:
            words += "\n"
        else:
            codes = b"".join(_unescaped(one) for one in _STRING.findall(step[0]))
            words += "".join(letters.get(codes[at : at + 2], "") for at in range(0, len(codes), 2))
    return words


def _letters(number: int, objects: dict[int, bytes]) -> dict[bytes, str]:
    table = _unpacked(objects[_reference(objects[number], b"ToUnicode")])
    pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", table)
    return {bytes.fromhex(code.decode()): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found
    return int(found[1])


def _unpacked(body: bytes) -> bytes:
    return zlib.decompressobj().decompress(body.split(b"stream\n", 1)[1])


def _unescaped(text: bytes) -> bytes:
    def sign(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code, 8) & 255]) if code[:1].isdigit() else _NAMED.get(code, code)

    return _ESCAPED.sub(sign, text)
