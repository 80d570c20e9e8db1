"""What the API server is told by flags, under the names that kube-apiserver has for them.

A subject is a file with one frozen struct, whose fields are the flags: `Annotated` with a `Meta` that holds the text of
--help, in upstream's sense. A path is a `File`; a `float` is seconds, written as a duration, a `Number` is not; a
tuple is written with commas. table.py puts the subjects together; the command line is derived from them
(cli/apiflags.py).

https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""
