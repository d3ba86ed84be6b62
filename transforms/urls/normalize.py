"""One spelling for URLs that mean the same page, for block lists and for comparing pages.

After RFC 3986, section 6.2, and the URL standard of WHATWG: scheme and host in lowercase, the
host in ASCII (IDNA, UTS 46) without its final dot, without "www."; no user, no default port, no
fragment; percent-encoding only where it is needed and in uppercase; dot segments resolved. What a
server may tell apart stays apart: the scheme, repeated or final slashes of a path, the order of a
query unless it is asked for.
"""

import ipaddress
import re
from urllib.parse import unquote_to_bytes

import idna

TRACKING = re.compile(
    r"(?:utm_\w*|[fgt]bclid|d?gclid|gclsrc|[gw]braid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|mc_[ce]id|_ga|_gl|_hs(?:enc|mi)|"
    r"mkt_tok|vero_(?:id|conv)|oly_(?:anon|enc)_id|wickedid|spm|scm|ref_src|ref_url|ocid|cmpid|"
    r"(?:php|j|asp)?sess(?:ion)?_?id|jsessionid|phpsessid|aspsessionid\w*|cfid|cftoken)",
    re.IGNORECASE,
)
"""Names of query parameters that say where a reader came from or which visit it is, not which page.
"""

_PLAIN = re.compile(
    r"(https?://)(?:www\.(?=[a-z0-9-]+\.))?(?!www\.)([a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?/[\w!$&'()*+,;=:@~/.-]*(?:\?[\w!$&'()*+,;=:@~/.?-]+)?)",
    re.ASCII,
)
_SPLIT = re.compile(r"(?is)(https?):[/\\]{2,}([^/\\?#]*)([^?#]*)(?:\?([^#]*))?")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]")
_SESSION_IN_PATH = re.compile(r"(?i);(?:jsessionid|phpsessid|sid)=[^/;?#]*")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_url(
    url: str, *, strip_tracking: bool = False, sort_query: bool = False
) -> str | None:
    """A URL -> its one spelling in ASCII, or None for what is no http(s) URL with a host.

    `strip_tracking` leaves out parameters of TRACKING and session ids; `sort_query` orders
    parameters by name and value. Idempotent: normalising the answer with the same options gives it
    again.
    """
    # Most URLs of a crawl are spelled so already.
    if (
        not (strip_tracking or sort_query)
        and (plain := _PLAIN.fullmatch(url))
        and ".." not in url
        and "/." not in url
    ):
        return plain[1] + plain[2]
    match = _SPLIT.match(
        url.strip(" \t\n\r\f\v\0").replace("\t", "").replace("\n", "").replace("\r", "")
    )
    if match is None:
        return None
    scheme, authority, path, query = match.groups()
    scheme = scheme.lower()
    host, colon, port = _split_port(authority.rpartition("@")[2])
    name = normalize_host(host)
    if name is None or (
        port
        and not (
            port.isascii()
            and port.isdigit()
            and int(port[-9:]) < 65536
            and len(port.lstrip("0")) < 6
        )
    ):
        return None
    shown_port = f":{int(port)}" if colon and port and int(port) != _DEFAULT_PORTS[scheme] else ""
    path = _without_dot_segments(_escape(path.replace("\\", "/")))
    query = _escape(query or "")
    if strip_tracking:
        path = _SESSION_IN_PATH.sub("", path)
        query = "&".join(
            part
            for part in query.split("&")
            if part and not TRACKING.fullmatch(part.partition("=")[0])
        )
    if sort_query:
        query = "&".join(sorted(part for part in query.split("&") if part))
    return f"{scheme}://{name}{shown_port}{path}" + (f"?{query}" if query else "")


def normalize_host(host: str) -> str | None:
    """A host as block lists and `normalize_url` spell it, or None if it is none.

    An IPv6 address stands in brackets.
    """
    if "%" in host:
        host = unquote_to_bytes(host.encode("utf-8", "replace")).decode("utf-8", "replace")
    if host.startswith("["):
        try:
            return (
                f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
                if host.endswith("]") and "%" not in host
                else None
            )
        except ValueError:
            return None
    host = host.lower()
    if not host.isascii():
        try:
            mapped = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
            host = ".".join(
                label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
                for label in mapped
            )
        except (idna.IDNAError, UnicodeError):
            return None
    host = host.rstrip(".")
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    if len(host) > 253 or ".." in host or not _HOST.fullmatch(host):
        return None
    return host


def url_host(url: str) -> str:
    """The host, without port, of a normalised URL."""
    authority = url.split("/", 3)[2]
    return (
        authority
        if authority.endswith("]")
        else authority.rpartition(":")[0] or authority
        if ":" in authority
        else authority
    )


def _split_port(authority: str) -> tuple[str, str, str]:
    if authority.endswith("]"):
        return authority, "", ""
    host, colon, port = authority.rpartition(":")
    return (host, colon, port) if colon else (authority, "", "")


def _escape(text: str) -> str:
    return _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def _without_dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4, for a path that is absolute or empty."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
