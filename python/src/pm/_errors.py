"""The daemon's errors, told by their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence

import grpc
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Violation:
    """One field of a request that was refused."""

    field: str
    """Its path in the request, such as "spec.umask"."""
    problem: str
    """What is wrong with it."""


class Error(Exception):
    """An error that the daemon answered, or that kept a call from it.

    Decide by `reason` (such as "NAME_IN_USE"; empty where the daemon was not
    reached), never by the text.
    """

    def __init__(
        self,
        message: str,
        code: grpc.StatusCode,
        reason: str,
        metadata: Mapping[str, str],
        violations: Sequence[Violation],
    ) -> None:
        super().__init__(f"{message} ({reason})" if reason else message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata)
        self.violations = tuple(violations)

    @property
    def is_loss(self) -> bool:
        """Whether the connection failed, or the daemon is being replaced: the next one can answer."""
        if self.reason:
            return self.reason == "SHUTTING_DOWN"
        return self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)


def explain(error: grpc.RpcError) -> Error:
    """Makes an Error of what grpcio raised."""
    reason, metadata, violations = "", {}, []
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(bad):
                violations = [Violation(each.field, each.description) for each in bad.field_violations]
    return Error(error.details() or "", error.code(), reason, metadata, violations)
