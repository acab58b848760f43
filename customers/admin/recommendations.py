"""How good the recommendations are in this shop, night by night."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_panels import Fact, Panel, RecordMixin
from customers.history_admin import HistoryAdmin
from customers.models import RecommendationModel
from customers.models.recommendation import LEARNT

WAYS = {
    "model": gettext_lazy("The model"),
    "frequency": gettext_lazy("What the customer buys most often"),
    "popularity": gettext_lazy("What most customers buy"),
    "seed": gettext_lazy("Most often, within what the customer says to like"),
}
ASPECTS = {
    "overall": gettext_lazy("all"),
    "repeat": gettext_lazy("bought again"),
    "explore": gettext_lazy("new to the customer"),
    "category": gettext_lazy("category"),
}


@admin.register(RecommendationModel)
class RecommendationModelAdmin(RecordMixin, HistoryAdmin):
    """Nights, newest first; each with the figures on the four weeks before it."""

    list_display = ["day_date", "method", "overall", "measured_at", "customers", "lists", "finished_at"]
    ordering = ["-day_date"]
    date_hierarchy = "day_date"
    fields = ["day_date", "method", "customers", "lists", "started_at", "learnt_at", "measured_at", "finished_at"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer(*LEARNT)

    @admin.display(description=gettext_lazy("NDCG at 10 of the model"))
    def overall(self, night: RecommendationModel) -> str:
        return _figure(night.figures.get("model", {}).get("overall"))

    def facts(self, request: HttpRequest, obj: RecommendationModel) -> list[Fact]:
        """Say in one line whether the model is worth having."""
        mine = obj.figures.get("model", {})
        if not mine:
            return [
                Fact(
                    label=_("The model"),
                    value="–",
                    hint=_("Fewer than 50 customers bought before and again: no figure yet."),
                )
            ]
        best = max((way for way in obj.figures if way != "model"), key=lambda way: obj.figures[way]["overall"])
        return [
            Fact(label=_("The model"), value=_figure(mine["overall"]), hint=_("NDCG at 10; 1 is perfect, supermarkets reach about 0.4.")),
            Fact(label=_("The best other way"), value=_figure(obj.figures[best]["overall"]), hint=WAYS[best]),
            Fact(label=_("Used"), value=obj.get_method_display(), hint=_("Whatever does best; compared once a week.")),
        ]  # fmt: skip

    def panels(self, request: HttpRequest, obj: RecommendationModel) -> list[Panel]:
        rows = [
            [label, *(_figure(obj.figures[way][aspect]) for aspect in ASPECTS), obj.figures[way]["customers"]]
            for way, label in WAYS.items()
            if way in obj.figures
        ]
        return [
            Panel(
                title=_("What each way would have said four weeks before, against what was bought since"),
                columns=[_("way"), *ASPECTS.values(), _("customers")],
                numeric=frozenset(range(1, 6)),
                rows=rows,
                empty=_("Fewer than 50 customers bought before and again: no figure yet."),
            )
        ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
