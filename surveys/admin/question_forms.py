"""Editing the questions of a draft: any order of numbers will do, and a key is made where none is given."""

import math

from django import forms
from django.db import transaction
from django.db.models import F
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from surveys import branching
from surveys.models import Question

# Above every position in use, where questions wait while they change places.
_ASIDE = 10_000


class QuestionForm(forms.ModelForm):
    """One question. Positions may repeat or have gaps; they are numbered anew when the survey is saved."""

    position = forms.IntegerField(
        label=capfirst(_("position")), required=False, min_value=1, max_value=999, help_text=_("Empty is last.")
    )
    key = forms.SlugField(
        label=capfirst(_("key")),
        required=False,
        max_length=40,
        help_text=_("Stable over versions; exports use it as the column's name. Empty makes one from the kind."),
    )

    class Meta:
        model = Question
        fields = [
            "position", "kind", "is_required", "begins_page", "key", "text_en", "text_zh", "choices_en", "choices_zh",
            "rows_en", "rows_zh", "least", "most", "low_en", "low_zh", "high_en", "high_zh",
            "show_if_key", "show_if_test", "show_if_values",
        ]  # fmt: skip

    def _get_validation_exclusions(self) -> set[str]:
        # That no two share a position is the formset's business, which numbers them.
        return super()._get_validation_exclusions() | {"position"}


class QuestionFormSet(forms.BaseInlineFormSet):
    """The questions of one version."""

    def clean(self) -> None:
        super().clean()
        used = {form.instance.key for form in self._live_forms() if form.instance.key}
        for form in self._live_forms():
            if not form.instance.key and form.instance.kind:
                form.instance.key = _free(form.instance.kind, used)
                used.add(form.instance.key)
        self._clean_order()

    def _clean_order(self) -> None:
        """Say at the field what cannot be asked in this order."""
        forms_of = {id(form.instance): form for form in self._in_order()}
        for number, form in enumerate(forms_of.values(), start=1):
            form.instance.position = number
        for problem in branching.problems([form.instance for form in forms_of.values()]):
            forms_of[id(problem.question)].add_error(problem.field, problem.sentence)

    def _in_order(self) -> list[forms.ModelForm]:
        return sorted(self._live_forms(), key=lambda form: form.cleaned_data.get("position") or math.inf)

    def save(self, commit: bool = True) -> list[Question]:
        """Save the questions in the order of their positions, numbered from 1; those of a published version stay as they are."""
        if self.instance.is_published:
            self.new_objects, self.changed_objects, self.deleted_objects = [], [], []
            return []
        live = self._in_order()
        for number, form in enumerate(live, start=1):
            form.instance.position = number
        with transaction.atomic():
            if self.instance.pk:
                self.instance.questions.update(position=F("position") + _ASIDE)
            saved = super().save(commit)
            for form in live:
                Question.objects.filter(pk=form.instance.pk).update(position=form.instance.position)
        return saved

    def _live_forms(self) -> list[forms.ModelForm]:
        """Return the forms of questions that are there after saving."""
        filled = [*self.initial_forms, *(form for form in self.extra_forms if form.has_changed())]
        return [form for form in filled if hasattr(form, "cleaned_data") and not self._should_delete_form(form)]


def _free(kind: str, used: set[str]) -> str:
    names = (kind if number == 1 else f"{kind}_{number}" for number in range(1, 1000))
    return next(name for name in names if name not in used)
