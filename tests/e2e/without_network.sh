# In a bare network namespace: sh without_network.sh <python> <data directory> <flags of knarr up>
set -e
python=$1 data=$2
shift 2
trap '"$python" -m knarr reset --data-dir "$data" --kubeconfig "$data.kubeconfig"' EXIT
"$python" -m knarr up "$@" --kubeconfig "$data.kubeconfig"
export KUBECONFIG="$data.kubeconfig" KUBECACHEDIR="$data.cache"
kubectl create deployment web --image=nginx
kubectl expose deployment web --port=80
kubectl rollout status deployment/web --timeout=60s
kubectl run visitor --image=busybox --restart=Never -- sh -c 'until wget -qO- http://web; do sleep 1; done; sleep 1000'
kubectl wait --for=condition=Ready pod/visitor --timeout=60s
kubectl exec visitor -- wget -qO- http://web.default.svc.cluster.local
