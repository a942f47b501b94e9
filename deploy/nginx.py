"""Writes deploy/nginx.conf, the door in containers, from the routing table: `python deploy/nginx.py`.

The same paths and the same words as the door of one machine (`hem/front.py`). nginx 1.26 as a user without rights, on a root
that can't be written to: everything it writes is in /tmp.
"""

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from hem.refusals import DOWN, REFUSAL_HEADERS, SAFE_HEADERS
from hem.routing import ROUTES
from services.chassis.web.limits import MAX_BODY
from services.chassis.web.problem import KINDS, Kind
from services.gateway.app import service

FILE = Path(__file__).with_name("nginx.conf")
TOO_MUCH = MAX_BODY + 2**20  # a service refuses what is over its own limit, in its own words
# What nginx refuses before a service is asked, by its own code: the words are those of a service where it has some.
REFUSED = {
    400: KINDS[400],
    405: KINDS[405],
    413: KINDS[413],
    414: Kind("too-long", "The address is too long", "Send what is long in a body."),
    494: Kind("headers-too-large", "The headers are too large", "Send fewer cookies or shorter headers."),
    500: KINDS[500],
    501: replace(KINDS[400], detail="The request is coded in a way that we do not read."),
}
STATUS = {494: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE}  # where nginx's code is none that others know

TEMPLATE = """\
# Written by deploy/nginx.py from hem/routing.py: change those, and run it again.

worker_processes 2;
worker_rlimit_nofile 4096;
# A stream would hold a stop until it is ended by force.
worker_shutdown_timeout 10s;
pid /tmp/nginx.pid;
# Lesser errors are told with the address that was asked for and of whom it came: that is in no log of ours.
error_log stderr crit;

events {
    worker_connections 2048;
}

http {
    client_body_temp_path /tmp/client_body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;

    # An answer's type is what its service says, never what its address ends in.
    types { }
    default_type application/octet-stream;
    server_tokens off;

    log_format plain escape=json '{"timestamp":"$time_iso8601","service":"nginx","event":"answered","method":"$request_method","of":"$service","status":"$status","bytes":$bytes_sent,"seconds":$request_time}';
    access_log /dev/stdout plain;

    # Whose path is whose: the longest prefix in whole segments, of the address as it was sent.
    map $request_uri $service {
        default @REST@;
@ROUTES@
    }
    map $service $upstream {
        default $service:8000;
        catcher maildev:1080;
    }
    # Nobody but this machine reaches nginx; what stands before it there says whether the person came over TLS.
    map $http_x_forwarded_proto $scheme_outside {
        default http;
        https https;
    }
    map $http_accept $down {
        default /-/down/problem;
        ~text/html /-/down/page;
    }

    # Docker's own name server: replicas come and go.
    resolver 127.0.0.11 valid=5s ipv6=off;
    resolver_timeout 3s;

    client_max_body_size @TOO_MUCH@;
    client_header_timeout 15s;
    client_body_timeout 30s;
    send_timeout 60s;
    keepalive_timeout 60s;
    reset_timedout_connection on;

    proxy_http_version 1.1;
    proxy_connect_timeout 3s;
    proxy_send_timeout 60s;
    # A stream of live figures is silent for long.
    proxy_read_timeout 1h;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    proxy_redirect off;
    # Another replica is asked once, unless that could do a thing twice.
    proxy_next_upstream error timeout;
    proxy_next_upstream_tries 2;
    proxy_next_upstream_timeout 10s;

    # What comes from outside under these names is made up.
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme_outside;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header Forwarded "";
    # Between two neighbours only.
    proxy_set_header Connection close;
    proxy_set_header Keep-Alive "";
    proxy_set_header Proxy-Connection "";
    proxy_set_header Proxy-Authorization "";
    proxy_set_header TE "";
    proxy_set_header Trailer "";
    proxy_set_header Upgrade "";

    server {
        listen 8080 default_server;
        merge_slashes off;

        location / {
            proxy_pass http://$upstream;
        }

        # Files are sent there.
        location ~ ^/(?:ops/gateway/)?connectors/ {
            client_max_body_size @FILES@;
            proxy_pass http://$upstream;
        }

        location = /health/live {
            default_type text/plain;
@SAFE_HEADERS@
            return 200 'live\\n';
        }

        # What nginx says itself.
        error_page 502 504 = $down; # one status, however it is gone
@ERROR_PAGES@

        location = /-/down/problem {
            internal;
            default_type application/problem+json;
@REFUSAL_HEADERS@
            return 502 '@PROBLEM@';
        }

        location = /-/down/page {
            internal;
            default_type "text/html; charset=utf-8";
@REFUSAL_HEADERS@
            return 502 '@PAGE@';
        }
@REFUSALS@    }
}
"""

REFUSAL = """
        location = /-/refused/@CODE@ {
            internal;
            default_type application/problem+json;
@SAFE_HEADERS@
            return @STATUS@ '@PROBLEM@';
        }
"""


def routes() -> list[tuple[str, str]]:
    """The table as patterns and services, in the order in which they are tried; who matches none is with the rest."""
    prefixes = sorted((prefix for prefix in ROUTES if prefix != "/"), key=len, reverse=True)
    return [(f"^{prefix}(?:[/?#]|$)", ROUTES[prefix]) for prefix in prefixes]


def config() -> str:
    """The whole of nginx.conf."""
    parts = {
        "REST": ROUTES["/"],
        "ROUTES": "\n".join(f'        "~{pattern}" {service};' for pattern, service in routes()),
        "TOO_MUCH": str(TOO_MUCH),
        "FILES": str(max(service.larger_bodies.values()) + 2**20),
        "ERROR_PAGES": "\n".join(f"        error_page {code} = /-/refused/{code};" for code in REFUSED),
        "REFUSALS": "".join(_refusal(code) for code in REFUSED),
        "PROBLEM": _json(DOWN.problem("$service")),
        "PAGE": DOWN.page("$service"),
        "REFUSAL_HEADERS": _headers(REFUSAL_HEADERS),
        "SAFE_HEADERS": _headers(SAFE_HEADERS),
    }
    return _filled(TEMPLATE, parts)


def _refusal(code: int) -> str:
    kind, status = REFUSED[code], int(STATUS.get(code, code))
    problem = {"type": f"urn:hem:problem:{kind.slug}", "title": kind.title, "status": status, "detail": kind.detail}
    return _filled(REFUSAL, {"CODE": str(code), "STATUS": str(status), "PROBLEM": _json(problem)})


def _headers(headers: dict[str, str]) -> str:
    return "\n".join(f'            add_header {name} "{value}" always;' for name, value in headers.items())


def _json(problem: dict[str, Any]) -> str:
    return orjson.dumps(problem).decode()


def _filled(template: str, parts: dict[str, str]) -> str:
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template


if __name__ == "__main__":
    FILE.write_text(config())
