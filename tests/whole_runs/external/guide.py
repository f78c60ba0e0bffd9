"""The code in docs/your-own-site.md."""

from __future__ import annotations

import re

from tests.locust_process import ROOT

TEXT = (ROOT / "docs" / "your-own-site.md").read_text()

SHOP = "/var/www/shop"


def blocks(language: str) -> list[str]:
    """The code of the document in this language, in order."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return found
