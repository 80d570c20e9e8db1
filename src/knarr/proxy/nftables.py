"""Transactions given to the kernel through libnftables, the library inside `nft`.

Called in this process: a change costs a tenth of a millisecond of CPU, where starting `nft` costs three
(benchmarks/proxy.py). Each call blocks on netlink, so it runs in a thread of its own, which holds no lock meanwhile.
"""

from __future__ import annotations

import asyncio
import ctypes
from concurrent.futures import ThreadPoolExecutor

_LIBRARY = "libnftables.so.1"
_JSON = 1 << 4  # NFT_CTX_OUTPUT_JSON: lists are JSON, and so may commands be


class NftablesError(Exception):
    """The kernel or the library refused a transaction, nothing of which has happened; or there is no library."""


class Nftables:
    """A connection to the nftables of the network namespace in which the first command runs. Transactions are atomic
    and happen in the order in which they were given.
    """

    def __init__(self, *, json: bool = False) -> None:
        self._json = json
        self._thread = ThreadPoolExecutor(1, "nftables")
        self._library = _load()
        self._context: int | None = None

    async def run(self, commands: str) -> str:
        """Do it, all or nothing; what the commands print. Raises NftablesError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, commands)

    def close(self) -> None:
        """Free what the library holds, once running commands are done."""
        self._thread.submit(self._free)
        self._thread.shutdown()

    def _run(self, commands: str) -> str:
        if self._context is None:
            self._context = self._open()
        if self._library.nft_run_cmd_from_buffer(self._context, commands.encode()):
            raise NftablesError(_reasons(_text(self._library.nft_ctx_get_error_buffer(self._context))))
        return _text(self._library.nft_ctx_get_output_buffer(self._context))

    def _open(self) -> int:
        context: int | None = self._library.nft_ctx_new(0)
        if context is None:
            raise NftablesError("libnftables cannot start")
        self._library.nft_ctx_output_set_flags(context, _JSON if self._json else 0)
        self._library.nft_ctx_buffer_error(context)
        self._library.nft_ctx_buffer_output(context)
        return context

    def _free(self) -> None:
        if self._context is not None:
            self._library.nft_ctx_free(self._context)
            self._context = None


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise NftablesError(f"{_LIBRARY} is missing; install it with: apt-get install nftables") from error
    context, text = ctypes.c_void_p, ctypes.c_char_p
    for name, arguments, result in (
        ("nft_ctx_new", [ctypes.c_uint32], context),
        ("nft_ctx_free", [context], None),
        ("nft_ctx_output_set_flags", [context, ctypes.c_uint], None),
        ("nft_ctx_buffer_error", [context], ctypes.c_int),
        ("nft_ctx_buffer_output", [context], ctypes.c_int),
        ("nft_ctx_get_error_buffer", [context], text),
        ("nft_ctx_get_output_buffer", [context], text),
        ("nft_run_cmd_from_buffer", [context, text], ctypes.c_int),
    ):
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library


def _reasons(errors: str) -> str:
    """The first messages, without the commands that the library quotes: they may be as long as a whole table."""
    return "; ".join([line for line in errors.splitlines() if "Error: " in line][:3]) or errors[:300]


def _text(buffer: bytes | None) -> str:
    return (buffer or b"").decode(errors="replace")
