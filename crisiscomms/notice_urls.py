from django.urls import path

from crisiscomms import notice_views as views

urlpatterns = [
    path("", views.notices_page, name="notices"),
    path("bell/", views.bell_count, name="notices_bell"),
    path("read/", views.read_all, name="notices_read"),
    path("<id:notice_id>/", views.open_notice, name="notice"),
]
