"""What goes into each image: Debian packages, a few files of our own, and what runs.

Packages are named one by one, without their dependencies: an image holds what its program needs to run and nothing
else. Every image stands on the same base (busybox and libc), so that each has a shell to look around with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BASE_PACKAGES = ("busybox", "libc6")
BASE_FILES: Mapping[str, str] = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
    ),
    "etc/group": "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image; `names` are repository:tag as a registry mirror sees them (docker.io's own begin with library/)."""

    names: tuple[str, ...]
    packages: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    executables: tuple[str, ...] = ()  # of `files`
    folders: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"


NGINX_CONF = """\
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 256; }
http {
    include /etc/nginx/mime.types;
    access_log /dev/stdout;
    server {
        listen 80;
        root /usr/share/nginx/html;
        index index.html;
    }
}
"""

HTTPD_CONF = """\
ServerRoot /usr/lib/apache2
ServerName localhost
PidFile /run/httpd.pid
Listen 80
User www-data
Group www-data
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule mime_module modules/mod_mime.so
LoadModule dir_module modules/mod_dir.so
TypesConfig /etc/mime.types
DocumentRoot /usr/local/apache2/htdocs
DirectoryIndex index.html
ErrorLog /dev/stderr
"""

# Healthy for ten seconds, then not: what the documentation's liveness example serves.
LIVENESS_SERVER = r"""#!/usr/bin/perl
use strict;
use warnings;
use IO::Socket::INET;

my $started = time;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 16, ReuseAddr => 1) or die "listen: $!\n";
$SIG{TERM} = sub { exit 0 };
while (1) {
    my $client = $server->accept or next;
    while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/ }
    my $age = time - $started;
    my ($status, $body) = $age > 10 ? ("500 Internal Server Error", "error: $age s") : ("200 OK", "ok");
    print $client "HTTP/1.1 $status\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
    close $client;
}
"""

PERL = ("perl-base", "libcrypt1")

RECIPES = (
    Recipe(("library/busybox:latest", "library/busybox:1.28"), command=("sh",)),
    Recipe(
        ("library/nginx:latest", "library/nginx:1.7.9", "library/nginx:1.9.1"),
        packages=("nginx", "nginx-common", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g"),
        files={
            "etc/nginx/nginx.conf": NGINX_CONF,
            "usr/share/nginx/html/index.html": (
                "<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n"
            ),
        },
        folders=("run", "var/log/nginx", "var/lib/nginx"),
        command=("nginx", "-g", "daemon off;"),
        stop_signal="SIGQUIT",
    ),
    Recipe(
        ("library/httpd:latest", "library/httpd:2.4"),
        packages=(
            "apache2-bin",
            "libapr1",
            "libaprutil1",
            "libcrypt1",
            "libexpat1",
            "libgcc-s1",
            "libpcre2-8-0",
            "libuuid1",
        ),
        files={
            "etc/apache2/httpd.conf": HTTPD_CONF,
            "etc/mime.types": "text/html html htm\ntext/plain txt\n",
            "usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n",
        },
        folders=("run", "var/log/apache2"),
        command=("/usr/sbin/apache2", "-f", "/etc/apache2/httpd.conf", "-D", "FOREGROUND"),
        stop_signal="SIGWINCH",
    ),
    Recipe(
        ("library/perl:latest", "library/perl:5.34.0"),
        # the perl core's own bpi() fails in 5.36; the separate, newer Math::BigInt is looked up before it
        packages=(*PERL, "perl", "perl-modules-5.36", "libperl5.36", "libmath-bigint-perl"),
        command=("perl", "-de0"),
    ),
    Recipe(
        ("liveness:latest",),
        packages=PERL,
        files={"server": LIVENESS_SERVER},
        executables=("server",),
    ),
    Recipe(("knarr/openssl:latest",), packages=("openssl", "libssl3"), command=("openssl", "version")),
    Recipe(
        ("google_samples/gb-frontend:v3", "google-samples/gb-frontend:v3"),
        files={"var/www/html/index.html": "<!DOCTYPE html>\n<title>Guestbook</title>\n<h1>Guestbook</h1>\n"},
        command=("sh", "-c", "httpd -f -p 80 -h /var/www/html & trap 'kill $!; exit 0' TERM; wait"),
    ),
)
