"""What is encrypted at rest, and how: upstream's EncryptionConfiguration, what is built of it, and its KMS plugins.

How the bytes lie in the store is storage/sealing's; here is who says so, and what is told of it: health and metrics.

https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/ and
https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""
