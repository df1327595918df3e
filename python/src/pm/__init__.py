"""Client of pm, a process manager for Linux.

dial() finds the daemon as the pm command does. The generated messages are in
pm.v1; every error of the daemon is an Error with the contract's reason.
"""

from ._client import Client, Piece, Process, dial
from ._errors import Error, Violation

__all__ = ["Client", "Error", "Piece", "Process", "Violation", "dial"]
