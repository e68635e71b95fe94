"""Uploads stop while they are read, not after they have filled the disk."""

from django.conf import settings
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler


class LimitedFileUpload(TemporaryFileUploadHandler):
    """Writes to a temporary file and stops at the limit. The form then says so: the request carries the mark."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.UPLOAD_LIMIT_BYTES:
            assert self.request is not None
            self.request.upload_too_large = True  # type: ignore[attr-defined]
            raise StopUpload(connection_reset=False)
        super().receive_data_chunk(raw_data, start)
