"""Addresses of the customer's own pages."""

from django.urls import path

from customers import views
from customers.pages import claiming, details, devices, look, privacy

urlpatterns = [
    path("card/", views.card, name="card"),
    path("card/code/", views.card_code, name="card_code"),
    path("for-you/", views.for_you, name="for_you"),
    path("profile/", views.profile, name="profile"),
    path("join/card/", claiming.claim, name="claim"),
    path("join/card/code/", claiming.claim_code, name="claim_code"),
    path("profile/details/", details.details, name="details"),
    path("profile/preferences/", details.preferences, name="preferences"),
    path("profile/address/", details.address, name="address"),
    path("profile/address/code/", details.address_code, name="address_code"),
    path("profile/devices/", devices.devices, name="devices"),
    path("profile/passkey-later/", devices.passkey_later, name="passkey_later"),
    path("profile/pin/", views.till_pin, name="till_pin"),
    path("privacy/", privacy.choices, name="privacy"),
    path("privacy/history/", privacy.history, name="privacy_history"),
    path("privacy/confirm/", privacy.confirm, name="privacy_confirm"),
    path("privacy/export/", privacy.export, name="privacy_export"),
    path("privacy/export/<slug:token>/", privacy.download, name="privacy_download"),
    path("privacy/erase/", privacy.erase, name="privacy_erase"),
    path("o/<token>/", views.opt_out, name="opt_out"),
    path("look/<slug:version>/colours.css", look.colours, name="look_colours"),
    path("look/<slug:version>/logo.png", look.logo, name="look_logo"),
    path("look/<slug:version>/icon-<int:size>.png", look.icon, name="look_icon"),
    path("i18n/", views.set_language, name="set_language"),
]
