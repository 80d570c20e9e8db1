"""Resource quotas, decided purely: what counts as how much, which quota an object falls under, whether there is room.

https://kubernetes.io/docs/concepts/policy/resource-quotas/ ; one file per sort of objects that count in their own way.
Shared by admission, which charges what is created, and the controller, which counts what is there. No I/O.
"""
