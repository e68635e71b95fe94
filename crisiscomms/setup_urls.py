from django.urls import path

from crisiscomms import policy_views
from crisiscomms import setup_list_views as lists
from crisiscomms import setup_views as views
from crisiscomms.signin import views as signin

urlpatterns = [
    path("", views.checklist_page, name="setup"),
    path("try/<slug:key>/", views.try_step, name="setup_try"),
    path("mails/retry/", views.retry_mails, name="setup_retry_mails"),
    path("chat/retry/", views.retry_lines, name="setup_retry_lines"),
    path("organisation/", views.organisation, name="setup_organisation"),
    path("people/", lists.people, name="setup_people"),
    path("people/list.csv", lists.people_csv, name="setup_people_csv"),
    path("people/<id:person_id>/", views.person, name="setup_person"),
    path("people/<id:person_id>/invite/", views.invite, name="setup_invite"),
    path("policies/", policy_views.policies, name="setup_policies"),
    path("policies/<slug:key>/", policy_views.fields_page, name="setup_policy"),
    path("policies/<slug:key>/text/", policy_views.text_page, name="setup_policy_text"),
    path("policies/<slug:key>/<id:version>/", policy_views.policy_version, name="setup_policy_version"),
    path("integrations/", views.integrations, name="setup_integrations"),
    path("integrations/<slug:kind>/", views.integration, name="setup_integration"),
    path("changes/", views.changes_list, name="setup_changes"),
    path("changes/<id:change_id>/", views.change, name="setup_change"),
    path("record/", lists.record, name="setup_record"),
    path("record/list.csv", lists.record_csv, name="setup_record_csv"),
    path("people/<id:person_id>/second-factor/", signin.take_away_factors, name="setup_take_away_factors"),
    path("sign-in/", signin.rules_page, name="setup_sign_in"),
]
