"""The four roles."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from customers.models import AuditEvent
from loyalty_site.roles import ROLES, ensure_roles, permission_names

pytestmark = pytest.mark.django_db


def test_setting_up_again_repairs_and_changes_nothing_else(capsys):
    call_command("set_up_roles")
    groups = {group.name: set(group.permissions.all()) for group in Group.objects.all()}
    assert set(groups) == {"cashier", "marketer", "manager", "auditor"}
    Group.objects.get(name="auditor").permissions.clear()
    call_command("set_up_roles")
    assert {group.name: set(group.permissions.all()) for group in Group.objects.all()} == groups


def test_what_setting_up_changes_is_in_the_audit_trail():
    call_command("set_up_roles")
    call_command("set_up_roles")
    assert not AuditEvent.objects.exists(), "a new role is no change, and neither is the same again"
    auditor = Group.objects.get(name="auditor")
    lost = auditor.permissions.get(codename="view_bookproof")
    auditor.permissions.remove(lost)
    call_command("set_up_roles")
    entry = AuditEvent.objects.get()
    assert (entry.action, entry.by, entry.reference) == (AuditEvent.Action.RIGHTS, None, f"role:{auditor.pk}")
    assert entry.changes == {"permissions": [[], ["view_bookproof"]]}


def test_every_permission_exists():
    for role, group in ensure_roles().items():
        names = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
        assert names == set(permission_names(role))


def test_a_manager_may_all_that_the_others_may():
    manager = set(permission_names("manager"))
    for role in ROLES:
        assert set(permission_names(role)) <= manager, role


def test_nobody_edits_history():
    history = {
        "pointtransaction",
        "purchase",
        "purchaseline",
        "consent",
        "couponuse",
        "bookproof",
        "pointbalance",
        "pointlot",
    }
    for role in ROLES:
        touched = {name for name in permission_names(role) if name.split("_", 1)[1] in history}
        assert not {name for name in touched if ".change_" in name or ".delete_" in name}
