"""References of images, as far as defaults depend on them."""

from __future__ import annotations


def is_latest(image: str) -> bool:
    """Whether the reference means whatever is newest: no tag and no digest, or the tag `latest`."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")
