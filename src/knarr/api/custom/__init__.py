"""Custom resources: what a CustomResourceDefinition must be, and the kind that it makes.

Pure, like the rest of api/: a definition goes in as a tree, field errors or a frozen Kind come out. Who serves that
kind when is the API server's business (apiserver/custom).
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""
