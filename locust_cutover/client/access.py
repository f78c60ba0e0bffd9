"""How to reach a site besides its URL: headers, a certificate authority, a password from the environment."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field


class AccessError(ValueError):
    """The site cannot be reached from this machine; the message says why."""


@dataclass(frozen=True)
class Access:
    """What the scenario says; secrets are only named, by their environment variables."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every visit; Host names the site if the URL does not."""
    ca: str = ""
    """The PEM file of a certificate authority that the system does not know."""
    user: str = ""
    """The environment variable with the user name for basic authentication (RFC 7617)."""
    password: str = ""
    """The environment variable with the password."""

    def fields(self) -> dict[str, str]:
        """The headers with the credentials; AccessError when a variable is not set or not UTF-8."""
        if not self.user:
            return dict(self.headers)
        pair = f"{_variable(self.user)}:{_variable(self.password)}"
        return {**self.headers, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def tls(self) -> ssl.SSLContext | None:
        """A context that trusts the certificate authority; None: the system's. AccessError for a bad file."""
        if not self.ca:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError:
            raise AccessError(f"site.ca: {self.ca}: expected a certificate in PEM, found none") from None
        except OSError as error:
            raise AccessError(f"site.ca: {self.ca}: {error.strerror}") from None


def _variable(name: str) -> str:
    if not os.environ.get(name):
        raise AccessError(f"site.auth: the environment variable {name} is not set")
    try:
        os.environ[name].encode()
    except UnicodeEncodeError:
        # The error itself would quote the value.
        raise AccessError(f"site.auth: the environment variable {name} is not UTF-8 text") from None
    return os.environ[name]
