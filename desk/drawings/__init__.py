"""What is drawn of an incident: its timeline and its affected components, as SVG for pages and as PNG for mail.

`scenes` reads rows, for the team or only what is released; `timeline` and `diagram` lay them out, by nothing but their
arguments; `shapes` writes the SVG; `pictures` makes PNG of it.
"""
