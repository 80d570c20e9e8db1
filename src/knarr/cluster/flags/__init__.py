"""What the API server, the controllers and the kubelet are told by flags, under upstream's names for them.

A subject is a file with one frozen struct, whose fields are the flags: `Annotated` with a `Meta` that holds the text of
--help, in upstream's sense. A path is a `File`; a `float` is seconds, written as a duration, a `Number` is not; a
tuple is written with commas. table.py puts the subjects of each part together; the command line is derived from them
(cli/flags.py).

https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/
"""
