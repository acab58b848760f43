"""Answers as files: stable columns, no formula in any of them, and nobody named who was promised not to be."""

import csv
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from openpyxl import load_workbook

from customers.models import Customer
from surveys import exports
from surveys.models import Answer, Response, Survey
from surveys.scopes import Scope
from surveys.tests.factories import NOW, create_asker, create_survey, create_version
from surveys.tests.test_results_pages import log_in, office  # noqa: F401

pytestmark = pytest.mark.django_db
PAYLOADS = [
    begin + rest
    for begin in ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "＋", "－", "＠", "|", "%", "\u00a0=", "\u3000=")
    for rest in (
        'HYPERLINK("http://evil.example","x")',
        "1+1",
        "cmd|' /C calc'!A0",
        "SUM(A1:A9)*cmd",
        "2+5+cmd|x",
        "A\x07B",
    )
]


def survey_with(texts: list[str], **fields) -> Survey:
    survey = create_survey(kinds=("nps", "multiple", "text"), **fields)
    questions = list(survey.versions.get().questions.order_by("position"))
    for number, text in enumerate(texts):
        response = Response.objects.create(
            version=questions[0].version, language="en", channel="wechat", started_at=NOW, completed_at=NOW,
            customer=create_asker() if survey.anonymity == "identified" else None,
        )  # fmt: skip
        Answer.objects.create(response=response, question=questions[0], number=number % 11)
        Answer.objects.create(response=response, question=questions[1], chosen=[0, 2])
        Answer.objects.create(response=response, question=questions[2], text=text)
    return survey


def export(client, survey: Survey, **data):
    url = reverse("admin:surveys_survey_export", args=[survey.pk])
    return client.post(url, {"file": "csv", "reason": "board meeting"} | data)


@pytest.fixture(autouse=True)
def _own_permissions() -> None:
    """What the roles add to Django's own permissions."""
    for model, codename in ((Response, "export_response"), (Customer, "export_customer")):
        kind = ContentType.objects.get_for_model(model)
        Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": codename})


def table(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers(office):  # noqa: F811
    rows = table(export(office, survey_with(PAYLOADS)))
    assert rows[0] == [*exports.ABOUT, "nps-1", "multiple-2", "text-3"]
    assert len(rows) == len(PAYLOADS) + 1
    for row in rows[1:]:
        assert row[-1].startswith("'")
        assert row[-3].isdecimal()
        assert row[-2] == "Coffee; Cake"


def test_no_cell_of_a_workbook_is_a_formula_and_what_was_written_stays(office):  # noqa: F811
    answer = export(office, survey_with(PAYLOADS), file="xlsx")
    sheet = load_workbook(io.BytesIO(answer.getvalue())).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    written = {row[-1].value for row in sheet.iter_rows(min_row=2)}
    assert '=HYPERLINK("http://evil.example","x")' in written
    assert isinstance(sheet["K2"].value, int)


def test_columns_keep_their_names_when_a_version_follows(office):  # noqa: F811
    survey = survey_with(["fine"])
    before = exports.columns(scope=Scope(survey=survey))
    create_version(survey=survey, kinds=("nps", "multiple", "text", "csat"))
    after = exports.columns(scope=Scope(survey=survey))
    assert after[: len(before)] == before
    assert [len(row) for row in exports.rows(scope=Scope(survey=survey))] == [len(after)]


def test_member_numbers_go_out_only_with_their_own_right_and_say_who_took_them():
    survey = survey_with(["fine"])
    number = Customer.objects.get().member_number
    marketer = log_in("view_response", "export_response")
    assert number not in export(marketer, survey, with_members="on").getvalue().decode()
    manager = log_in("view_response", "export_response", "export_customer")
    rows = table(export(manager, survey, with_members="on"))
    assert number in rows[1]
    assert rows[0][-1] == "exported_by"
    assert "@" in rows[1][-1]
    assert LogEntry.objects.filter(change_message__contains="with member numbers: board meeting").count() == 1


def test_an_export_needs_its_right_and_a_reason():
    survey = survey_with(["fine"])
    assert export(log_in("view_response"), survey).status_code == 403
    answer = export(log_in("view_response", "export_response"), survey, reason="")
    assert b"csv" not in answer.headers["Content-Type"].encode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("anonymity", ["confidential", "anonymous"])
def test_a_promised_survey_exports_answers_alone_and_none_of_few(office, anonymity):  # noqa: F811
    many = survey_with(["fine"] * 12, anonymity=anonymity)
    rows = table(export(office, many, with_members="on"))
    assert rows[0] == ["nps-1", "multiple-2", "text-3"]
    assert len(rows) == 13
    few = survey_with(["fine"] * 9, anonymity=anonymity)
    assert len(table(export(office, few))) == 1


def test_a_large_export_asks_a_bounded_number_of_questions(django_assert_max_num_queries):
    survey = survey_with(["fine"] * 30)
    with django_assert_max_num_queries(5):
        assert len(list(exports.rows(scope=Scope(survey=survey)))) == 30
