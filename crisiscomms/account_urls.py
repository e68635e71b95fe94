"""Sign-in addresses: the few of allauth that this product uses. Sign-up is closed; people are added by name."""

from allauth.account import views
from django.urls import path, re_path

from crisiscomms import self_views
from crisiscomms.api import token_pages

urlpatterns = [
    path("me/", self_views.me, name="account_me"),
    path("tokens/", token_pages.token_list, name="account_tokens"),
    path("tokens/<id:token_id>/revoke/", token_pages.token_revoke, name="account_token_revoke"),
    path("invitation/<str:token>/", self_views.invitation, name="account_invitation"),
    path("login/", self_views.sign_in, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]
