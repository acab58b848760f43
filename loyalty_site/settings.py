"""The portal's settings: one file, everything else from the environment.

Every variable is listed in README.md. Defaults fit a clone on a developer's machine with DEBUG=True; in production a
missing or weak secret stops the start.
"""

import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

import dj_database_url
from babel.numbers import get_currency_precision, list_currencies
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from loyalty_site.environment import (
    env,
    env_bool,
    env_int,
    env_json,
    env_keys,
    env_limits,
    env_list,
    env_secret,
    env_targets,
)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env("VAR_DIR", str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

# Core

DEBUG = env_bool("DEBUG", False)
SECRET_KEY = env_secret("SECRET_KEY", debug=DEBUG)
# Earlier keys: links in mails that have already left keep working.
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
# Signs the books: kept apart from the database, so that whoever rewrites the one lacks the other.
LEDGER_KEYS = env_keys("LEDGER_KEYS", debug=DEBUG)
# Seals coupon codes, so that a stolen database holds no usable coupon.
COUPON_KEY = env_secret("COUPON_KEY", debug=DEBUG)
SITE_URL = env("SITE_URL", "http://localhost:8000" if DEBUG else None).rstrip("/")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "*" if DEBUG else "")
if not DEBUG and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts of this portal, separated by commas, and never *.")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "loyalty_site.urls"
WSGI_APPLICATION = "loyalty_site.wsgi.application"

INSTALLED_APPS = [
    "loyalty_site.apps.PortalConfig",
    "loyalty_site.apps.PortalAdminConfig",
    "customers.apps.CustomersConfig",
    "rewards.apps.RewardsConfig",
    "surveys.apps.SurveysConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "bootstrap",
    "crispy_bootstrap5",
    "crispy_forms",
]

MIDDLEWARE = [
    "loyalty_site.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "customers.middleware.DevicesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "customers.middleware.SessionTermMiddleware",
    "customers.middleware.LanguageMiddleware",
    "customers.middleware.PrivatePagesMiddleware",
    "customers.middleware.DenialsMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "customers.middleware.StaffSecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "customers.context_processors.programme",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# The programme

PROGRAMME_NAME = env("PROGRAMME_NAME", "Loyalty")
PROGRAMME_CURRENCY = env("PROGRAMME_CURRENCY", "EUR")
if PROGRAMME_CURRENCY not in list_currencies():
    raise ImproperlyConfigured(f"PROGRAMME_CURRENCY must be an ISO 4217 code such as EUR, not {PROGRAMME_CURRENCY!r}.")
PROGRAMME_CURRENCY_DIGITS = get_currency_precision(PROGRAMME_CURRENCY)
# How many points pay for one whole unit of the currency, such as one euro.
POINTS_PER_UNIT = env_int("POINTS_PER_UNIT", 100)
if POINTS_PER_UNIT < 1:
    raise ImproperlyConfigured("POINTS_PER_UNIT must be 1 or more.")
# What a return cannot take back, because it is spent, is owed; with this it is written off.
CLAMP_RETURNS = env_bool("CLAMP_RETURNS", False)
# A second person approves what is above a limit, and every drafted offer. Off only in a shop of one person; the dashboard and
# the daily digest of the books say so.
FOUR_EYES = env_bool("FOUR_EYES", True)
# What one person gives or takes by hand: each time, a day, and how often a day. Out of reach of whoever is limited by it.
POINT_LIMITS = env_limits("POINT_LIMITS", {"cashier": [200, 500, 10], "manager": [5_000, 20_000]})
VALUE_LIMITS = env_limits("VALUE_LIMITS", {"cashier": [10, 30], "manager": [200, 1_000]})
# The most that one gift card or store credit may hold, in whole units of the currency: a slip at the till stays small.
GIFT_CARD_MOST = env_int("GIFT_CARD_MOST", 500)
# After how many months without a purchase or a log-in a customer is erased; 0 is never.
INACTIVE_MONTHS = env_int("INACTIVE_MONTHS", 0)
POSTAL_ADDRESS = env("POSTAL_ADDRESS", "1 Market Street, 10115 Berlin" if DEBUG else None)

# Databases


def sqlite_pragmas(version: tuple[int, ...]) -> str:
    """Return the pragmas of a durable SQLite.

    WAL can lose commits in 3.7.0 to 3.51.2 (the WAL-reset race), but for the repaired 3.50.7 and 3.44.6 builds; everything
    else keeps the rollback journal. FULL in WAL and EXTRA in DELETE mode survive a power cut.
    """
    safe_wal = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    journal = (
        "journal_mode=WAL; PRAGMA synchronous=FULL" if safe_wal else "journal_mode=DELETE; PRAGMA synchronous=EXTRA"
    )
    return f"PRAGMA {journal}; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON"


DATABASE_URL = env("DATABASE_URL", f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A till's balance costs half as much when the file is not opened anew for it.
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["OPTIONS"] = {
        # A writer waits for its turn instead of failing half way (a deferred transaction fails at once).
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": sqlite_pragmas(sqlite3.sqlite_version_info),
    }
    DATABASES["default"]["TEST"] = {"NAME": env("TEST_DATABASE", str(VAR_DIR / "test.sqlite3"))}
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        "options": "-c lock_timeout=3s -c statement_timeout={} -c idle_in_transaction_session_timeout=15s".format(
            env("DATABASE_STATEMENT_TIMEOUT", "10s")
        ),
    }
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")

# Tasks and cache

REDIS_URL = env("REDIS_URL", "redis://localhost:6379/0" if DEBUG else None)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = REDIS_URL

# Mail: a short provider name chooses Anymail's backend, "mailbox" keeps mails on this machine.


def mailer(name: str, options: dict) -> dict:
    """Return a MAILERS entry for "mailbox", "smtp", a provider that Anymail knows, or a dotted path."""
    known = {
        "mailbox": "loyalty_site.mailbox.EmailBackend",
        "smtp": "django.core.mail.backends.smtp.EmailBackend",
        "resend": "surveys.resend.EmailBackend",
    }
    backend = known.get(name) or (name if "." in name else f"anymail.backends.{name}.EmailBackend")
    if name == "mailbox":
        options = {"directory": str(VAR_DIR / "mailbox")} | options
    if name == "smtp":
        # A server that says nothing any more must not hold a worker for ever.
        options = {"timeout": 30} | options
    if name == "amazon_ses":
        # botocore repeats by itself, even what may have arrived; only the ledger may.
        config = {"retries": {"total_max_attempts": 1}, "read_timeout": 30, "connect_timeout": 10}
        options = {"client_params": {"config": config}} | options
    return {"BACKEND": backend, "OPTIONS": options}


MAILER = env("MAILER", "mailbox" if DEBUG else None)
SURVEY_MAILER = env("SURVEY_MAILER", MAILER)
MAILERS = {
    "default": mailer(MAILER, env_json("MAILER_OPTIONS")),
    # Surveys leave by a stream of their own, so that their reputation never delays a log-in code.
    "surveys": mailer(SURVEY_MAILER, env_json("SURVEY_MAILER_OPTIONS") or env_json("MAILER_OPTIONS")),
}
# Many survey mails in one call, where the provider can make each personal (surveys/batches.py).
SURVEY_BATCHES = env_bool("SURVEY_BATCHES", False)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "hello@shop.example" if DEBUG else None)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
SURVEY_FROM_EMAIL = env("SURVEY_FROM_EMAIL", DEFAULT_FROM_EMAIL)
# Takes wishes to unsubscribe by mail, as `name+token@domain`; the provider posts what arrives there to us (docs/surveys.md).
UNSUBSCRIBE_EMAIL = env("UNSUBSCRIBE_EMAIL", "")
ANYMAIL = {"WEBHOOK_SECRET": env_list("ANYMAIL_WEBHOOK_SECRET"), **env_json("ANYMAIL_OPTIONS")}

# People

AUTH_USER_MODEL = "customers.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["customers.hashers.ShopArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_request_login_code"
LOGIN_REDIRECT_URL = "home"
STAFF_MFA_REQUIRED = env_bool("STAFF_MFA_REQUIRED", not DEBUG)
ACCOUNT_ADAPTER = "customers.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "request_login_code": "customers.forms.RequestLoginCodeForm",
    "confirm_login_code": "customers.forms.ConfirmLoginCodeForm",
    "reset_password": "customers.forms.ResetPasswordForm",
}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
# A mail may take minutes. Three tries at 34 bits leave a guesser one chance in 8.5 billion.
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_METHODS = {"email"}
# Nobody signs up; but without the password in this list the log-in form of staff would not ask for it either.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
# Addresses come from the shop, and a mailed code that comes back verifies one.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
# Mails with codes: by network address and by account, each for itself. Wrong codes are counted by customers.sign_in_limits.
ACCOUNT_RATE_LIMITS = {"request_login_code": "20/m/ip,3/m/key,10/h/key"}
# Whether an address is known must not be told by how long an answer takes; a developer need not wait.
EVEN_ANSWER_SECONDS = 0 if DEBUG else 0.25
ALLAUTH_TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXY_COUNT", 0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# Nobody signs up with a stranger's address here: the shop gives the addresses, so a second one may wait for its first code.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "customers.accounts.SecondFactorAdapter"
MFA_FORMS = {"add_webauthn": "customers.forms.AddPasskeyForm"}
MFA_TOTP_ISSUER = PROGRAMME_NAME

# Languages and time

LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LANGUAGE_CODE = env("SHOP_LANGUAGE", "en")
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(f"SHOP_LANGUAGE must be en or zh-hans, not {LANGUAGE_CODE!r}.")
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env("TIME_ZONE", "Europe/Berlin")
try:
    ZoneInfo(TIME_ZONE)
except (KeyError, ValueError, OSError) as error:
    raise ImproperlyConfigured(f"TIME_ZONE must be a name such as Europe/Berlin, not {TIME_ZONE!r}.") from error
USE_TZ = True

# Static files and uploads

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
MEDIA_ROOT = VAR_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# Security

SECURE_SSL = env_bool("SECURE_SSL", not DEBUG)
SECURE_SSL_REDIRECT = SECURE_SSL
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE_SSL else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_SSL
SECURE_HSTS_PRELOAD = SECURE_SSL
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "__Host-session" if SECURE_SSL else "session"
SESSION_COOKIE_SECURE = SECURE_SSL
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 30 * 24 * 3600
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_SSL else "csrf"
CSRF_COOKIE_SECURE = SECURE_SSL
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = SECURE_SSL
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
# What a till or shop may ask of the API in a minute; selling goes on when Redis, which counts, is down.
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)
# Webhooks leave for the public internet only; these addresses of one's own network, each with its port, are the exceptions.
WEBHOOK_INTERNAL_TARGETS = env_targets("WEBHOOK_INTERNAL_TARGETS")
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "form-action": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}

# Logs: ids only, never an address or a code, nor the token of a personal link.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "loyalty_site.logs.Scrubbed", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    # What it has to say below that holds phone numbers and keys of accounts.
    "loggers": {"apprise": {"level": "WARNING"}},
}
