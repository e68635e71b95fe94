from django.urls import path

from crisiscomms import inbox_views

urlpatterns = [
    path("", inbox_views.inbox, name="inbox"),
    path("<str:name>/", inbox_views.mail, name="inbox_mail"),
    path("<str:name>/html/", inbox_views.mail_html, name="inbox_mail_html"),
]
