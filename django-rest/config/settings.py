"""Django's settings. What an operator may change comes from shared-config; the rest is decided here."""

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from clinic.common.mysql.connecting import CONNECT_TIMEOUT_SECONDS, tls_options
from clinic.common.mysql.session import init_command
from shared_config import ACCESS_AUDIENCE, DjangoSettings, load_settings, use_locked_time_zones

from config.documentation import INTRODUCTION

# ModelAdmin[Row] and the like: typed generics that Django itself does not offer yet.
django_stubs_ext.monkeypatch()

use_locked_time_zones()

BASE_DIR = Path(__file__).resolve().parent.parent
SHARED = load_settings(DjangoSettings)

VERSION = "0.1.0"
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
    "clinic.waitlist",
    "clinic.messaging",
    "clinic.changefeed",
    "clinic.ops",
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
    "clinic.ops.middleware.HangingWritesMiddleware",
    "clinic.common.middleware.HostMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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
# What is remembered of a queryset (clinic.common.statements) is compared with a fresh one each time: slow, for tests.
STATEMENTS_ARE_COMPARED = False
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
# Of what people are told. The API and the admin speak English.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# A JSON body of this API is a few hundred bytes.
API_MAX_BODY_BYTES = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_BODY_BYTES
# A photo alone is larger: the file, and some lines around it.
API_MAX_UPLOAD_BYTES = 5 * 1024 * 1024 + 4096
MEDIA_ROOT = SHARED.media_folder or BASE_DIR.parent / "var" / "media"

# What follows from every recorded change of an appointment, in its transaction and in this order.
APPOINTMENT_EFFECTS: list[str] = [
    "clinic.waitlist.services.offering.OFFER_FREED_TIME",
    "clinic.messaging.services.telling.TELL",
]
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
        "MessageChannelEnum": "clinic.outbox.models.Channel.choices",
        "MessageStateEnum": "clinic.outbox.models.State.choices",
        "PatientActionEnum": "clinic.people.models.PatientAction.choices",
        "EntryStateEnum": "clinic.waitlist.models.EntryState.choices",
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

UNFOLD = {
    "SITE_TITLE": "Chairside",
    "SITE_HEADER": "Chairside",
    "SITE_SUBHEADER": "clinic.ops.admin.clinic_name",
    "SITE_SYMBOL": "dentistry",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: "/favicon.svg"}],
    "SITE_URL": None,
    # Django's own log of the admin; an appointment has its history on its page.
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "clinic.ops.admin.the_day",
    "SIDEBAR": {"show_search": False, "navigation": "clinic.ops.admin.navigation"},
    # Teal, from light to dark. 600 is that of buttons and links: white on it, and it on white, is read well (5.5 : 1).
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#10403c",
            "950": "#042f2e",
        }
    },
}

CORS_ALLOWED_ORIGINS = SHARED.allowed_origins
CORS_URLS_REGEX = r"^/(api/|health|livez|readyz)"
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
SMS_IS_CONFIGURED = bool(
    (SHARED.twilio_account_sid and SHARED.twilio_auth_token and SHARED.twilio_from) or SHARED.sms_folder
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "clinic.common.logs.RequestIdFilter"},
        "route": {"()": "clinic.common.logs.RouteFilter"},
    },
    "formatters": {
        "text": {"()": "clinic.common.logs.TextFormatter"},
        "json": {"()": "clinic.common.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id", "route"],
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
