from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.decorators.http import require_safe

from statuspage import views
from statuspage.feeds import History

app_name = "statuspage"
urlpatterns = [
    path("status/", views.home, name="home"),
    path("status/history.atom", login_not_required(require_safe(History())), name="history"),
    path("status/history/", views.past, name="past"),
    path("status/incidents/INC-<id:number>/", views.incident, name="incident"),
]
