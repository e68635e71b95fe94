from delivery.models.dispatches import Dispatch, Tally
from delivery.models.notifications import Claim, DeliveryAttempt, Notification

__all__ = ["Claim", "DeliveryAttempt", "Dispatch", "Notification", "Tally"]
