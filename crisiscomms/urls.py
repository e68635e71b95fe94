"""Every address of the product. Each house brings its own."""

from django.conf import settings
from django.urls import include, path, register_converter

from crisiscomms import branding, health_views, kit_views, views


class SmallId:
    """A whole number that fits a database key, so that no address can overflow one."""

    regex = "[0-9]{1,9}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(SmallId, "id")

urlpatterns = [
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("metrics", health_views.metrics, name="metrics"),
    path("brand.css", branding.style, name="brand_style"),
    path("brand/logo.png", branding.logo, name="brand_logo"),
    path("welcome/", views.welcome, name="welcome"),
    path("account/", include("crisiscomms.account_urls")),
    path("api/", include("crisiscomms.api.urls")),
    path("notices/", include("crisiscomms.notice_urls")),
    path("kit/", kit_views.kit, name="kit"),
    path("kit/progress/", kit_views.progress, name="kit_progress"),
    path("setup/", include("crisiscomms.setup_urls")),
    path("", include("desk.urls")),
    path("", include("incidents.urls")),
    path("", include("stakeholders.urls")),
    path("", include("messaging.urls")),
    path("", include("delivery.urls")),
    path("", include("recovery.urls")),
    path("", include("portal.urls")),
    path("", include("statuspage.urls")),
]
if settings.LOCAL_INBOX_DIR:
    urlpatterns.append(path("inbox/", include("crisiscomms.inbox_urls")))

handler400 = "crisiscomms.views.bad_request"
handler500 = "crisiscomms.views.server_error"
