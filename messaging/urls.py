from django.urls import path

from messaging import views

app_name = "messaging"
urlpatterns = [
    path("incidents/INC-<id:number>/messages/new/", views.new, name="new"),
    path("messages/<id:message_id>/", views.compose, name="compose"),
    path("messages/<id:message_id>/autosave/", views.autosave, name="autosave"),
    path("messages/<id:message_id>/panel/", views.panel, name="panel"),
    path("messages/<id:message_id>/status/", views.status, name="status"),
    path("messages/<id:message_id>/request-approval/", views.request_approval, name="request_approval"),
    path("messages/<id:message_id>/reopen/", views.reopen, name="reopen"),
    path("account/devices/", views.devices, name="devices"),
    path("approve/<str:token>/", views.approve_link, name="approve_link"),
    path("approvals/<id:request_id>/", views.approve, name="approve"),
]
