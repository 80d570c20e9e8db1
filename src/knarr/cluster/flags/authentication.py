"""Flags about who users are."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text


class Authentication(Flags, frozen=True, kw_only=True):
    """How users prove who they are, besides certificates (--client-ca-file) and service accounts' tokens; and who is
    believed to know it: by default the cluster's own front proxies.
    """

    anonymous_auth: Annotated[bool, Text(description="requests without credentials are system:anonymous's")] = True
    token_auth_file: Annotated[File, Text(description='a file with a token a line: token,user,uid,"group1,group2"')] = (
        File("")
    )
    enable_bootstrap_token_auth: Annotated[
        bool, Text(description="Secrets of type bootstrap.kubernetes.io/token in kube-system are tokens")
    ] = True
    requestheader_client_ca_file: Annotated[File, Text(description="the authorities that vouch for front proxies")] = (
        File("")
    )
    requestheader_allowed_names: Annotated[
        tuple[str, ...],
        Text(description="the common names of front proxies; with authorities of one's own, none is any"),
    ] = ()
    requestheader_username_headers: Annotated[
        tuple[str, ...], Text(description="in which headers front proxies name the user")
    ] = ("X-Remote-User",)
    requestheader_uid_headers: Annotated[tuple[str, ...], Text(description="the user's uid")] = ("X-Remote-Uid",)
    requestheader_group_headers: Annotated[tuple[str, ...], Text(description="its groups")] = ("X-Remote-Group",)
    requestheader_extra_headers_prefix: Annotated[
        tuple[str, ...], Text(description="what the names of headers begin with that tell more of the user")
    ] = ("X-Remote-Extra-",)

    def problems(self) -> list[str]:
        lists = [name for name in self.__struct_fields__ if name.startswith("requestheader_") and name[-4:] != "file"]
        empty = [name for name in lists if any(not value.strip() for value in getattr(self, name))]
        return [f'empty value in "{name.replace("_", "-")}"' for name in empty]
