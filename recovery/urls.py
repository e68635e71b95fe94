from django.urls import path

from recovery import views

app_name = "recovery"
urlpatterns = [
    path("recovery/", views.overview, name="overview"),
    path("incidents/INC-<id:number>/recovery/", views.board, name="board"),
    path("incidents/INC-<id:number>/recovery/<id:task_id>/complete/", views.complete, name="complete"),
    path("incidents/INC-<id:number>/recovery/<id:task_id>/waive/", views.waive, name="waive"),
    path("incidents/INC-<id:number>/recovery/<id:task_id>/owner/", views.hand_over, name="hand_over"),
]
