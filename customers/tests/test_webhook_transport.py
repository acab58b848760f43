"""Where a webhook goes and what comes of it, against real servers: nothing internal, nothing redirected, nothing waited for."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from customers import webhook_addresses
from customers.tests.webhook_receivers import HOST, Receiver, make_certificates, resolver, trusting
from customers.webhook_addresses import BadAddress, is_public, read
from customers.webhook_transport import Answer, post


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    make_certificates(directory)
    return directory


@pytest.fixture
def receiver(certificates: Path, settings, monkeypatch) -> Iterator[Receiver]:
    """A server on the loopback that is allowed by its address and port, and an authority that is trusted."""
    with trusting(certificates, monkeypatch), Receiver(certificates) as receiver:
        settings.WEBHOOK_INTERNAL_TARGETS = [receiver.target]
        yield receiver


def call(url: str, *, seconds: float = 5, **names: str) -> Answer:
    return post(url=url, body=b'{"a": 1}', headers={"webhook-id": "msg_1"}, ask=resolver(**names), seconds=seconds)


def test_a_message_arrives_with_its_name_its_path_and_its_bytes(receiver: Receiver):
    answer = call(receiver.url)
    (got,) = receiver.calls
    assert (answer.status, answer.is_delivered) == (200, True)
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/hooks?shop=1", b'{"a": 1}', "msg_1")
    assert got.headers["host"] == f"{HOST}:{receiver.port}"


# Every way to write the loopback, a private network or the cloud's own address that resolvers and parsers are known to fall for.
TRICKS = [
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.0.0.0x1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://127。0。0。1:{port}/",
    "https://127%2e0%2e0%2e1:{port}/",
    "https://public.example@127.0.0.1:{port}/",
    "https://public.example:443@localhost:{port}/",
    "https://127.0.0.1:{port}#@public.example/",
    "https://127.0.0.1:{port}\\@public.example/",
    "https://public.example\\@127.0.0.1:{port}/",
    "https://public.example%00.localhost:{port}/",
    "https://public.example\r\nHost: localhost:{port}/",
    " https://localhost:{port}/",
    "https:///localhost:{port}/",
    "https:localhost:{port}/",
    "//localhost:{port}/",
    "http://public.example:{port}/",
    "file:///etc/passwd",
    "gopher://localhost:{port}/_x",
    "unix://localhost:{port}/run/x.sock",
    "https://loopback.example:{port}/",
    "https://mapped.example:{port}/",
    "https://translated.example:{port}/",
    "https://tunnelled.example:{port}/",
    "https://private.example:{port}/",
    "https://carrier.example:{port}/",
    "https://metadata.example:{port}/",
    "https://unique.example:{port}/",
    "https://everybody.example:{port}/",
]
NAMES = {
    "loopback_example": "127.0.0.1", "mapped_example": "::ffff:127.0.0.1", "translated_example": "64:ff9b::7f00:1",
    "tunnelled_example": "2002:7f00:1::1", "private_example": "192.168.1.1", "carrier_example": "100.64.0.1",
    "metadata_example": "169.254.169.254", "unique_example": "fd00::1", "everybody_example": "224.0.0.1",
}  # fmt: skip


def test_forty_tricks_and_more_reach_nothing_inside(certificates: Path, settings, monkeypatch):
    settings.DEBUG = False
    with trusting(certificates, monkeypatch), Receiver(certificates) as inside:
        # The port is no obstacle here: the address alone has to be.
        monkeypatch.setattr(webhook_addresses, "PORTS", (443, inside.port))
        answers = {url: call(url.format(port=inside.port), seconds=1, **NAMES) for url in TRICKS}
        assert len(TRICKS) >= 40
        assert {url: answer for url, answer in answers.items() if answer.status or answer.error == "connection"} == {}
        assert inside.calls == []
        # The same server is reached once it is allowed, so the test would notice.
        settings.WEBHOOK_INTERNAL_TARGETS = [inside.target]
        assert call(inside.url).status == 200
        assert len(inside.calls) == 1


def test_without_https_the_port_alone_is_no_way_in(certificates: Path, settings, monkeypatch):
    settings.DEBUG = False
    with Receiver(certificates, is_secure=False) as inside:
        monkeypatch.setattr(webhook_addresses, "PORTS", (443, inside.port))
        for url in ("http://localhost:{}/", "http://shop.example:{}/", "HTTP://127.0.0.1:{}/"):
            assert call(url.format(inside.port)).error in ("scheme", "host")
        assert inside.calls == []


def test_a_name_that_changes_its_mind_gains_nothing(receiver: Receiver, settings, monkeypatch):
    """The first answer is public and the second one inside: only the first is ever asked for."""
    settings.WEBHOOK_INTERNAL_TARGETS = []
    monkeypatch.setattr(webhook_addresses, "PORTS", (443, receiver.port))
    answers = iter(["192.0.2.1", "127.0.0.1"])
    asked = []

    def ask(host: str, port: int, **kwargs: object) -> list[tuple]:
        asked.append(host)
        return [(2, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(webhook_addresses, "is_public", lambda text: text == "192.0.2.1")
    answer = post(url=receiver.url, body=b"", headers={}, ask=ask, seconds=0.3)
    assert (len(asked), answer.status, receiver.calls) == (1, None, [])


def test_one_private_address_among_public_ones_is_one_too_many(receiver: Receiver, settings, monkeypatch):
    settings.WEBHOOK_INTERNAL_TARGETS = []
    monkeypatch.setattr(webhook_addresses, "PORTS", (443, receiver.port))

    def ask(host: str, port: int, **kwargs: object) -> list[tuple]:
        return [(2, 1, 6, "", (address, port)) for address in ("8.8.8.8", "127.0.0.1")]

    assert post(url=receiver.url, body=b"", headers={}, ask=ask).error == "internal"
    assert receiver.calls == []


def test_redirects_are_not_followed(receiver: Receiver, certificates: Path):
    with Receiver(certificates) as inside:
        for status in (301, 302, 303, 307, 308):
            receiver.plan.append((status, {"Location": f"https://{HOST}:{inside.port}/"}))
            answer = call(receiver.url)
            assert (answer.status, answer.is_delivered, answer.is_endpoints_fault) == (status, False, True)
        assert inside.calls == []
    assert len(receiver.calls) == 5


def test_the_certificate_must_fit_the_name_although_the_address_was_dialled(certificates: Path, settings, monkeypatch):
    with trusting(certificates, monkeypatch), Receiver(certificates, name="other.example") as impostor:
        settings.WEBHOOK_INTERNAL_TARGETS = [impostor.target]
        url = impostor.url.replace("other.example", HOST)
        assert call(url).error == "certificate"
        assert call(impostor.url, other_example="127.0.0.1").status == 200
    assert len(impostor.calls) == 1


def test_an_authority_that_nobody_knows_is_not_believed(certificates: Path, settings, tmp_path, monkeypatch):
    make_certificates(tmp_path)
    with trusting(tmp_path, monkeypatch), Receiver(certificates) as stranger:
        settings.WEBHOOK_INTERNAL_TARGETS = [stranger.target]
        assert call(stranger.url).error == "certificate"
    assert stranger.calls == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (500, Answer(status=500)),
        ((503, {"Retry-After": "120"}), Answer(status=503, retry_after=120)),
        ((429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), Answer(status=429)),
        (410, Answer(status=410)),
        (204, Answer(status=204)),
        ("hang", Answer(error="timeout")),
        ("drip", Answer(error="timeout")),
        ("reset", Answer(error="not_http")),
        ("garbage", Answer(error="not_http")),
    ],
    ids=str,
)
def test_each_fault_has_a_word_and_an_end(receiver: Receiver, step: object, expected: Answer):
    receiver.plan.append(step)
    before = time.monotonic()
    answer = call(receiver.url, seconds=0.7)
    assert time.monotonic() - before < 1.5
    if step == "reset":
        assert answer.error in ("not_http", "connection", "tls")
    else:
        assert answer == expected


def test_what_does_not_listen_or_speaks_no_tls_is_said_so(certificates: Path, settings, monkeypatch):
    with trusting(certificates, monkeypatch), Receiver(certificates, is_secure=False) as plain:
        settings.WEBHOOK_INTERNAL_TARGETS = [plain.target]
        assert call(plain.url.replace("http:", "https:")).error == "tls"
    assert call(plain.url.replace("http:", "https:")).error == "connection"
    assert call("https://nowhere.example/").error == "name"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example/", "scheme"),
        ("https://user@shop.example/", "userinfo"),
        ("https://shop.example:25/", "port"),
        ("https://shop.example:99999/", "url"),
        ("https://shop.example/#part", "url"),
        ("https://商店.example/", "url"),
        ("https://-bad.example/", "host"),
        ("https://" + "a" * 600, "url"),
        ("https://", "host"),
        ("", "url"),
    ],
)
def test_an_address_that_could_never_be_called_is_refused_with_a_sentence(settings, url: str, code: str):
    settings.DEBUG = False
    with pytest.raises(BadAddress) as refused:
        read(url)
    assert refused.value.code == code
    assert str(refused.value)


def test_plain_addresses_are_taken_and_http_only_where_one_develops(settings):
    settings.DEBUG = False
    assert read("https://shop.example").path == "/"
    assert read("https://xn--fiq228c.example:8443/a/b?c=d%20e").port == 8443
    settings.DEBUG = True
    assert read("http://shop.example/").port == 80


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.0.1",
        "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::808:808",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:20::1", "2001:db8::1", "2002:808:808::1", "3fff::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2606:4700::1%eth0", "4000::1", "junk", "",
    ],
)  # fmt: skip
def test_private_reserved_shared_and_translated_addresses_are_not_public(address: str):
    assert not is_public(address)


def test_public_addresses_are() -> None:
    assert all(map(is_public, ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1"]))


def test_old_tls_is_not_spoken() -> None:
    from customers.webhook_transport import tls_context

    context = tls_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
