"""Pure functions of the Kubernetes object model: names, quantities, selectors, patches, errors, clocks.

No I/O, no asyncio loops, no knowledge of any particular kind.
"""
