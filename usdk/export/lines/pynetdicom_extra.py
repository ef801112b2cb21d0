"""The names that lines take from ``pynetdicom``, and the one place that may miss them.

The library logs data sets, identifiers of queries and peers at its finer levels. Errors are typed
here, so its loggers are silenced whole; nothing of a patient can reach a program's log by them.
"""

from __future__ import annotations

import logging

from usdk.errors import MissingExtraError

try:
    from pynetdicom import AE, _config, build_context, build_role, evt
    from pynetdicom.association import Association
    from pynetdicom.presentation import PresentationContext
    from pynetdicom.sop_class import (  # type: ignore[attr-defined]
        StorageCommitmentPushModel,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
        Verification,
    )
except ImportError as error:
    raise MissingExtraError.for_extra("cloud", "Delivery by DIMSE") from error

__all__ = [
    "AE",
    "Association",
    "PresentationContext",
    "StorageCommitmentPushModel",
    "StudyRootQueryRetrieveInformationModelFind",
    "StudyRootQueryRetrieveInformationModelGet",
    "Verification",
    "build_context",
    "build_role",
    "evt",
]

_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False
# A file goes out as its bytes are: decoded and encoded again it would be another object.
_config.STORE_SEND_CHUNKED_DATASET = True
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
