"""The service proxy: Services and EndpointSlices to nftables rules.

A Service and its slices are claims on the table (claims.py, with backends.py); claims of all Services add up to a
wanted state and its changes (ledger.py); changes are text (ruleset.py) that is given to the kernel (kernel.py,
nftables.py). Only the last two, and conntrack.py, sysctls.py and health.py, touch the machine; nothing here
knows how Pods get their addresses.
"""
