"""Sign-in addresses: the few of allauth that this product uses. Sign-up is closed; people are added by name."""

from collections.abc import Callable
from typing import Any

from allauth.account import views
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path, re_path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crisiscomms import self_views
from crisiscomms.api import token_pages
from crisiscomms.signin import oidc
from crisiscomms.signin import views as own


def page(view: Callable[..., Any]) -> Callable[..., Any]:
    """A page of allauth’s: read and posted, nothing else; secrets on it stay in no cache."""
    return never_cache(require_http_methods(["GET", "HEAD", "POST"])(view))


urlpatterns = [
    path("me/", self_views.me, name="account_me"),
    path("me/told/", self_views.told, name="account_told"),
    path("tokens/", token_pages.token_list, name="account_tokens"),
    path("tokens/<id:token_id>/revoke/", token_pages.token_revoke, name="account_token_revoke"),
    path("invitation/<str:token>/", self_views.invitation, name="account_invitation"),
    path("", own.page, name="mfa_index"),
    path("login/", self_views.sign_in, name="account_login"),
    path("login/passkey/", page(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("login/second-factor/", page(mfa.authenticate), name="mfa_authenticate"),
    path("login/company/", oidc.start, name="oidc_start"),
    path("login/company/answer/", oidc.come_back, name="openid_connect_callback", kwargs={"provider_id": "company"}),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("reauthenticate/second-factor/", page(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("reauthenticate/passkey/", page(own.ProveByPasskey.as_view()), name="mfa_reauthenticate_webauthn"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("second-factor/", own.second_factor, name="account_second_factor"),
    path("authenticator-app/", page(totp.activate_totp), name="mfa_activate_totp"),
    path("authenticator-app/remove/", page(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("passkeys/add/", page(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path("passkeys/<id:pk>/remove/", page(own.RemovePasskey.as_view()), name="mfa_remove_webauthn"),
    path("passkeys/<id:pk>/name/", own.rename_passkey, name="account_rename_passkey"),
    path("recovery-codes/", page(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", page(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("sessions/end/", own.end_session, name="account_end_session"),
    path("password/change/", own.change_password, name="account_change_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]
