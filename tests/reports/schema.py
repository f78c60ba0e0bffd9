"""The schema of JUnit XML."""

from __future__ import annotations

from pathlib import Path

import xmlschema

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit-10.xsd"))
"""Of Jenkins' xUnit plugin."""
