"""What may stand in the policies of this house, one module per policy. Importing this describes all of them."""

from incidents.rules import clocks, decisions, documents, facts, obligations, outward, ownership
from incidents.rules.words import Line, known_roles

__all__ = ["Line", "clocks", "decisions", "documents", "facts", "known_roles", "obligations", "outward", "ownership"]
