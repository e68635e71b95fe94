from delivery.models.dispatches import Dispatch, Tally
from delivery.models.notifications import DeliveryAttempt, Notification

__all__ = ["DeliveryAttempt", "Dispatch", "Notification", "Tally"]
