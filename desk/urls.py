from django.urls import path

from desk import drawing_views, search_views, views

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
    path("incidents/INC-<id:number>/timeline/table/", drawing_views.timeline_table, name="timeline_table"),
    path("incidents/INC-<id:number>/timeline.png", drawing_views.timeline_png, name="timeline_png"),
    path("incidents/INC-<id:number>/diagram.png", drawing_views.diagram_png, name="diagram_png"),
    path("incidents/INC-<id:number>/drawings/", drawing_views.copy_page, name="drawings"),
    path("incidents/INC-<id:number>/drawings/live/", drawing_views.drawings_live, name="drawings_live"),
]
