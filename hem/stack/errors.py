"""What a person at the terminal is told when the stack can't start."""


class StackError(Exception):
    """Why a part can't run and what to do about it, in whole sentences meant to be printed as they are."""
