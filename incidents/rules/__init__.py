"""What may stand in the policies of this house, one module per policy. Importing this describes all of them."""

from incidents.rules import clocks, decisions, documents
from incidents.rules.words import Line, known_roles

__all__ = ["Line", "clocks", "decisions", "documents", "known_roles"]
