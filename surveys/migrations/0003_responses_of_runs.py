"""Responses name their run and campaign themselves, and invitations say whether they were answered."""

from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery


def name_the_runs(apps, schema_editor):
    Response = apps.get_model("surveys", "Response")
    Invitation = apps.get_model("surveys", "Invitation")
    of_response = Invitation.objects.filter(pk=OuterRef("invitation"))
    Response.objects.filter(invitation__isnull=False, is_test=False).update(
        run=Subquery(of_response.values("run")[:1]), campaign=Subquery(of_response.values("run__campaign")[:1])
    )
    completed = Response.objects.filter(invitation=OuterRef("pk"), is_test=False, completed_at__isnull=False)
    Invitation.objects.filter(Exists(completed)).update(has_answered=True)


class Migration(migrations.Migration):
    dependencies = [("surveys", "0002_answering")]

    # Nothing to take back: the columns go with the schema.
    operations = [migrations.RunPython(name_the_runs, migrations.RunPython.noop)]
