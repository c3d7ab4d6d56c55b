"""Django's settings. What an operator may change comes from shared-config; the rest is decided here."""

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from clinic.common.mysql.connecting import CONNECT_TIMEOUT_SECONDS, tls_options
from clinic.common.mysql.session import init_command
from shared_config import ACCESS_AUDIENCE, VERSION, DjangoSettings, load_settings, use_locked_time_zones

from config import libraries
from config.admin_theme import UNFOLD as UNFOLD
from config.documentation import INTRODUCTION

# ModelAdmin[Row] and the like: typed generics that Django itself does not offer yet.
django_stubs_ext.monkeypatch()

use_locked_time_zones()

BASE_DIR = Path(__file__).resolve().parent.parent
SHARED = load_settings(DjangoSettings)

SECRET_KEY = SHARED.django_secret_key.get_secret_value()
DEBUG = SHARED.django_debug
ALLOWED_HOSTS = SHARED.django_allowed_hosts

INSTALLED_APPS = [
    # Before the admin, whose pages it replaces.
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_standardized_errors",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "clinic.common",
    "clinic.outbox",
    "clinic.accounts",
    "clinic.scheduling",
    "clinic.people",
    "clinic.appointments",
    "clinic.clinic_setup",
    "clinic.waitlist",
    "clinic.messaging",
    "clinic.changefeed",
    "clinic.worker",
    "clinic.health",
    "clinic.ops",
    "clinic.demo",
    "clinic.admin_site",
    "clinic.portal",
]

MIDDLEWARE = [
    "clinic.common.middleware.ForwardedSchemeMiddleware",
    "clinic.common.middleware.RequestLogMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clinic.common.middleware.SafeAnswersMiddleware",
    "clinic.common.middleware.ApiPathMiddleware",
    "clinic.common.middleware.SecureCookiesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "clinic.health.middleware.HangingWritesMiddleware",
    "clinic.common.middleware.HostMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clinic.portal.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# No redirect: a POST must not lose its body. ApiPathMiddleware takes both forms of a path.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "django",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    # Of messages: nothing in them is HTML.
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "plain text",
        "APP_DIRS": True,
        "OPTIONS": {"autoescape": False},
    },
]

DATABASES = {
    "default": {
        "ENGINE": "clinic.common.mysql",
        "HOST": SHARED.db_host,
        "PORT": str(SHARED.db_port),
        "NAME": SHARED.db_name,
        "USER": SHARED.db_user,
        "PASSWORD": SHARED.db_password.get_secret_value(),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "charset": "utf8mb4",
            "collation": "utf8mb4_unicode_520_ci",
            # The claim relies on it: under REPEATABLE READ one SELECT before the lock re-opens the race.
            "isolation_level": "read committed",
            "init_command": init_command(idle_seconds=SHARED.db_idle_transaction_seconds),
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **tls_options(SHARED),
        },
        "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_520_ci"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
# Sessions are the admin's and the pages'; the API takes tokens.
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "admin:index"
# A page's scripts find the CSRF token in its form of signing out.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "clinic.common.error_pages.csrf_refused"
AUTHENTICATION_BACKENDS = ["clinic.accounts.backends.SignInBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
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

LANGUAGE_CODE = "en-us"
# Of what people are told and of the pages. The admin speaks English, the API as it is asked.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "clinic.common.static_files.ImmutableStaticFilesStorage"},
}
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "clinic.common.static_files.LibraryFinder",
]
# Of the pages, from npm; no build step.
BROWSER_LIBRARIES_FOLDER = BASE_DIR / "browser" / "node_modules"
BROWSER_MODULES = libraries.MODULES
# Served to front ends on other origins; the pages have the same files under clinic/portal/static.
CLIENT_FOLDER = BASE_DIR.parent / "clients" / "js"
BROWSER_FILES = libraries.FILES
# The one inline script of a page.
INLINE_SCRIPT_SOURCE = "clinic.portal.import_map.script_source"

# A JSON body of this API is a few hundred bytes.
API_MAX_BODY_BYTES = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_BODY_BYTES
# A photo alone is larger: the file, and some lines around it.
API_MAX_UPLOAD_BYTES = 5 * 1024 * 1024 + 4096
MEDIA_ROOT = SHARED.media_folder or BASE_DIR.parent / "var" / "media"

# Effects of every recorded change of an appointment, in its transaction and in this order.
APPOINTMENT_EFFECTS: list[str] = [
    "clinic.waitlist.services.offering.OFFER_FREED_TIME",
    "clinic.appointments.services.undo_holds.KEEP_FREED_TIME",
    "clinic.waitlist.services.settling.SETTLE_ENTRIES",
    "clinic.messaging.services.telling.TELL",
    "clinic.messaging.services.next_in_line.TELL_NEXT",
    "clinic.messaging.services.calls.TELL_CALLED",
]
# Check of messages about to be sent: those that are not true any more.
UNTRUE_MESSAGES = "clinic.messaging.services.truth.untrue_among"
# Rows with a history of their own that move when a patient's record becomes part of another one.
PATIENT_MERGE_EFFECTS: list[str] = ["clinic.appointments.services.record_merges.MOVE_APPOINTMENTS"]

# Names that older front ends use, made the main API's before a view sees them.
REQUEST_REWRITE = "clinic.compat.rewriting.rewrite"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["clinic.accounts.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["clinic.common.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["clinic.common.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "clinic.common.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "clinic.common.openapi.ChairsideSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "clinic.common.exception_handler.ChairsideExceptionHandler",
    "EXCEPTION_FORMATTER_CLASS": "clinic.common.exception_handler.ChairsideFormatter",
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=SHARED.jwt_access_token_lifetime),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=SHARED.jwt_refresh_token_lifetime),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": SHARED.jwt_algorithm,
    "SIGNING_KEY": SHARED.jwt_signing_key,
    "VERIFYING_KEY": SHARED.jwt_verifying_key if SHARED.jwt_algorithm != "HS256" else "",
    "ISSUER": SHARED.jwt_issuer,
    "AUDIENCE": ACCESS_AUDIENCE,
    "UPDATE_LAST_LOGIN": False,
    "AUTH_HEADER_TYPES": ("Bearer",),
    "USER_ID_CLAIM": "user_id",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Chairside",
    "DESCRIPTION": INTRODUCTION,
    "VERSION": VERSION,
    "SERVERS": [
        {"url": "/", "description": "where this document is served"},
        {"url": "http://localhost:8000", "description": "django-rest of `make run`"},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/favicon.svg",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "clinic.appointments.models.STATUS_CHOICES",
        "RoleEnum": "clinic.accounts.models.Role.choices",
        "ClinicRoleEnum": "clinic.accounts.models.CLINIC_ROLE_CHOICES",
        "ChannelEnum": "clinic.appointments.models.Channel.choices",
        "MessageChannelEnum": "clinic.outbox.models.DeliveryChannel.choices",
        "MessageStateEnum": "clinic.outbox.models.MessageState.choices",
        "MessageKindEnum": "clinic.outbox.models.MessageKind.choices",
        "PatientActionEnum": "clinic.people.models.PatientAction.choices",
        "EntryStateEnum": "clinic.waitlist.models.EntryState.choices",
        "AbsenceStateEnum": "clinic.scheduling.models.AbsenceState.choices",
        "HoldKindEnum": "clinic.calendar.serializers.HOLD_KINDS",
        "DeviceKindEnum": "clinic.accounts.models.DeviceKind.choices",
        "OfferStateEnum": "clinic.waitlist.models.OfferState.choices",
    },
    "PREPROCESSING_HOOKS": ["clinic.common.openapi.drop_unversioned_copies"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "clinic.common.openapi.add_errors",
        "clinic.common.openapi.close_request_bodies",
        "config.documentation.describe",
    ],
}

CORS_ALLOWED_ORIGINS = SHARED.allowed_origins
CORS_URLS_REGEX = r"^/(api/|clients/|health|livez|readyz)"
CORS_EXPOSE_HEADERS = [
    "X-Request-ID",
    "X-Process-Time",
    "Retry-After",
    "ETag",
    "Idempotent-Replay",
    "Content-Disposition",
]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "x-hold-token",
    "x-phone-code",
    "x-request-id",
    "x-requested-with",
    # Added to every request by the tracing of a front end (W3C Trace Context and Baggage, Sentry).
    "baggage",
    "sentry-trace",
    "traceparent",
    "tracestate",
]
CORS_ALLOW_CREDENTIALS = True

# Behind TLS only. A browser that has seen it never again sends a password in the clear to this host.
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Mail goes to a server, else to files; without either a message says that it cannot be sent.
EMAIL_HOST = SHARED.email_host or ""
EMAIL_PORT = SHARED.email_port
EMAIL_HOST_USER = SHARED.email_host_user
EMAIL_HOST_PASSWORD = SHARED.email_host_password.get_secret_value() if SHARED.email_host_password else ""
EMAIL_USE_TLS = SHARED.email_security == "starttls"
EMAIL_USE_SSL = SHARED.email_security == "tls"
EMAIL_TIMEOUT = 8
EMAIL_FILE_PATH = SHARED.email_folder
EMAIL_IS_CONFIGURED = bool(SHARED.email_host or SHARED.email_folder)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if SHARED.email_host else 'filebased'}.EmailBackend"
DEFAULT_FROM_EMAIL = SHARED.email_from
# Origins that stand in for a push service though they are not public: for tests alone.
PUSH_STAND_INS: list[str] = []
SMS_IS_CONFIGURED = bool(
    (SHARED.twilio_account_sid and SHARED.twilio_auth_token and SHARED.twilio_from) or SHARED.sms_folder
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"route": {"()": "clinic.common.logs.RouteFilter"}},
    "formatters": {
        "text": {"()": "shared_config.log_formats.TextFormatter"},
        "json": {"()": "shared_config.log_formats.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["route"],
            "formatter": SHARED.log_format,
        }
    },
    "root": {"handlers": ["console"], "level": "DEBUG" if DEBUG else "INFO"},
    "loggers": {
        # Django's own handler, with debug on, would write every message once more and unfiltered.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # At DEBUG these write statements with their values, addresses that were called, and bodies.
        **{
            key: {"level": "WARNING"}
            for key in ("django.db.backends", "twilio", "twilio.http_client", "urllib3", "PIL")
        },
        # Refusals below 500 are in the line of their request.
        "django.request": {"level": "ERROR"},
    },
}
