"""Settings: typed values from the environment or `.env`; `.env.example` explains each.

A missing or malformed value stops the start with a message that names all of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _
from environs import FileAwareEnv, validate

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = FileAwareEnv(eager=False)
env.read_env(BASE_DIR / ".env", recurse=False)

DJANGO_ENV = env.str(
    "DJANGO_ENV", "development", validate=validate.OneOf(["development", "production"])
)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'pipedesk.sqlite3'}")
ALLOW_SQLITE_IN_PRODUCTION = env.bool("ALLOW_SQLITE_IN_PRODUCTION", False)
Q_BROKER = env.str("Q_BROKER", "orm", validate=validate.Regexp(r"^(orm|rediss?://.+)$"))
SUPABASE_JWT_SECRET = env.str("SUPABASE_JWT_SECRET", "")
SUPABASE_JWKS_URL = env.str("SUPABASE_JWKS_URL", "")
SUPABASE_JWT_ISSUER = env.str("SUPABASE_JWT_ISSUER", "")
SUPABASE_JWT_AUDIENCE = env.str("SUPABASE_JWT_AUDIENCE", "authenticated")
GOOGLE_SERVICE_ACCOUNT_JSON = env.str("GOOGLE_SERVICE_ACCOUNT_JSON", "")
GOOGLE_IMPERSONATE_EMAIL = env.str("GOOGLE_IMPERSONATE_EMAIL", "")
INTERNAL_DOMAINS: list[str] = env.list("INTERNAL_DOMAINS", [])
GOOGLE_API_ROOT_URL = env.str("GOOGLE_API_ROOT_URL", "https://www.googleapis.com/")
DRIVE_ROOT_FOLDER_ID = env.str("DRIVE_ROOT_FOLDER_ID", "")
DRIVE_SHARED_DRIVE_ID = env.str("DRIVE_SHARED_DRIVE_ID", "")
WEBHOOK_BASE_URL = env.str("WEBHOOK_BASE_URL", "")
CALENDAR_EVENT_RETENTION_DAYS = env.int(
    "CALENDAR_EVENT_RETENTION_DAYS", 180, validate=validate.Range(min=0)
)
# None where it is malformed, which ends the start below.
SYNC_POLL_INTERVAL_S = max(60, env.int("SYNC_POLL_INTERVAL_S", 600) or 0)
CORS_ALLOWED_ORIGINS = env.list(
    "CORS_ORIGINS", ["http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:5173"]
)
CORS_ORIGIN_REGEX = env.str("CORS_ORIGIN_REGEX", "")
DRIVE_MAX_UPLOAD_MB = env.int("DRIVE_MAX_UPLOAD_MB", 100, validate=validate.Range(min=1))
DRIVE_BLOCKED_TYPES = frozenset(
    kind.strip().lower().removeprefix(".")
    for kind in env.list(
        "DRIVE_BLOCKED_TYPES",
        ["exe", "msi", "bat", "cmd", "com", "scr", "ps1", "vbs", "js", "jar", "sh"],
    )
)
DRIVE_APPLY_MAX_FAILURES = env.int(
    "DRIVE_APPLY_MAX_FAILURES", 20, validate=validate.Range(min=1, max=1_000_000)
)
DRIVE_ALLOW_LINK_SHARING = env.bool("DRIVE_ALLOW_LINK_SHARING", False)
FIELD_ENCRYPTION_KEYS: list[str] = env.list("FIELD_ENCRYPTION_KEYS", [])
AUDIT_SEAL_KEY = env.str("AUDIT_SEAL_KEY", "")
_rate = validate.Regexp(
    r"[1-9]\d{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)\Z",
    error="Not a rate; write one such as 60/min.",
)
API_THROTTLE_USER = env.str("API_THROTTLE_USER", "1200/min", validate=_rate)
API_THROTTLE_ANON = env.str("API_THROTTLE_ANON", "60/min", validate=_rate)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10))
CACHE_URL = env.str(
    "CACHE_URL",
    f"file://{VAR_DIR / 'cache'}",
    validate=validate.Regexp(r"(file:///.|rediss?://.|locmem://)"),
)
METRICS_TOKEN = env.str(
    "METRICS_TOKEN", "", validate=validate.Regexp(r"^(|.{20,})$", error="At least 20 characters.")
)
LOG_FORMAT = env.str(
    "LOG_FORMAT",
    "json" if DJANGO_ENV == "production" else "console",
    validate=validate.OneOf(["console", "json"]),
)
LOG_LEVEL = env.str(
    "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
)
SENTRY_DSN = env.str("SENTRY_DSN", "")
DEMO_PASSWORD = env.str("DEMO_PASSWORD", "")
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL",
        f"sqlite:///{VAR_DIR / 'pipedesk.sqlite3'}",
        conn_max_age=600,
        conn_health_checks=True,
    )
}
CACHES = {
    "default": env.dj_cache_url("CACHE_URL", f"file://{VAR_DIR / 'cache'}"),
    # A cluster's notes to its own processes; the default keeps whole numbers only.
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
env.seal()

PRODUCTION = DJANGO_ENV == "production"
DEBUG = False

if not SECRET_KEY:
    msg = "SECRET_KEY is missing: `make run` writes one to .env, or see .env.example."
    raise ImproperlyConfigured(msg)

# --- Database ------------------------------------------------------------------------------
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # Writers wait for each other instead of failing with "database is locked".
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"
        ),
    }
else:
    _database["OPTIONS"] = {
        # A server that went silent (a failover, a cut cable) is noticed within half a minute:
        # nobody else would end the processes that only wait for it.
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        **_database.get("OPTIONS", {}),
        # No JIT: walks through trees look expensive beforehand, and are done before it has
        # compiled.
        "options": (
            "-c jit=off -c lock_timeout=5s -c statement_timeout=30s"
            " -c idle_in_transaction_session_timeout=30s"
        ),
    }

# --- Cache: what all web processes share (throttles) ---------------------------------------
_cache = CACHES["default"]
if CACHE_URL.startswith("file:"):
    _cache["BACKEND"] = "pipedesk.core.counters.FileCounters"
elif CACHE_URL.startswith("redis"):
    # A cache that hangs must not hold a request.
    _cache.setdefault("OPTIONS", {}).update(socket_connect_timeout=1, socket_timeout=1)
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# --- Applications --------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "axes",
    "corsheaders",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_standardized_errors",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
    "pipedesk.core",
    "pipedesk.accounts",
    "pipedesk.audit",
    "crm",
    "gdrive",
    "gcalendar",
    "webhooks",
    "pipedesk.demo",
    *([] if PRODUCTION else ["pipedesk.sandbox"]),
]
MIDDLEWARE = [
    "webhooks.views.receiver_first",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "pipedesk.audit.recording.remember_request",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pipedesk.core.middleware.ContentSecurityPolicyMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "pipedesk.urls"
WSGI_APPLICATION = "pipedesk.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Ahead of the packages' own: our dashboard and confirmations.
        "DIRS": [BASE_DIR / "pipedesk" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Development serves straight from the packages; `collectstatic` is for production.
WHITENOISE_USE_FINDERS = not PRODUCTION
if not PRODUCTION:
    STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_AUTOREFRESH = False

# --- People --------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "pipedesk.accounts.addresses.client_address"
AXES_USERNAME_CALLABLE = "pipedesk.accounts.login.login_name"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
LOCALE_PATHS = [BASE_DIR / "pipedesk" / "locale"]
TIME_ZONE = "America/Sao_Paulo"
USE_TZ = True

# --- Admin ---------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "PipeDesk",
    "SITE_HEADER": "PipeDesk",
    "SITE_SUBHEADER": _("Leads, folders, meetings"),
    "SITE_URL": None,
    "SITE_ICON": lambda _request: static("pipedesk/logo.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("pipedesk/logo.svg"),
        }
    ],
    "STYLES": [lambda _request: static("pipedesk/admin.css")],
    "BORDER_RADIUS": "6px",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(70.4% .14 182.503)",
            "600": "oklch(51.1% .096 186.391)",
            "700": "oklch(43.7% .078 188.216)",
            "800": "oklch(38.6% .063 188.416)",
            "900": "oklch(33% .052 190)",
            "950": "oklch(27.7% .046 192.524)",
        },
    },
    "DASHBOARD_CALLBACK": "pipedesk.core.dashboard.overview",
    "SIDEBAR": {"navigation": "pipedesk.core.menu.sidebar"},
}

# --- API -----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "pipedesk.accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["pipedesk.core.permissions.RolePermission"],
    "DEFAULT_PARSER_CLASSES": ["pipedesk.core.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": None,  # pipedesk.core.pagination, called by the views
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_SCHEMA_CLASS": "pipedesk.core.schema.ContractSchema",
    "EXCEPTION_HANDLER": "pipedesk.core.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_METADATA_CLASS": None,
    # `?format=` is an unknown parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PipeDesk",
    "DESCRIPTION": "CRM, Google Drive folders and Google Calendar mirror of a sales team.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # All operations and shapes at once take a browser many seconds: one opens what one looks for.
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "docExpansion": "none",
        "filter": True,
        "defaultModelsExpandDepth": 0,
    },
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    # Enumerations stay where they are: names made up for shared ones would move with each change.
    "POSTPROCESSING_HOOKS": ["pipedesk.core.schema.finish"],
}
# The whole origin must match, not only how it begins.
CORS_ALLOWED_ORIGIN_REGEXES = [rf"(?:{CORS_ORIGIN_REGEX})\Z"] if CORS_ORIGIN_REGEX else []
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-match", "if-none-match"]
CORS_EXPOSE_HEADERS = ["ETag", "Location", "Retry-After", "Idempotency-Replayed"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# --- Security ------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
# The admin's theme (Alpine.js, inline styles) needs more, on /admin/ only (core.middleware).
ADMIN_CONTENT_SECURITY_POLICY = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
# Unique by its lower case (uq_users_email), which the check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]  # asked from inside, without TLS
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

# --- Queue: docs/operations.md says why each number -----------------------------------------
WORKERS = 2
TIMEOUT = 60
# A worker asks Redis for a message and waits a second for it; nobody waits for long.
PATIENCE_WITH_REDIS = "socket_connect_timeout=2&socket_timeout=10"
Q_CLUSTER = {
    "name": "pipedesk",
    "workers": WORKERS,
    "bulk": 2,
    "queue_limit": 4,
    "timeout": TIMEOUT,
    "retry": 300,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "save_limit": 0,
    "guard_cycle": 0.5,
    "poll": 0.2,
    "recycle": 200,
    "max_rss": 300_000,
    "scheduler": True,
    "log_level": LOG_LEVEL,
    "label": "Queue",
    "cache": "queue",
    **(
        {"orm": "default"}
        if Q_BROKER == "orm"
        else {"redis": f"{Q_BROKER}{'&' if '?' in Q_BROKER else '?'}{PATIENCE_WITH_REDIS}"}
    ),
}
# What runs when: name -> (job, minutes between). Written to the database after each
# migrate (pipedesk.core.schedules); never by hand.
SCHEDULES: dict[str, tuple[str, int]] = {
    "rewake what was lost": ("pipedesk.core.tasks.sweep", 1),
    "queue heartbeat": ("pipedesk.core.tasks.beat", 1),
    "announce what database clients wrote": ("crm.tasks.announce", 1),
    "recalculate priorities": ("crm.tasks.recalculate_priorities", 60),
    "recalculate every priority": ("crm.tasks.recalculate_all_priorities", 1440),
    "poll calendars": ("gcalendar.tasks.poll_calendars", 1),
    "close creations of meetings": ("gcalendar.tasks.close_creations", 10),
    "unroll series further": ("gcalendar.tasks.extend_occurrences", 1440),
    "archive old meetings": ("gcalendar.tasks.archive_events", 1440),
    "statistics whose time has come": ("crm.tasks.refresh_due_statistics", 5),
    "poll drives": ("gdrive.tasks.poll_drives", 1),
    "renew channels": ("webhooks.tasks.renew_channels", 5),
    "seal the history": ("pipedesk.audit.tasks.seal", 5),
    "log the head of the history": ("pipedesk.audit.tasks.log_anchor", 24 * 60),
    "prune logs": ("pipedesk.core.tasks.prune_logs", 24 * 60),
}

# --- Logs ----------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"redacted": {"()": "pipedesk.core.logs.formatter", "kind": LOG_FORMAT}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "redacted"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # Django's own handlers would write the same lines unredacted.
    "loggers": {
        name: {"handlers": [], "level": "NOTSET", "propagate": True}
        for name in ("django", "django.server")
    },
}

TESTING = "pytest" in sys.modules
