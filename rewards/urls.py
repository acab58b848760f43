"""Addresses of what a customer has and had: coupons, points, purchases."""

from django.urls import include, path

from rewards import views
from rewards.pages import catalogue, friends, gift_cards, help, joining, stamps

urlpatterns = [
    path("till/", include("rewards.till.urls")),
    path("help/", help.help_page, name="help"),
    path("join/", joining.join, name="join"),
    path("friends/", friends.friends, name="friends"),
    path("r/<str:code>/", friends.follow, name="friend_link"),
    path("join/code/", joining.join_code, name="join_code"),
    path("coupons/", views.coupons, name="coupons"),
    path("coupons/<int:pk>/", views.coupon, name="coupon"),
    path("coupons/<int:pk>/hide/", views.coupon_hide, name="coupon_hide"),
    path("coupons/<int:pk>/unhide/", views.coupon_unhide, name="coupon_unhide"),
    path("rewards/", catalogue.rewards, name="rewards"),
    path("rewards/orders/<int:pk>/", catalogue.order, name="reward_order"),
    path("rewards/orders/<int:pk>/cancel/", catalogue.cancel, name="reward_cancel"),
    path("rewards/<slug:slug>/", catalogue.reward, name="reward"),
    path("rewards/<slug:slug>/take/", catalogue.take, name="reward_take"),
    path("gift-cards/", gift_cards.gift_cards, name="gift_cards"),
    path("gift-cards/<int:pk>/", gift_cards.gift_card, name="gift_card"),
    path("stamps/", stamps.stamp_cards, name="stamps"),
    path("stamps/<int:pk>/", stamps.stamp_card, name="stamp_card"),
    path("points/", views.statement, name="statement"),
    path("points/statement.csv", views.statement_file, name="statement_file"),
    path("purchases/", views.purchases, name="purchases"),
    path("purchases/<int:pk>/", views.purchase, name="purchase"),
]
