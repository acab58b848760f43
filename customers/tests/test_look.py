"""The merchant's name, logo and colour: readable whatever is chosen, on pages and in mails."""

import io

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from customers import looks, palette
from customers.models import Look
from customers.palette import DARK, LIGHT, WHITE, contrast, parse
from customers.tests.factories import create_user

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


@pytest.fixture
def fresh():
    looks.forget()
    yield
    looks.keep(Look(), seconds=10**9)


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(create_user(email="owner@example.com", is_staff=True, is_superuser=True))
    return client


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, kind)
    return out.getvalue()


def change(owner: Client, **fields) -> object:
    owner.get(reverse("admin:customers_look_changelist"))
    values = {"name_en": "", "name_zh": "", "colour": "#b3361b"} | fields
    return owner.post(reverse("admin:customers_look_change", args=[1]), values)


@given(COLOURS)
def test_every_colour_becomes_shades_that_can_be_read(colour):
    shades = palette.shades(palette.write(colour))
    for scheme, ground in (("light", LIGHT), ("dark", DARK)):
        found = {name: parse(value) for name, value in shades[scheme].items()}
        for behind in (ground.surface, ground.paper, found["--lp-brand-soft"]):
            assert contrast(found["--lp-brand"], behind) >= 4.5
        for fill in ("--lp-brand-fill", "--lp-brand-fill-hover", "--lp-hero-from", "--lp-hero-via", "--lp-hero-to"):
            assert contrast(WHITE, found[fill]) >= 4.5
        assert contrast(found["--lp-on-hero-muted"], found["--lp-hero-from"]) >= 4.5


def test_a_colour_that_can_be_read_is_kept():
    assert palette.readable("#005a9c")["fill"] == "#005a9c"
    assert (palette.contrast((0, 0, 0), (255, 255, 255)), palette.contrast((9, 9, 9), (9, 9, 9))) == (21, 1)


@pytest.mark.parametrize("text", ["", "red", "#12345", "#12345g", "#1234567", "url(x)", "#fff;}*{"])
@pytest.mark.django_db
def test_what_is_no_colour_is_refused(owner, fresh, text):
    assert change(owner, colour=text).status_code == 200
    with pytest.raises(ValueError):
        palette.shades(text)
    assert Look.objects.get().colour == Look.DEFAULT_COLOUR


@pytest.mark.django_db
def test_name_colour_and_logo_are_on_every_page_and_in_mails(owner, fresh, client):
    upload = SimpleUploadedFile("logo.png", picture(), content_type="image/png")
    assert change(owner, name_en="Linden", name_zh="林登", colour="#005a9c", upload=upload).status_code == 302
    page = Client().get(reverse("account_request_login_code")).content.decode()
    version = looks.version(Look.objects.get())
    for words in ("Linden", f"/look/{version}/colours.css", f"/look/{version}/logo.png"):
        assert words in page
    css = Client().get(reverse("look_colours", args=[version]))
    assert "--lp-brand-fill: #005a9c" in css.text
    assert "immutable" in css["Cache-Control"]
    logo = Client().get(reverse("look_logo", args=[version]))
    assert Image.open(io.BytesIO(logo.content)).size == (512, 171)
    assert Image.open(io.BytesIO(Client().get(reverse("look_icon", args=[version, 192])).content)).size == (192, 192)
    assert Client().get(reverse("look_icon", args=[version, 5_000])).status_code == 404
    assert "background:#005a9c" in render_to_string("emails/_button.html", {"url": "/", "label": "x"})
    assert change(owner, without_logo="on").status_code == 302
    assert Client().get(reverse("look_logo", args=[version])).status_code == 404


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", b"GIF89a", picture()[:60], b"x" * 2_100_000])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ValidationError):
        looks.read_logo(data)


def test_a_picture_loses_what_else_its_file_carried():
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    Image.new("RGB", (40, 40)).save(out, "JPEG", exif=exif)
    assert b"secret" in out.getvalue()
    assert b"secret" not in looks.read_logo(out.getvalue())


@pytest.mark.django_db
def test_there_is_one_look():
    with pytest.raises(IntegrityError), transaction.atomic():
        Look.objects.create(pk=2)
