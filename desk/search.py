"""What can be found by name in the product itself: its people, its pages, and what this person may do."""

from collections.abc import Iterator

from django.urls import reverse

from crisiscomms.models import Role, User
from crisiscomms.search import HITS, Asked, Group, Hit, Source, holding, register
from desk.frame import entries
from incidents.access import may
from incidents.models import Incident
from incidents.models.incident import WORKSHOP_ROLES
from messaging.models import Message
from stakeholders.access import may_import, may_see

# Title, address, and other words that people would type for it.
SET_UP = [
    ("Organisation", "setup_organisation", "company logo sender"),
    ("People", "setup_people", "users roles invite team"),
    ("Products and parts", "incidents:products", "components"),
    ("Policies", "setup_policies", "rules approval stages deadlines"),
    ("Integrations", "setup_integrations", "connect keys"),
    ("Changes that wait for a second person", "setup_changes", "four eyes"),
    ("Record", "setup_record", "audit log"),
]


def _actions(user: User) -> Iterator[tuple[Hit, str]]:
    """What this person may do from anywhere, and other words for it."""
    if may(user, "declare"):
        yield Hit("Declare incident", "Tell the team and start the clocks", reverse("incidents:declare")), "new create"
    yield from _drafting(user)
    if may_import(user):
        yield Hit("Import contacts", "From your CRM, CSV or XLSX", reverse("stakeholders:upload")), "upload"


def _drafting(user: User) -> Iterator[tuple[Hit, str]]:
    """Only while one incident runs: with two, which one is meant is not ours to guess."""
    live = list(Incident.objects.visible_to(user).live()[:2]) if may(user, "work") else []
    if len(live) != 1:
        return
    incident = live[0]
    draft = Message.objects.filter(incident=incident).unfinished().order_by("-number").first()
    if draft:
        url = reverse("messaging:compose", args=[draft.pk])
        yield Hit(f"Go on with {draft.name.lower()}", f"{incident.ref} {incident.title}", url), "draft update write"
    else:
        url = f"{reverse('desk:room', args=[incident.number])}#act"
        yield Hit("Draft an update", f"{incident.ref} {incident.title}", url), "message write"


def _pages(user: User) -> Iterator[tuple[Hit, str]]:
    yield from ((Hit(label, "", url), "") for label, url, _, shown in entries(user) if shown)
    if may_see(user):
        yield Hit("Accounts", "", reverse("stakeholders:accounts")), "customers companies"
    if user.has_role(Role.ADMINISTRATOR):
        yield from ((Hit(title, "Set-up", reverse(name)), words) for title, name, words in SET_UP)
    yield Hit("Your own settings", "", reverse("account_me")), "profile time zone away deputy"


def _go_to(asked: Asked) -> list[Hit]:
    known = [*_actions(asked.by), *_pages(asked.by)]
    found = [hit for hit, words in known if asked.match(hit.title, words)]
    # “con” means Contacts before it means Import contacts.
    return sorted(found, key=lambda hit: not hit.title.lower().startswith(asked.words[0]))


def first_offers(user: User) -> list[Group]:
    """What the palette shows before anything is typed."""
    actions = Group("do", "Do", [hit for hit, _ in _actions(user)])
    pages = Group("go", "Go to", [hit for hit, _ in _pages(user)][:HITS])
    return [group for group in (actions, pages) if group.hits]


def _people(asked: Asked) -> list[Hit]:
    """Colleagues, for the workshop: to their page for who may change it, else to write to them."""
    if not asked.by.has_role(*WORKSHOP_ROLES):
        return []
    found = holding(asked, User.objects.active(), "name", "title", "email").order_by("name", "pk")[:HITS]
    return [_person(one, is_administrator=asked.by.has_role(Role.ADMINISTRATOR)) for one in found]


def _person(one: User, *, is_administrator: bool) -> Hit:
    if is_administrator:
        return Hit(one.name, one.role_label, reverse("setup_person", args=[one.pk]))
    return Hit(one.name, f"{one.role_label}, {one.email}", f"mailto:{one.email}", "opens a mail")


register(Source(5, "go", "Do and go to", _go_to))
register(Source(60, "people", "People", _people))
