"""The developer's mailbox."""

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, InvalidMailer

from loyalty_site import mailbox


@pytest.fixture
def directory(tmp_path: Path, settings: Any) -> Path:
    """A mailbox of its own, in debug mode."""
    folder = tmp_path / "mail"
    options = {"BACKEND": "loyalty_site.mailbox.EmailBackend", "OPTIONS": {"directory": str(folder)}}
    settings.DEBUG = True
    settings.MAILERS = {"default": options, "surveys": options}
    return folder


def send(subject: str = "Hello", text: str = "Answer: https://shop.example/s/abc", html: str = "") -> None:
    message = EmailMultiAlternatives(subject, text, "hello@shop.example", ["alice@example.com"])
    if html:
        message.attach_alternative(html, "text/html")
    mailbox.EmailBackend(**mailbox_options(), alias="default").send_messages([message])


def mailbox_options() -> dict[str, str]:
    return {"directory": str(next(iter(mailbox.directories())))}


@pytest.mark.django_db
def test_mails_are_listed_newest_first_and_open(client, directory):
    send("First")
    send("Second – 第二", html='<html><head></head><body><a href="https://shop.example/s/abc">Go</a></body></html>')
    page = client.get("/mailbox/").content.decode()
    assert page.index("Second – 第二") < page.index("First")
    name = max(path.name for path in directory.iterdir())
    page = client.get(f"/mailbox/{name}/").content.decode()
    assert 'href="https://shop.example/s/abc"' in page
    assert "alice@example.com" in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page


@pytest.mark.django_db
def test_the_html_part_lives_in_a_sandbox_with_its_own_policy(client, directory):
    send(html="<html><head></head><body><script>alert(1)</script></body></html>")
    name = next(directory.iterdir()).name
    answer = client.get(f"/mailbox/{name}/html/")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert '<head><base target="_blank">' in answer.content.decode()


@pytest.mark.django_db
def test_a_mail_is_written_whole_and_under_a_name_of_its_own(client, directory):
    for _ in range(20):
        send()
    assert len(list(directory.glob("*.eml"))) == 20
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["../../manage.py", "..", "x.eml", "20260310T120000000000Z-0123456789abcdef.eml", "%2e%2e%2fmanage.py", "a\0.eml"],
)
def test_only_names_of_the_backend_are_looked_for(client, directory, name):
    send()
    assert mailbox.find(name=name) is None
    assert client.get(f"/mailbox/{name}/").status_code == 404


@pytest.mark.django_db
def test_a_link_planted_in_the_folder_is_not_followed(client, directory):
    send()
    (directory / "20260310T120000000000Z-0123456789abcdef.eml").symlink_to("/etc/hostname")
    assert mailbox.find(name="20260310T120000000000Z-0123456789abcdef.eml") is None


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/mailbox/", "/mailbox/20260310T120000000000Z-0123456789abcdef.eml/"])
def test_there_is_no_mailbox_in_production_or_with_another_mailer(client, directory, settings, path):
    send()
    settings.DEBUG = False
    assert client.get(path).status_code == 404
    settings.DEBUG = True
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend", "OPTIONS": {}}}
    assert client.get(path).status_code == 404


def test_a_mailbox_without_a_folder_is_refused():
    with pytest.raises(InvalidMailer):
        mailbox.EmailBackend(alias="default")


def test_an_empty_mailbox_says_so(client, directory):
    assert "No mail yet" in client.get("/mailbox/").content.decode()
