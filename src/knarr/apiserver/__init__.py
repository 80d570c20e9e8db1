"""The API server: HTTP requests to verbs on kinds, discovery, OpenAPI, watch; authn, authz, admission, streaming.

The only component that imports storage. It calls no other component, but kubelets' HTTPS endpoints.
"""
