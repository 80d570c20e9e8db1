"""A Deployment as somebody applies it, and as he applies it the next time."""

from __future__ import annotations

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, labels: {kept: "1", dropped: "1"}}
spec:
  replicas: 0
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: c
        image: nginx:1
        env: [{name: A, value: "1"}, {name: DROPPED, value: "2"}]
"""
CHANGED = MANIFEST.replace(', dropped: "1"', "").replace(', {name: DROPPED, value: "2"}', "").replace(":1\n", ":2\n")
