"""Messages from tables are what protobuf's own encoding of them is."""

from __future__ import annotations

from knarr.wire.grpc.tables import messages

MADE = messages(
    "test.tables",
    """
Entry: key=1 string, value=2 bytes
Empty:
All: flag=1 bool, data=2 bytes, small=3 int32, large=4 int64, text=5 string, entry=6 Entry, entries=7 *Entry
""",
)


def test_every_type_and_a_map() -> None:
    entry = MADE["Entry"](key="k", value=b"v")
    found = MADE["All"](flag=True, data=b"d", small=1, large=2, text="t", entry=entry, entries=[entry, entry])
    told = bytes.fromhex("0801 120164 1801 2002 2a0174 32060a016b120176 3a060a016b120176 3a060a016b120176")
    assert found.SerializeToString() == told
    assert MADE["All"].FromString(told) == found


def test_a_message_without_fields() -> None:
    assert MADE["Empty"]().SerializeToString() == b""
