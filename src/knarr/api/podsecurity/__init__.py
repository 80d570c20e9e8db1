"""The Pod Security Standards, decided purely: which checks a level and version hold, and what of a Pod breaks them.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ ; reasons and details are upstream's. No I/O.
"""
