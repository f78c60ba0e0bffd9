"""Texts that break careless reports."""

from __future__ import annotations

STRANGE = [
    "a, b",
    'say "cheese"',
    "'=1+1",
    "two\nlines",
    "carriage\rreturn",
    "both\r\n",
    "ü € 漢字 🦗",
    "tab\tand ; semicolon",
    "",
]
"""For CSV and JSON."""

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "two\nlines\r\nand \t tabs",
    "\x00\x1b[31m\x7f",
    "\udce9 &amp; ]]> -->",
    "</style></svg></title>",
    "javascript:alert(1)",
    "url(http://192.0.2.1/)",
]
"""For HTML, XML and Markdown."""
