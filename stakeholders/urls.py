from django.urls import path

from stakeholders import views

app_name = "stakeholders"

urlpatterns = [
    path("contacts/", views.contact_list, name="contacts"),
    path("contacts/export.csv", views.contact_export, name="export"),
    path("contacts/accounts/", views.account_list, name="accounts"),
    path("contacts/accounts/<id:account_id>/", views.account_detail, name="account"),
    path("contacts/people/<id:contact_id>/allow/", views.contact_allow, name="allow"),
    path("contacts/import/", views.import_upload, name="upload"),
    path("contacts/import/<id:run_id>/", views.import_detail, name="import"),
    path("contacts/import/<id:run_id>/columns/", views.import_columns, name="columns"),
    path("contacts/import/<id:run_id>/apply/", views.import_apply, name="apply"),
    path("contacts/import/<id:run_id>/cancel/", views.import_cancel, name="cancel"),
]
