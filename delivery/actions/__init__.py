"""Ordering, holding, taking back, stopping, and settling what went wrong."""

from delivery.actions.ordering import note_left, open_early, order_dispatch, release_due, stop_dispatch, take_back
from delivery.actions.settling import resume_dispatch, retry_failed, settle_unknown

__all__ = [
    "note_left",
    "open_early",
    "order_dispatch",
    "release_due",
    "resume_dispatch",
    "retry_failed",
    "settle_unknown",
    "stop_dispatch",
    "take_back",
]
