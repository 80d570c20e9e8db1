"""All volume sources, in the order of the documentation."""

from knarr.kubelet.volumes import (
    config_map,
    downward_api,
    empty_dir,
    host_path,
    projected,
    secret,
    service_account_token,
)
from knarr.kubelet.volumes.source import Content, Place

PLACES: tuple[Place, ...] = (
    empty_dir.PLACE,
    host_path.PLACE,
)

CONTENTS: tuple[Content, ...] = (
    config_map.CONTENT,
    secret.CONTENT,
    downward_api.CONTENT,
    service_account_token.CONTENT,
    projected.CONTENT,
)
