"""How the outside says that something is wrong: one module per protocol, each with its proof and its reading.

To add a source: a module with a `Protocol`, its line in PROTOCOLS, its kind in SignalSource.Kind.
"""

from incidents.hooks import alertmanager, generic, pagerduty, sentry
from incidents.hooks.protocol import Protocol, Unproven, Unreadable
from incidents.models import SignalSource

Kind = SignalSource.Kind
PROTOCOLS: dict[str, Protocol] = {
    Kind.ALERTMANAGER: alertmanager.PROTOCOL,
    Kind.PAGERDUTY: pagerduty.PROTOCOL,
    Kind.SENTRY: sentry.PROTOCOL,
    Kind.GENERIC: generic.PROTOCOL,
}

__all__ = ["PROTOCOLS", "Protocol", "Unproven", "Unreadable"]
