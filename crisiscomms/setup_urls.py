from django.urls import path

from crisiscomms import views

urlpatterns = [
    path("", views.setup, name="setup"),
    path("people/", views.people, name="setup_people"),
    path("people/<id:person_id>/", views.person, name="setup_person"),
]
