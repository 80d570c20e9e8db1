"""Pure functions of the Kubernetes object model: names, quantities, selectors, patches, errors; clocks and memories.

No I/O, no asyncio loops, no knowledge of any particular kind.
"""
