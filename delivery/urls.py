from django.urls import path

from delivery import views

app_name = "delivery"
urlpatterns = [
    path("messages/<id:message_id>/send/", views.send_plan, name="send_plan"),
    path("messages/<id:message_id>/send/progress/", views.progress, name="progress"),
    path("messages/<id:message_id>/send/order/", views.order, name="order"),
    path("messages/<id:message_id>/send/take-back/", views.take_back, name="take_back"),
    path("dispatches/<id:dispatch_id>/stop/", views.stop, name="stop"),
    path("dispatches/<id:dispatch_id>/open-early/", views.open_early, name="open_early"),
    path("dispatches/<id:dispatch_id>/resume/", views.resume, name="resume"),
    path("dispatches/<id:dispatch_id>/retry/", views.retry, name="retry"),
    path("dispatches/<id:dispatch_id>/settle/", views.settle, name="settle"),
    path("dispatches/<id:dispatch_id>/recipients.csv", views.recipients_csv, name="recipients_csv"),
    path("u/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
