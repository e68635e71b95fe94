from django.urls import path

from stakeholders import import_views, personal_views, views

app_name = "stakeholders"

urlpatterns = [
    path("contacts/", views.contact_list, name="contacts"),
    path("contacts/export.csv", views.contact_export, name="export"),
    path("contacts/accounts/", views.account_list, name="accounts"),
    path("contacts/accounts/list.csv", views.account_export, name="accounts_csv"),
    path("contacts/accounts/<id:account_id>/", views.account_detail, name="account"),
    path("contacts/people/<id:contact_id>/allow/", views.contact_allow, name="allow"),
    path("contacts/<id:contact_id>/data/", personal_views.data, name="personal_data"),
    path("contacts/<id:contact_id>/data/person.json", personal_views.data_export, name="data_export"),
    path("contacts/import/", import_views.import_upload, name="upload"),
    path("contacts/import/<id:run_id>/", import_views.import_detail, name="import"),
    path("contacts/import/<id:run_id>/columns/", import_views.import_columns, name="columns"),
    path("contacts/import/<id:run_id>/apply/", import_views.import_apply, name="apply"),
    path("contacts/import/<id:run_id>/live/", import_views.import_live, name="import_live"),
    path("contacts/import/<id:run_id>/rows/", import_views.import_rows, name="rows"),
    path("contacts/import/<id:run_id>/not-taken.csv", import_views.import_rejected, name="rejected_csv"),
    path("contacts/import/<id:run_id>/left.csv", import_views.import_kept, name="kept_csv"),
    path("contacts/import/<id:run_id>/undo/", import_views.import_undo, name="undo"),
    path("contacts/import/<id:run_id>/cancel/", import_views.import_cancel, name="cancel"),
]
