"""What higher houses may react to, in the same transaction. See docs/adr/0004."""

from django.dispatch import Signal

# Sent with incident, by, now.
incident_resolved = Signal()
# Sent with incident, by, now: closed or stood down.
incident_closed = Signal()
# Sent with incident, kind, by, now.
milestone_reached = Signal()
# Sent with incident, fact, by, now: what a fact says outward is another thing now, or must not be said yet.
fact_changed = Signal()
# Sent with incident, by, now: a new one, or a watch item that became one.
incident_declared = Signal()
# Sent with incident, by, now: it went back to management, as it was not fixed.
incident_reopened = Signal()
# Sent with incident, by, now.
severity_changed = Signal()
