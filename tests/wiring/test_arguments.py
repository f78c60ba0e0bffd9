"""A command line can be shown to others: what is secret in it is hidden, however it was spelt."""

from __future__ import annotations

import pytest
from locust.argument_parser import LocustArgumentParser, get_parser

from locust_cutover.wiring.arguments import without_secrets


@pytest.fixture
def parser() -> LocustArgumentParser:
    """Locust's, with secrets of a locustfile."""
    parser = get_parser(default_config_files=[])
    parser.add_argument("--api-token", "-K", is_secret=True)
    parser.add_argument("--tokens", nargs="+", is_secret=True)
    parser.add_argument("--pair", nargs=2, is_secret=True)
    parser.add_argument("--api-version")
    parser.add_argument("--careful", action="store_true", is_secret=True)
    return parser


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("--headless --api-token s3cret -u 5", "--headless --api-token ... -u 5"),
        ("--api-token=s3cret=s3cret -u 5", "--api-token=... -u 5"),
        ("-K s3cret -u 5", "-K ... -u 5"),
        ("-Ks3cret -u 5", "-K... -u 5"),
        ("--api-t s3cret --api-t=s3cret", "--api-t ... --api-t=..."),
        ("--api-token s3cret MyUser", "--api-token ... MyUser"),
        ("--tokens s3cret s3cret -u 5", "--tokens ... ... -u 5"),
        ("--pair s3cret s3cret MyUser", "--pair ... ... MyUser"),
        ("--careful MyUser", "--careful MyUser"),
        ("--web-auth me:s3cret --web-auth=me:s3cret", "--web-auth ... --web-auth=..."),
        ("-f https://me:s3cret@shop.example/x.py", "-f https://...@shop.example/x.py"),
        ("--api-version 2 -t 5s --headless", "--api-version 2 -t 5s --headless"),
        ("-H http://127.0.0.1:8080/a@b -- x", "-H http://127.0.0.1:8080/a@b -- x"),
    ],
)
def test_the_value_of_a_secret_option_is_hidden_and_nothing_else(
    parser: LocustArgumentParser, given: str, shown: str
) -> None:
    """With a value behind it or in it, by a short name or an abbreviation."""
    assert without_secrets(given.split(), parser) == tuple(shown.split())


def test_a_secret_that_looks_like_an_option_is_hidden_too(parser: LocustArgumentParser) -> None:
    """With a blank in it argparse takes it for a value."""
    assert without_secrets(["--api-token", "-u s3cret", "-u", "5"], parser) == ("--api-token", "...", "-u", "5")
