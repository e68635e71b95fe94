"""What every page keeps to, whoever asks for it (house style, tests)."""

import re
from typing import Any

INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=\"|\son[a-z]+=\"", re.IGNORECASE)


def check_page(response: Any, *, is_partial: bool = False) -> None:
    """One h1 that the title begins with, unique ids, targets that exist, nothing inline; never a 500."""
    assert response.status_code < 500, response.content[:2000]
    if response.streaming or not response.get("Content-Type", "").startswith("text/html") or not response.content:
        return
    page = response.content.decode()
    found = INLINE.search(page)
    assert found is None, f"inline script or style: {page[max(0, found.start() - 80) : found.end() + 80]}"
    ids = re.findall(r'\sid="([^"]+)"', page)
    doubled = {one for one in ids if ids.count(one) > 1}
    assert not doubled, f"ids stand twice: {doubled}"
    for attribute in ("aria-labelledby", "aria-describedby"):
        for names in re.findall(rf'{attribute}="([^"]*)"', page):
            assert is_partial or set(names.split()) <= set(ids), f"{attribute} names nothing: {names}"
    if is_partial:
        return
    assert "Content-Security-Policy" in response.headers
    for target in re.findall(r'hx-target="#([^"]+)"', page):
        assert target in ids, f"hx-target names nothing: {target}"
    _check_heading(page)


def _check_heading(page: str) -> None:
    headings = re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert len(headings) == 1, f"{len(headings)} h1"
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    heading, name = _words(headings[0]), _words(title.group(1))
    assert name.startswith(heading.split(",")[0][:30]) or heading.startswith(name.split(" ·")[0][:30]), (heading, name)


def _words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
