from django.urls import path

from desk import search_views, views

app_name = "desk"
urlpatterns = [
    path("", views.home, name="home"),
    path("live/", views.home_live, name="home_live"),
    path("search/", search_views.search_page, name="search"),
    path("search/live/", search_views.search_live, name="search_live"),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/list.csv", views.incidents_csv, name="incidents_csv"),
    path("incidents/INC-<id:number>/", views.room, name="room"),
    path("incidents/INC-<id:number>/live/", views.room_live, name="room_live"),
    path("incidents/INC-<id:number>/timeline/", views.room_timeline, name="room_timeline"),
]
