"""Webhooks of admission: what their configurations say, the AdmissionReview that they are sent and answer.

The plugins that call them, and decide what follows, are in admission/.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""
