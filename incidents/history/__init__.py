"""Reading the history of another status page. What is done with it stands in incidents/actions/history.py."""

from incidents.history.reading import History, Past, PastUpdate, read

__all__ = ["History", "Past", "PastUpdate", "read"]
