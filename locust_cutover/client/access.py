"""How a site is reached besides by its URL: headers, a certificate authority, a password from the environment."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field


class AccessError(ValueError):
    """A machine lacks what the site is reached with; the text says what."""


@dataclass(frozen=True)
class Access:
    """What the scenario says; of a secret only the name of the environment variable that holds it."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every visit; Host is the name of the site when that is not its address."""
    ca: str = ""
    """The file of a certificate authority that the system does not know, in PEM."""
    user: str = ""
    """The environment variable with the user name for basic authentication (RFC 7617)."""
    password: str = ""
    """The environment variable with the password."""

    def fields(self) -> dict[str, str]:
        """The headers with the credentials among them; AccessError when a variable is not set or no text."""
        if not self.user:
            return dict(self.headers)
        pair = f"{_variable(self.user)}:{_variable(self.password)}"
        return {**self.headers, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def tls(self) -> ssl.SSLContext | None:
        """Trust in the certificate authority; None: in the system's. AccessError when the file is none."""
        if not self.ca:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError:
            raise AccessError(f"site.ca: {self.ca}: no certificate in PEM is in it") from None
        except OSError as error:
            raise AccessError(f"site.ca: {self.ca}: {error.strerror}") from None


def _variable(name: str) -> str:
    if not os.environ.get(name):
        raise AccessError(f"site.auth: the environment variable {name} is not set")
    try:
        os.environ[name].encode()
    except UnicodeEncodeError:
        # The error itself would quote the value.
        raise AccessError(f"site.auth: the environment variable {name} is not in UTF-8") from None
    return os.environ[name]
