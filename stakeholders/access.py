"""Who may see contacts, and who may bring them in. Hidden and missing look alike: both are 404."""

from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.shortcuts import get_object_or_404

from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from stakeholders.models import Account, Contact, ImportRun

MAY_IMPORT = (Role.PRODUCT_MARKETING, Role.CUSTOMER_SUCCESS, Role.ADMINISTRATOR)
# Sales has the portal and executives have approvals; both see who was told what there.
MAY_SEE = tuple(role for role in Role if role not in (Role.SALES, Role.EXECUTIVE))


def may_see(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.has_role(*MAY_SEE)


def may_import(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.has_role(*MAY_IMPORT)


def may_erase(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.has_role(Role.ADMINISTRATOR)


def check_may_see(user: User | AnonymousUser) -> User:
    if not isinstance(user, User) or not may_see(user):
        raise Http404
    return user


def check_may_import(user: User | AnonymousUser) -> User:
    if not isinstance(user, User) or not may_import(user):
        raise Http404
    return user


def refuse_unless_may_import(by: User | None) -> None:
    """For actions. `None` is the machine's own operator, at the command line."""
    if by is not None and not may_import(by):
        raise Refused("Only product marketing, customer success and administrators import contacts.")


def get_account(user: User | AnonymousUser, account_id: int) -> Account:
    check_may_see(user)
    return get_object_or_404(Account.objects.select_related("owner"), pk=account_id)


def get_contact(user: User | AnonymousUser, contact_id: int) -> Contact:
    check_may_import(user)
    return get_object_or_404(Contact, pk=contact_id)


def get_contact_to_erase(user: User | AnonymousUser, contact_id: int) -> Contact:
    """Everything about a person is the administrators' business alone."""
    if not may_erase(user):
        raise Http404
    return get_object_or_404(Contact, pk=contact_id)


def get_import(user: User | AnonymousUser, run_id: int) -> ImportRun:
    check_may_import(user)
    return get_object_or_404(ImportRun.objects.select_related("uploaded_by"), pk=run_id)
