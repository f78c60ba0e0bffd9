"""Judges every answer of a site against the flips of its `current` symlink, under Locust's load.

A locustfile needs three names: `install` wires the experiment into Locust, `Visitor` is the
user class to subclass, `Answer` what its visits return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locust_cutover.client.answer import Answer as Answer
    from locust_cutover.wiring.hooks import install as install
    from locust_cutover.wiring.visitor import Visitor as Visitor

__all__ = ["Answer", "Visitor", "install"]

_HOMES = {"Answer": "client.answer", "Visitor": "wiring.visitor", "install": "wiring.hooks"}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the servers' programs are modules of this package too and need no Locust.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
