"""The form that takes a file for an import."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.csv_rows import CsvRows, UnreadableFile
from customers.models import ImportJob
from rewards.import_runner import COLUMNS
from rewards.models import CouponBatch

LARGEST_FILE = 2**30


class ImportJobForm(forms.ModelForm):
    """What is in the file, and the file. Nothing is imported before it was checked and somebody says so."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy("A table as CSV in UTF-8, separated by commas; its first line names the columns."),
    )

    batch = forms.ModelChoiceField(
        label=gettext_lazy("Batch"),
        queryset=CouponBatch.objects.filter(state=CouponBatch.State.ACTIVE).order_by("name_en", "pk"),
        required=False,
        help_text=gettext_lazy("Only for printed coupon codes: the active batch whose rules they follow."),
    )

    class Meta:
        model = ImportJob
        fields = ["kind"]
        widgets = {"kind": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            names = {str(kind): ", ".join(columns) for kind, columns in COLUMNS.items()}
            self.fields["kind"].help_text = (
                _("Customers: %(customers)s. Purchases: %(purchases)s. Printed coupon codes: %(coupons)s.") % names
            )

    def clean(self) -> dict[str, Any]:
        """Refuse a file that cannot be read at all before it is kept."""
        data = super().clean()
        upload, kind = data.get("file"), data.get("kind")
        if kind == ImportJob.Kind.COUPONS and data.get("batch") is None:
            self.add_error("batch", _("Printed codes need the batch that they belong to."))
        if upload and kind:
            try:
                CsvRows(upload, columns=COLUMNS[kind])
            except UnreadableFile as error:
                self.add_error("file", str(error))
            upload.seek(0)
        return data

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is larger than 1 GB; use the command on the server."))
        return upload
