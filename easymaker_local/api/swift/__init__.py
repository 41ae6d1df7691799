"""Object storage in OpenStack Swift's words: an application of its own, served by https on the gateway's port (rest-api §8).

Nothing here is enveloped: clients are the vendor's SDK, python-swiftclient, rclone and curl. Routes parse and answer; what
happens is ``services/objects.py``. No Host header is checked, unlike the API: no request counts without a secret in a
header, which a foreign web page cannot make a browser send.
"""

from easymaker_local.api.swift.app import SwiftApp

__all__ = ["SwiftApp"]
