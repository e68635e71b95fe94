"""Django settings. Everything that differs between places comes from the environment (environment.py)."""

from email.utils import parseaddr
from urllib.parse import urlsplit

import structlog
from csp.constants import NONE, SELF

from crisiscomms import environment, logs

ENV = environment.read()
BASE_DIR = environment.BASE_DIR
LOCAL = ENV.local_mode

SECRET_KEY = ENV.secret_key
SECRET_KEY_FALLBACKS = [key for key in ENV.secret_key_fallbacks.split(",") if key]
RECORD_SIGNING_KEY = ENV.record_signing_key
DEBUG = False
BASE_URL = ENV.base_url.rstrip("/")
ALLOWED_HOSTS = [host.strip() for host in ENV.allowed_hosts.split(",") if host.strip()] or [
    urlsplit(BASE_URL).hostname or "localhost"
]
if LOCAL:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "testserver"]
CSRF_TRUSTED_ORIGINS = [BASE_URL]
TRUSTED_PROXIES = ENV.trusted_proxies
LOCAL_INBOX_DIR = ENV.local_inbox_dir
HEARTBEAT_URL = ENV.heartbeat_url
METRICS_TOKEN = ENV.metrics_token
CHAT_INSIDE_HOSTS = [host.strip().lower() for host in ENV.chat_inside_hosts.split(",") if host.strip()]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "knox",
    "pgtrigger",
    "rest_framework",
    "template_partials",
    "crisiscomms",
    "incidents",
    "stakeholders",
    "messaging",
    "delivery",
    "recovery",
    "desk",
    "portal",
    "statuspage",
]

MIDDLEWARE = [
    "django_structlog.middlewares.RequestMiddleware",
    "crisiscomms.middleware.Traced",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "crisiscomms.api.problems.ProblemsOnly",
    "crisiscomms.middleware.RefuseBadInput",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "crisiscomms.middleware.SlashForReaders",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crisiscomms.middleware.MomentAndZone",
    "crisiscomms.signin.middleware.SecondFactor",
]

ROOT_URLCONF = "crisiscomms.urls"
WSGI_APPLICATION = "crisiscomms.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "desk.frame.context",
            ],
        },
    }
]

DATABASES = {"default": environment.database(ENV.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "crisiscomms.cache.ForgivingRedisCache",
        "LOCATION": ENV.redis_url,
        "OPTIONS": {"socket_timeout": 3, "socket_connect_timeout": 3},
    }
}
SESSION_ENGINE = "crisiscomms.signin.store"
# With the session, so that they need no cookie of their own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

AUTH_USER_MODEL = "crisiscomms.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "crisiscomms.passwords.VariedValidator"},
]
GUARDIAN_ANONYMOUS_USER_NAME = None
ANONYMOUS_USER_NAME = None

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "crisiscomms.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_RATE_LIMITS = {
    # Per address, and per account and address together (accounts.Adapter): what a stranger fails somewhere else
    # never counts against the account itself, so nobody can lock an executive out.
    "login": "30/m/ip",
    "login_failed": "10/m/ip,20/5m/key",
    # The second is per account: it spares a mailbox, and whoever is refused has the links that were sent before.
    "reset_password": "20/m/ip,6/h/key",
}

MFA_ADAPTER = "crisiscomms.signin.factors.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# People are added by administrators; allauth's own idea of a verified address (it notes one at each password link that
# anybody asks for) must not keep somebody from setting up the factor that they need.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# A phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
# Passkeys need https; a newcomer's site on localhost has none.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
MFA_FORMS = {
    "add_webauthn": "crisiscomms.signin.forms.AddPasskey",
    "authenticate_webauthn": "crisiscomms.signin.forms.AnswerWithPasskey",
    "login_webauthn": "crisiscomms.signin.forms.SignInWithPasskey",
    "reauthenticate_webauthn": "crisiscomms.signin.forms.ProveWithPasskey",
}

OIDC = environment.oidc(ENV)
SOCIALACCOUNT_ADAPTER = "crisiscomms.signin.oidc.Adapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_ROOT = environment.storage_directory(ENV.storage_url)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL

# Uploads above 2.5 MB go to a file while they are read; the importer's own limit is 50 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_HANDLERS = ["crisiscomms.uploads.LimitedFileUpload"]
UPLOAD_LIMIT_BYTES = 50 * 1024 * 1024

MAIL_SERVER = environment.mail_server(ENV.email_url)
MAIL_TIMEOUT_SECONDS = 15
EMAIL_BACKEND = "crisiscomms.accounts.RefuseDirectMail"
# The address alone: who it comes from is the organisation's name.
DEFAULT_FROM_EMAIL = parseaddr(ENV.default_from_email)[1]

API_REQUESTS_PER_MINUTE = 600
# Deliveries of one source of signals. A storm of one alert is taken in whole: it costs one row.
SIGNALS_PER_MINUTE = 12_000
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crisiscomms.api.authentication.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["crisiscomms.api.permissions.TokenScope"],
    "DEFAULT_THROTTLE_CLASSES": ["crisiscomms.api.throttling.ByToken"],
    "DEFAULT_PARSER_CLASSES": ["crisiscomms.api.parsing.StrictJson"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "crisiscomms.api.paging.Keyset",
    "DEFAULT_FILTER_BACKENDS": ["crisiscomms.api.filtering.TypedFilters"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "crisiscomms.api.problems.answer",
    "URL_FORMAT_OVERRIDE": None,
}
KNOX_TOKEN_MODEL = "crisiscomms.ApiToken"
# The library's own table is not made: ours stands in for it.
MIGRATION_MODULES = {"knox": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "Crisis Comms",
    "DESCRIPTION": "Incidents, whom they concern, what is said to them and what became of it.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "integer", "minimum": 0, "maximum": 999_999_999}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "crisiscomms.api.schema.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "IncidentKind": "incidents.models.incident.Incident.Kind",
        "Severity": "incidents.models.incident.Incident.Severity",
        "Phase": "incidents.models.incident.Incident.Phase",
        "ComponentCondition": "incidents.models.components.ComponentState.State",
        "Disclosure": "incidents.models.incident.Incident.Disclosure",
        "DecisionKind": "incidents.models.decisions.Decision.Kind",
        "MilestoneKind": "incidents.models.phases.Milestone.Kind",
        "FactConfidence": "incidents.models.facts.Fact.Confidence",
        "DeadlineState": "incidents.models.deadlines.Deadline.State",
        "OutwardKind": "incidents.models.outward.OutwardKind",
        "HaltState": "incidents.models.outward.HaltItem.State",
        "MentionChannel": "incidents.models.monitoring.MentionChannel",
        "Sentiment": "incidents.models.monitoring.Mention.Sentiment",
        "ClaimTruth": "incidents.models.monitoring.CompetitorReaction.Truth",
        "CompetitorResponse": "incidents.models.monitoring.CompetitorReaction.Response",
        "ResponseTaskState": "incidents.models.monitoring.ResponseTask.State",
        "AccountKind": "stakeholders.models.people.Account.Kind",
        "AccountValue": "stakeholders.models.people.Account.Value",
        "MessageKind": "messaging.models.messages.Message.Kind",
        "MessageState": "messaging.models.messages.Message.State",
        "DispatchChannel": "delivery.models.dispatches.Dispatch.Channel",
        "DispatchState": "delivery.models.dispatches.Dispatch.State",
        "Role": "crisiscomms.models.people.Role",
        "TokenScope": "crisiscomms.models.tokens.TokenScope",
    },
}

# Not "no-referrer": browsers then send "Origin: null" with our own forms, and CSRF protection refuses them.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "crisiscomms.views.csrf_failed"
SESSION_COOKIE_AGE = 14 * 24 * 3600
if not LOCAL:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_COMMAND_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# An address in the network is personal data.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            # Last before it becomes text, so that tracebacks are looked through as well.
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                logs.hide,
                structlog.processors.JSONRenderer(default=str),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        }
    },
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["out"], "level": "WARNING"},
    "loggers": {
        "django_structlog": {"handlers": ["out"], "level": "WARNING", "propagate": False},
        "crisiscomms": {"handlers": ["out"], "level": "INFO", "propagate": False},
    },
}
SILENCED_SYSTEM_CHECKS: list[str] = []
