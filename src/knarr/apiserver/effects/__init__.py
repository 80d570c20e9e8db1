"""What a write needs from outside its object: addresses and ports, taken in the same commit as the object.

An effect has no memory: it reads the cache, and the commit's compare-and-swap tells when somebody was faster.
"""
