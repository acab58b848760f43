"""Every address of the portal."""

from allauth.account import views as account_views
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from customers.even_answers import evenly
from loyalty_site import api, app_views, mail_views, mailbox_views, views
from loyalty_site.insights import pages as insights_pages

urlpatterns = [
    # First: tills call it all day, and what stands before it is tried in vain at every call.
    path("api/", include((api.urls(), "api"))),
    path("", views.home, name="home"),
    path("manifest.webmanifest", app_views.manifest, name="manifest"),
    path("worker.js", app_views.worker, name="worker"),
    path("offline/", app_views.offline, name="offline"),
    path("", include("customers.urls")),
    path("", include("rewards.urls")),
    path("", include("surveys.urls")),
    path("insights/", insights_pages.insights, name="insights"),
    path("insights/effects/", insights_pages.what_works, name="insights_effects"),
    path("insights/effects/net-effect.csv", insights_pages.by_net_effect, name="insights_net_effect"),
    path("insights/points-owed/", insights_pages.points_owed, name="insights_owed"),
    path("insights/points-owed/close.csv", insights_pages.month_close, name="insights_close"),
    path("insights/forecasts/", insights_pages.forecasts, name="insights_forecasts"),
    path("insights/report/", insights_pages.monthly_report, name="insights_report"),
    path("insights/report/report.pdf", insights_pages.monthly_report_pdf, name="insights_report_pdf"),
    path("mails/", mail_views.mails, name="mails"),
    path("mails/<slug:kind>/<slug:language>/", mail_views.mail_sample, name="mail_sample"),
    path("mails/<slug:kind>/<slug:language>/html/", mail_views.mail_sample_html, name="mail_sample_html"),
    path("mailbox/", mailbox_views.inbox, name="mailbox"),
    path("mailbox/<str:name>/", mailbox_views.mail, name="mail"),
    path("mailbox/<str:name>/html/", mailbox_views.mail_html, name="mail_html"),
    path("accounts/login/", evenly(login_not_required(account_views.login))),
    path("accounts/login/code/", evenly(login_not_required(account_views.request_login_code))),
    path("accounts/password/reset/", evenly(login_not_required(account_views.password_reset))),
    path("accounts/signup/", login_not_required(RedirectView.as_view(pattern_name="join"))),
    path("accounts/2fa/", views.second_factor),
    path("accounts/2fa/webauthn/add/", views.add_passkey),
    path("accounts/email/", views.not_offered),  # the shop keeps the addresses, and a mailed code verifies one
    path("accounts/confirm-email/", views.not_offered),
    path("accounts/confirm-email/<path:key>", views.not_offered),
    path("accounts/password/set/", views.password_set),
    path("accounts/password/change/", views.password_change),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
