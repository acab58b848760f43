"""Addresses of the till."""

from django.urls import path

from rewards.till import counter, goods, journal, sales, surprises, views

urlpatterns = [
    path("", views.find, name="till"),
    path("station/", views.station, name="till_station"),
    path("enrol/", views.enrol, name="till_enrol"),
    path("sale/", sales.sale, name="till_sale"),
    path("done/<uuid:key>/", sales.done, name="till_done"),
    path("done/<uuid:key>/mail/", journal.mail_receipt, name="till_mail"),
    path("counter/", counter.counter, name="till_counter"),
    path("counter/cards/<token>/", counter.card, name="till_card"),
    path("counter/rewards/<token>/", counter.pickup, name="till_pickup"),
    path("surprise/<int:pk>/", surprises.surprise, name="till_surprise"),
    path("returns/", goods.receipts_page, name="till_receipts"),
    path("returns/<int:pk>/", goods.goods_back, name="till_return"),
    path("journal/", journal.journal, name="till_journal"),
    path("undo/<int:pk>/", journal.undo, name="till_undo"),
]
