from __future__ import annotations

from knarr.machinery.latest import Latest


def test_what_was_used_longest_ago_falls_out() -> None:
    latest: Latest[str, int] = Latest(2)
    latest.put("a", 1)
    latest.put("b", 2)
    assert latest.get("a") == 1
    assert "b" in latest  # which does not count as use
    latest.put("c", 3)
    assert [key for key in "abc" if key in latest] == ["a", "c"]
    assert latest.get("b") is None


def test_an_entry_is_made_once() -> None:
    latest: Latest[str, list[int]] = Latest(2)
    latest.of("a", list).append(1)
    latest.of("a", list).append(2)
    assert (latest.get("a"), len(latest)) == ([1, 2], 1)
