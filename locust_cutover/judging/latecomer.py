"""What a node that joins late must know of the flips so far, to judge its visits as every other node would."""

from __future__ import annotations

from collections.abc import Sequence

from locust_cutover.judging.timeline import Flip


def needs(flips: Sequence[Flip]) -> list[Flip]:
    """Those of the flips that a visit can still ask for that is sent when all of them are known, in order.

    1. The last good flip and all that failed after it: their cutovers last.
    2. The last flip to each release, and the good one that replaced it: a cache may serve the release for ever.
    3. The last opaque flip, and the good one that ended its cutover: any release may have been there meanwhile.
    4. The first good flip: it replaced the release that was there at the start.
    """
    kept: set[int] = set()
    releases = {""}
    opaque = False
    replaced_by: int | None = None
    for index in range(len(flips) - 1, -1, -1):
        flip = flips[index]
        named = {flip.release, flip.held}
        if replaced_by is None or not named <= releases or (flip.opaque and not opaque):
            kept.update([index] if replaced_by is None else [index, replaced_by])
        releases |= named
        opaque = opaque or flip.opaque
        if flip.ok:
            replaced_by = index
    if replaced_by is not None:
        kept.add(replaced_by)
    return [flips[index] for index in sorted(kept)]
