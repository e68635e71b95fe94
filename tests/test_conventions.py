"""Rules that hold for code not yet written."""

import ast
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from crisiscomms import celery as schedule
from crisiscomms import notices
from incidents import deadlines
from tests.routes import arguments_of, names, routes
from tests.visits import FIXED

ROOT = Path(__file__).resolve().parent.parent
HOUSES = (
    "crisiscomms",
    "incidents",
    "stakeholders",
    "messaging",
    "delivery",
    "recovery",
    "desk",
    "portal",
    "statuspage",
)
# Strangers may open these; everything else sends them to sign-in.
OPEN = {
    *("healthz", "readyz", "metrics", "welcome"),
    *("account_login", "account_logout", "account_signup", "account_inactive"),
    *("oidc_start", "openid_connect_callback"),
    *("account_reset_password", "account_reset_password_done"),
    *("account_reset_password_from_key", "account_reset_password_from_key_done"),
    "incidents:hook",
    # Its address is the secret; a calendar program cannot sign in.
    "incidents:calendar_feed",
    *("messaging:approve_link", "delivery:unsubscribe", "account_invitation"),
    *("brand_style", "brand_logo"),
    *("statuspage:home", "statuspage:history", "statuspage:past", "statuspage:incident"),
    *("inbox", "inbox_mail", "inbox_mail_html"),
    # Programs get 401 instead of a way to sign in (tests/api).
    *(name for name in names() if name.startswith("api:") and name != "api:docs"),
}
# Where a moment may begin: once per request, task, command or turn of a long loop; from there it is passed down.
MOMENTS_BEGIN = {
    *("crisiscomms/middleware.py", "crisiscomms/tasks.py", "incidents/tasks.py"),
    *("delivery/tasks.py", "delivery/sender.py", "stakeholders/tasks.py", "stakeholders/imports/running.py"),
    "crisiscomms/signin/sessions.py",  # commands sign in without a request of the site's
    "crisiscomms/accounts.py",  # allauth calls it without a request
    # Readiness and figures are asked without one, so that they answer while the database is down.
    *("crisiscomms/health.py", "crisiscomms/figures.py"),
}
# What tells the machine's own time: the supervisor of processes, pages that are drawn without a request, and
# readiness while the database is down.
MACHINE_TIME = {"crisiscomms/templatetags/kit.py", "crisiscomms/clock.py", "crisiscomms/health.py"}
FILE_LINES, FUNCTION_LINES = 450, 45


@cache
def sources() -> dict[str, ast.Module]:
    files = (path for house in HOUSES for path in (ROOT / house).rglob("*.py") if "migrations" not in path.parts)
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt", ".svg", ".xml"))


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in HOUSES]


# Database


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def state_fields() -> Iterator[tuple[type[models.Model], Any]]:
    """Every `state` or `phase` that moves: with MOVES, or with a default, which is where it begins."""
    for model in our_models():
        for field in model._meta.fields:
            if field.name == "state" or (field.name == "phase" and field.has_default()):
                yield model, field


@pytest.mark.parametrize(("model", "field"), [pytest.param(m, f, id=m.__name__) for m, f in state_fields()])
def test_a_model_with_a_state_says_every_move(model, field):
    values = {value for value, _ in field.choices}
    if not field.has_default():
        # Written anew with each change (component states): a row of history does not move.
        assert not hasattr(model, "MOVES")
        return

    assert {str(state) for state in model.MOVES} == values
    assert {str(to) for moves in model.MOVES.values() for to in moves} <= values
    assert all(state not in moves for state, moves in model.MOVES.items())
    assert {str(to) for moves in model.MOVES.values() for to in moves} | {str(field.default)} >= values - UNREACHED


# Where something only begins; never moved into.
UNREACHED = {"skipped", "unmailed", "digest", "pre_crisis"}


def test_constraints_are_sentences_and_once():
    constraints = [one.name for model in our_models() for one in model._meta.constraints]
    indexes = [one.name for model in our_models() for one in model._meta.indexes]
    triggers = [one.name for model in our_models() for one in getattr(model._meta, "triggers", [])]

    assert [name for name in constraints + triggers if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}", name)] == []
    assert len(set(constraints + indexes)) == len(constraints + indexes)


# Tasks and clocks


def our_tasks() -> set[str]:
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if not name.startswith("celery.")}


def test_every_task_has_a_route_and_every_route_a_task():
    assert set(schedule.app.conf.task_routes) == our_tasks()


def test_every_scheduled_task_exists_and_expires_before_it_piles_up():
    entries = schedule.app.conf.beat_schedule.values()

    assert {entry["task"] for entry in entries} <= our_tasks()
    assert all(entry["options"]["expires"] >= entry["schedule"] for entry in entries)


def test_every_queue_is_declared_and_used():
    declared = {queue.name for queue in schedule.app.conf.task_queues}
    used = {route["queue"] for route in schedule.app.conf.task_routes.values()}

    assert used == declared
    assert schedule.app.conf.task_default_queue in declared


def words_of(call: str, keyword: str) -> set[str]:
    """The literal `keyword=` of every call of a function with this name, in all sources."""
    found = set()
    for node in (node for tree in sources().values() for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == call:
            found |= {k.value.value for k in node.keywords if k.arg == keyword and isinstance(k.value, ast.Constant)}
    return found


def test_every_kind_of_notice_that_is_told_has_words_and_none_is_idle():
    assert words_of("tell", "kind") | words_of("_tell", "kind") == notices.kinds()


def test_every_kind_of_deadline_that_is_planned_leads_somewhere():
    assert words_of("plan", "kind") <= deadlines.registered()
    found = [deadlines.kinds.of(key) for key in deadlines.registered()]
    assert all(kind.label and kind.action and callable(kind.path) for kind in found)


# Addresses


def address_of(name: str, pattern: Any) -> str:
    wanted = arguments_of(pattern)
    numbers = {key: 1 if key in ("number", "pk", "version") or key.endswith("_id") else "x" for key in wanted}
    return reverse(name, kwargs=numbers | FIXED.get(name, {}))


@pytest.mark.django_db
def test_a_stranger_is_sent_to_sign_in_from_every_address_that_is_not_open():
    stranger = Client()

    answers = {name: stranger.get(address_of(name, pattern)) for name, pattern in routes() if name not in OPEN}

    wrong = {
        name: a.status_code
        for name, a in answers.items()
        if not a.headers.get("Location", "").startswith("/account/login/")
    }
    assert wrong == {}


@pytest.mark.django_db
def test_what_is_open_answers_a_stranger_without_sign_in(policies):
    for name, pattern in routes():
        if name in OPEN - {"welcome", "account_logout", "account_reset_password_from_key"}:
            answer = Client().get(address_of(name, pattern))
            assert "/account/login/" not in answer.headers.get("Location", ""), name


def test_every_address_has_a_name_once():
    assert "" not in names()
    assert len(set(names())) == len(names())


def test_the_local_inbox_is_there_only_when_configured(settings):
    assert ("inbox" in names()) == bool(settings.LOCAL_INBOX_DIR)


# Sources


def clock_calls(tree: ast.Module) -> Iterator[str]:
    """`timezone.now`, `datetime.now`, `date.today`, `time.time` …: dotted names that tell the time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module in ("django.utils.timezone", "time", "crisiscomms.clock"):
            yield from (f"{node.module.rsplit('.', 1)[-1]}.{alias.name}" for alias in node.names)


TELLS_TIME = re.compile(r"(timezone|datetime|dt)\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime)")


def test_nothing_asks_the_machine_what_time_it_is():
    wrong = {
        (file, name)
        for file, tree in sources().items()
        for name in clock_calls(tree)
        if TELLS_TIME.fullmatch(name) and file not in MACHINE_TIME and "/embedded/" not in file
    }

    assert wrong == set()


def test_a_moment_begins_only_at_the_edge_and_is_passed_down():
    asking = {file for file, tree in sources().items() if "clock.now" in set(clock_calls(tree))}

    assert {file for file in asking if "/management/commands/" not in file} <= MOMENTS_BEGIN


def database_clock(node: ast.AST) -> bool:
    """A plain value as `db_default` lets the release before go on writing; anything else is computed there."""
    if not isinstance(node, ast.keyword):
        return False
    is_computed = node.arg == "db_default" and not isinstance(node.value, ast.Constant)
    return node.arg in ("auto_now", "auto_now_add") or is_computed


def test_no_column_and_no_trigger_asks_for_the_time():
    columns = {file for file, tree in sources().items() if any(map(database_clock, ast.walk(tree)))}
    triggers = [
        t.name for m in our_models() for t in getattr(m._meta, "triggers", []) if "now()" in str(t.func).lower()
    ]

    assert (columns, triggers) == (set(), [])


def test_source_files_and_functions_stay_short():
    files = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in sources()}
    functions = {
        f"{file}:{node.name}": node.end_lineno - first_line(node) + 1
        for file, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {file: lines for file, lines in files.items() if lines > FILE_LINES} == {}
    assert {name: lines for name, lines in functions.items() if lines > FUNCTION_LINES} == {}


def first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Of the body: a long list of named arguments is no long function."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1
    return (function.body[1] if is_docstring else first).lineno


def actions_of_people() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file, tree in sources().items():
        if "actions" in (*Path(file).parts, Path(file).stem):
            yield from ((file, node) for node in tree.body if isinstance(node, ast.FunctionDef))


def root_of(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


RIGHTS = re.compile(r"(access|abilities|decisions)\.(require|settle)\w*")
# Besides what is called a lock: what opens it under one, and what makes it.
LOCKS = re.compile(r"lock|\b_open_incident$|\b_open$|\b_turn$|\bopen_incident$")


def asked_unlocked(function: ast.FunctionDef) -> Iterator[str]:
    """What rights are asked about here that this act was given, or read, without locking it first."""
    rows = {model.__name__ for model in our_models()} - {"User"}
    given = {
        one.arg
        for one in [*function.args.args, *function.args.kwonlyargs]
        if one.annotation and ast.unparse(one.annotation).removesuffix(" | None") in rows
    }
    for node in sorted(ast.walk(function), key=lambda one: getattr(one, "lineno", 0)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value.func
            names = {one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            # What was read by other means is as good as given.
            given = given - names if LOCKS.search(ast.unparse(call)) else given | names
        if isinstance(node, ast.Call) and RIGHTS.fullmatch(ast.unparse(node.func)):
            yield from {root_of(one) for one in node.args} & given


def test_an_act_locks_what_it_asks_rights_about():
    """A page asks about its incident once and remembers the answer (access.sees): an act that trusts it may be late."""
    wrong = {
        (file, function.name, name)
        for file, function in actions_of_people()
        if not function.name.startswith("_") and any("atomic" in ast.unparse(one) for one in function.decorator_list)
        for name in asked_unlocked(function)
    }

    assert wrong == set()


LOCKING = re.compile(r"select_for_update|audit\.hold|\b_?lock\w*\(")


def test_what_is_called_a_lock_locks():
    called = re.compile(r"(^|_)lock(s|_|$)|^_open_incident$")
    locks = {(file, one.name): one.body for file, one in actions_of_people() if called.search(one.name)}

    assert len(locks) > 10
    assert [key for key, body in locks.items() if not LOCKING.search("\n".join(map(ast.unparse, body)))] == []


def test_no_file_is_named_after_nothing():
    vague = {"utils", "helpers", "common", "manager", "handler", "misc"}

    assert {file for file in sources() if Path(file).stem in vague} == set()


@pytest.mark.slow
def test_imports_go_down_the_street_only():
    found = run("-c", "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))")

    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_x9_production_settings_pass_the_deployment_check():
    found = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", env=production())

    assert found.returncode == 0, found.stderr
    assert "no issues (0 silenced)" in found.stdout


@pytest.mark.slow
def test_x9_production_cookies_are_bound_to_this_host_and_to_https():
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    words = f"from django.conf import settings as s; print(*[getattr(s, n) for n in {names!r}])"
    device = "from messaging.views.approving import COOKIE; print(COOKIE)"

    found = run("-c", f"import django; django.setup(); {words}; {device}", env=production())

    assert found.stdout.split() == ["__Host-sessionid", "__Host-csrftoken", "True", "True", "__Host-cc-device"], (
        found.stderr
    )


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)


def production() -> dict[str, str]:
    """As script/check has it: names nothing real, and nothing local is left."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LOCAL_") and name != "DJANGO_ALLOW_ASYNC_UNSAFE"
    }
    return env | {
        "DJANGO_SETTINGS_MODULE": "crisiscomms.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "RECORD_SIGNING_KEY": secrets.token_urlsafe(48),
        "EMAIL_URL": "submission://user:password@mail.example:587",
        "BASE_URL": "https://crisis.example",
        "ALLOWED_HOSTS": "crisis.example",
        "DEFAULT_FROM_EMAIL": "updates@crisis.example",
        "TRUSTED_PROXIES": "1",
    }


# Templates

INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_compiles_and_brings_no_inline_script_or_style(path):
    get_template(str(path.relative_to(ROOT / "templates")))

    assert INLINE.findall(path.read_text(encoding="utf-8")) == []


def drawings() -> set[str]:
    return set(
        re.findall(r'<symbol[^>]*\bid="([ig]-[^"]+)"', (ROOT / "crisiscomms/static/crisiscomms/icons.svg").read_text())
    )


def test_every_icon_and_glyph_that_is_named_is_drawn():
    named = set()
    for path in templates():
        text = path.read_text(encoding="utf-8")
        named |= {f"i-{name}" for name in re.findall(r'\{% icon "([^"]+)"', text)}
        named |= {
            f"g-{name}" for name in re.findall(r'\{% glyph "([^"]+)"|\bglyph="([^"]+)"', text) for name in name if name
        }
    from desk.queries import DISPATCH_LOOKS, MESSAGE_LOOKS
    from incidents.models import ComponentState

    named |= {f"g-{look[0]}" for look in (*DISPATCH_LOOKS.values(), *MESSAGE_LOOKS.values())}
    named |= {f"g-{state}" for state in ComponentState.State.values if state not in ("outage", "maintenance")}

    assert named - drawings() == set()
    assert len(drawings()) > 40


def test_every_icon_of_the_navigation_is_drawn():
    entries = {
        f"i-{node.elts[2].value}"
        for node in ast.walk(sources()["desk/frame.py"])
        if isinstance(node, ast.Tuple) and len(node.elts) == 4 and isinstance(node.elts[2], ast.Constant)
    }

    assert entries
    assert entries <= drawings()


def with_bases(path: Path) -> list[str]:
    """The text of a template and of all that it extends."""
    text = path.read_text(encoding="utf-8")
    base = re.search(r'{% extends "([^"]+)" %}', text)
    return [text, *(with_bases(ROOT / "templates" / base[1]) if base else [])]


LAYOUTS = {
    *("base.html", "solo.html", "public.html", "allauth/layouts/base.html", "crisiscomms/error.html"),
    "crisiscomms/setup_base.html",
}
PAGES = [p for p in templates() if len(with_bases(p)) > 1 and str(p.relative_to(ROOT / "templates")) not in LAYOUTS]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_page_has_a_heading(path):
    assert "<h1" in "".join(with_bases(path))
