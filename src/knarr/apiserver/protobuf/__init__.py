"""Kubernetes' protobuf: bodies of `application/vnd.kubernetes.protobuf` to the same trees that JSON gives.

Which number a field has comes from fields.txt, what it is from the published definition.
https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""
