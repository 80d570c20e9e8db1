"""The cluster's certificates: made at the first start, made anew in time or when the machine has moved.

leaves.py says which, issuing.py makes them, renewing.py sees to them while the cluster runs. Whoever uses one follows
its files (wire/following.py): replacing them is all that there is to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.pki.leaves import AUTHORITIES, Leaf, hosts_file, leaves
from knarr.cluster.pki.rotated import lay_in, read, store_of

RENEWED_BEFORE = timedelta(days=65)  # its end; issuing.LEAF_LIFE is 365 days
LAST_RESORT = 0.04  # the share of its life that is left of one that its holder should have renewed long ago
_INSTANT = timedelta(seconds=1)


def ensure(config: Config) -> None:
    """Make whatever certificate or key of the cluster is missing, near its end, or for other hosts; keep the rest."""
    now = datetime.now(UTC)
    due = [*due_leaves(config, now)]
    if due or not all(path.exists() for path in _lasting(config)):
        _issue(config, due, now)


def renew(config: Config, chosen: Collection[Leaf], now: datetime) -> None:
    """Make these certificates anew, each for the key that is there, and the admin's kubeconfig with its one.

    Raises UserError where the authority's key is kept elsewhere.
    """
    _issue(config, chosen, now)
    write_admin(config)


def write_admin(config: Config) -> None:
    """The admin's kubeconfig, with the certificate that is there now."""
    from knarr.client import kubeconfig
    from knarr.cluster.identities import credentials

    kubeconfig.write(config.admin_kubeconfig, kubeconfig.compose(config.name, credentials(config)))


def due_leaves(config: Config, now: datetime) -> Iterator[Leaf]:
    """Those whose time has come, whose hosts have changed, or whose key is gone."""
    for leaf in leaves(config):
        has_key = (config.pki / f"{leaf.file}.key").exists()
        if not has_key or _is_near_its_end(config, leaf, now) or _hosts(config, leaf) != leaf.hosts:
            yield leaf


def chosen_leaves(config: Config, names: Sequence[str]) -> Sequence[Leaf]:
    """Those of these names; `all` is every one. Raises UserError."""
    known = {leaf.file: leaf for leaf in leaves(config)}
    for name in names:
        if name in AUTHORITIES:
            raise UserError(f"{name} is an authority: what it has vouched for would end with it, so it stays")
        if name not in known and name != "all":
            raise UserError(f"there is no certificate {name}; choose from: {', '.join(known)}, all")
    return [*known.values()] if "all" in names else [known[name] for name in names]


def _issue(config: Config, chosen: Collection[Leaf], now: datetime) -> None:
    from knarr.cluster.pki import issuing  # half of what `knarr up` would import, and needed at the first start alone

    issuing.issue(config, chosen, now)
    lay_in(config, now, [leaf.file for leaf in chosen])


def _is_near_its_end(config: Config, leaf: Leaf, now: datetime) -> bool:
    """No certificate outlives its authority, so one that ends with it is as good as it gets."""
    found, authority = read(config, leaf.file), read(config, leaf.authority)
    if not found or not authority:
        return True
    margin = found.life * LAST_RESORT if store_of(config, leaf.file) else RENEWED_BEFORE
    return not found.holds(min(now + margin, authority.ends - _INSTANT))


def _hosts(config: Config, leaf: Leaf) -> tuple[str, ...]:
    """The hosts that a serving certificate was made for."""
    try:
        return tuple(hosts_file(config, leaf).read_text().splitlines()) if leaf.hosts else ()
    except FileNotFoundError:
        return ()


def _lasting(config: Config) -> Iterator[Path]:
    """What is made once."""
    for name in AUTHORITIES:
        yield config.pki / f"{name}.crt"
        yield config.pki / f"{name}.key"
    yield config.pki / "service-accounts.key"
