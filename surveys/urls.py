"""Where the links of survey mails lead."""

from django.urls import path

from surveys import provider_views, views
from surveys.views import waiting

urlpatterns = [
    path("anymail/<slug:esp>/<slug:kind>/", provider_views.take, name="mail_provider"),
    path("surveys/", waiting.waiting_for_me, name="surveys"),
    path("s/<token>/", views.answer, name="survey_answer"),
    path("u/<token>/", views.unsubscribe, name="survey_unsubscribe"),
    path("p/<token>/", views.preferences, name="survey_preferences"),
    path("v/<token>/", views.read_mail, name="survey_mail"),
    path("a/<slug:code>/", views.survey_link, name="survey_link"),
    path("t/<token>/", views.answer_test, name="survey_test"),
]
