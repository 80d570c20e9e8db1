"""A valid object of every kind that users write, with many fields set: what mutations start from."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]

_POD: JSON = {
    "nodeSelector": {"no": "where"},
    "terminationGracePeriodSeconds": 0,
    "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
            }
        }
    },
    "securityContext": {"runAsUser": 1000, "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}]},
    "initContainers": [{"name": "i", "image": "i", "restartPolicy": "Always"}],
    "containers": [
        {
            "name": "c",
            "image": "i:1",
            "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
            "env": [
                {"name": "A", "value": "b"},
                {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5},
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
        }
    ],
    "volumes": [{"name": "v", "configMap": {"name": "m", "items": [{"key": "a", "path": "b"}]}}],
}
_LABELS = {"app": "x"}
_TEMPLATE: JSON = {"metadata": {"labels": _LABELS}, "spec": _POD}
_JOB: JSON = {"template": {"spec": {**_POD, "restartPolicy": "Never", "initContainers": []}}, "suspend": True}
_METRIC: JSON = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}

SPECIMENS: dict[str, JSON] = {
    "api/v1 pods": {"spec": _POD},
    "api/v1 services": {
        "spec": {
            "type": "NodePort",
            "selector": _LABELS,
            "ports": [{"name": "a", "port": 80, "targetPort": "http", "nodePort": 0}],
            "sessionAffinity": "ClientIP",
            "externalIPs": ["192.0.2.1"],
        }
    },
    "api/v1 configmaps": {"data": {"a": "b"}, "binaryData": {"c": "YQ=="}},
    "api/v1 secrets": {"type": "Opaque", "data": {"a": "YQ=="}, "stringData": {"b": "c"}},
    "api/v1 serviceaccounts": {"secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "b"}]},
    "api/v1 endpoints": {"subsets": [{"addresses": [{"ip": "192.0.2.2"}], "ports": [{"name": "a", "port": 80}]}]},
    "api/v1 replicationcontrollers": {"spec": {"replicas": 0, "selector": _LABELS, "template": _TEMPLATE}},
    "api/v1 resourcequotas": {"spec": {"hard": {"pods": "10", "requests.cpu": "2"}, "scopes": ["NotTerminating"]}},
    "api/v1 limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}}]}},
    "api/v1 persistentvolumeclaims": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "apis/apps/v1 deployments": {
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": _LABELS},
            "template": _TEMPLATE,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        }
    },
    "apis/apps/v1 replicasets": {"spec": {"replicas": 0, "selector": {"matchLabels": _LABELS}, "template": _TEMPLATE}},
    "apis/apps/v1 daemonsets": {"spec": {"selector": {"matchLabels": _LABELS}, "template": _TEMPLATE}},
    "apis/apps/v1 statefulsets": {
        "spec": {"replicas": 0, "serviceName": "s", "selector": {"matchLabels": _LABELS}, "template": _TEMPLATE}
    },
    "apis/batch/v1 jobs": {"spec": _JOB},
    "apis/batch/v1 cronjobs": {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": _JOB}}},
    "apis/batch/v1beta1 cronjobs": {"spec": {"schedule": "@daily", "jobTemplate": {"spec": _JOB}}},
    "apis/networking.k8s.io/v1 ingresses": {
        "spec": {
            "rules": [
                {
                    "host": "a.example",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "s", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ]
        }
    },
    "apis/networking.k8s.io/v1 networkpolicies": {
        "spec": {
            "podSelector": {},
            "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 80}]}],
        }
    },
    "apis/policy/v1 poddisruptionbudgets": {"spec": {"minAvailable": "50%", "selector": {"matchLabels": _LABELS}}},
    "apis/rbac.authorization.k8s.io/v1 roles": {
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    },
    "apis/rbac.authorization.k8s.io/v1 rolebindings": {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "b"}],
    },
    "apis/autoscaling/v2 horizontalpodautoscalers": {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": _METRIC}],
        }
    },
    "apis/coordination.k8s.io/v1 leases": {
        "spec": {"holderIdentity": "x", "leaseDurationSeconds": 5, "renewTime": "2026-01-02T03:04:05.000006Z"}
    },
    "apis/discovery.k8s.io/v1 endpointslices": {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.3"], "conditions": {"ready": True}}],
        "ports": [{"name": "a", "port": 80, "protocol": "TCP"}],
    },
}
