"""The messages of CRI v1, from the package that carries upstream's api.proto.

Its own `__init__` imports grpcio for a client of its own, which costs 10 MiB that nobody here uses; so the module with
the messages is loaded by its file.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cri_api.v1 import api_pb2 as cri
else:

    def _load(name: str, file: str) -> ModuleType:
        package = find_spec("cri_api")
        spec = spec_from_file_location(name, Path(package.submodule_search_locations[0], file))
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    cri = _load("knarr.kubelet.cri.api_pb2", "v1/api_pb2.py")

__all__ = ["cri"]
