"""PNG of a drawing, for mail: the page's own style sheet in its light colours, a font of our own, twice the size."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache as stored
from django.utils.html import escape

from desk.drawings import shapes, texts
from desk.drawings.drawing import Drawing
from desk.drawings.shapes import Text

FONTS = Path(__file__).parent / "fonts"
STYLES = settings.BASE_DIR / "crisiscomms" / "static" / "crisiscomms" / "css"
MARGIN, HEAD = 20, 46
# Points of a page 72 to the inch: twice as many pixels for screens that have them.
DOTS = 144
KEPT_SECONDS = 3600
PAGE = """#set page(width: {width}pt, height: {height}pt, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: 100%, alt: sys.inputs.alt)"""
_TOKEN = re.compile(r"--cc-([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
_RULE = re.compile(r"(\.cc-svg[^{}]*)\{([^{}]*)\}")


@dataclass(frozen=True)
class Picture:
    """A picture that is made when somebody asks for it, and kept for a while by what it says."""

    svg: str
    alt: str
    width: float
    height: float

    @cached_property
    def digest(self) -> str:
        return hashlib.blake2b(self.svg.encode(), digest_size=16).hexdigest()

    def png(self) -> bytes:
        png: bytes | None = stored.get(f"drawing:{self.digest}")
        if png is None:
            png = _render(self)
            stored.set(f"drawing:{self.digest}", png, KEPT_SECONDS)
        return png


@cache
def colours(side: str = "light") -> dict[str, str]:
    """Every colour of the look, by its name: the one table is tokens.css itself."""
    found = _TOKEN.findall((STYLES / "tokens.css").read_text(encoding="utf-8"))
    return {name: light if side == "light" else dark for name, light, dark in found}


@cache
def style_sheet() -> str:
    """The rules for drawings, with plain light colours in the place of names."""
    text = re.sub(r"/\*.*?\*/", "", (STYLES / "charts.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    rules = "".join(f"{name.strip()}{{{' '.join(body.split())}}}" for name, body in _RULE.findall(text))
    for name, value in colours().items():
        rules = rules.replace(f"var(--cc-{name})", value)
    return rules.replace("var(--cc-font)", "'IBM Plex Sans'")


def picture_svg(drawing: Drawing, heading: str, caption: str) -> str:
    """The drawing under its heading on white, complete in itself."""
    width, height = drawing.width + 2 * MARGIN, drawing.height + HEAD + 2 * MARGIN
    size = f'width="{shapes.number(width)}" height="{shapes.number(height)}"'
    head = shapes.markup([Text("t-head", 0, 14, texts.clean(heading)), Text("t-mut", 0, 32, texts.clean(caption))])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {shapes.number(width)} {shapes.number(height)}" {size}>'
        f"<title>{escape(drawing.title)}</title><style>{style_sheet()}</style>"
        f'<rect {size} fill="{colours()["surface"]}"/>'
        f'<g class="cc-svg"><g transform="translate({MARGIN} {MARGIN})">{head}</g>'
        f'<g transform="translate({MARGIN} {MARGIN + HEAD})">{drawing.body}</g></g></svg>'
    )


def picture(drawing: Drawing, heading: str, caption: str) -> Picture:
    width, height = drawing.width + 2 * MARGIN, drawing.height + HEAD + 2 * MARGIN
    return Picture(picture_svg(drawing, heading, caption), drawing.alt, width, height)


def _render(picture: Picture) -> bytes:
    # Only a process that makes pictures carries the library.
    import typst

    # Its own types take a list of paths of any sort, which a list of texts is not.
    fonts: Any = [str(FONTS)]
    png: bytes = typst.compile(
        PAGE.format(width=picture.width, height=picture.height).encode(),
        format="png",
        ppi=DOTS,
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"svg": picture.svg, "alt": picture.alt},
    )
    return png
