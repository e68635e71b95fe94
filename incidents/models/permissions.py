"""Object permissions with a direct foreign key: no orphan rows, no generic joins (see faults, guardian)."""

from django.db import models
from guardian.models import UserObjectPermissionBase

from incidents.models.incident import Incident


class IncidentUserObjectPermission(UserObjectPermissionBase):  # type: ignore[misc]
    content_object = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="granted")

    def __str__(self) -> str:
        return f"{self.user_id} may see {self.content_object_id}"
