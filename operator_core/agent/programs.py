"""The programs that are known to read, and the arguments with which they do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from operator_core.events import Effect

Words = Sequence[str | None]
"""A program's name and arguments; None for one whose text is not known before the command runs."""

EffectOf = Callable[[str], Effect]

Reads = Callable[[Sequence[str]], bool]
"""Whether a program, name and arguments, changes nothing."""

_ANY_ARGUMENTS = {
    "cat", "head", "tail", "wc", "grep", "egrep", "fgrep", "cut", "tr", "nl", "tac", "rev", "ls", "stat", "du",
    "df", "free", "uptime", "uname", "whoami", "id", "pwd", "echo", "true", "false", ":", "break", "continue",
    "sleep", "seq",
    "basename", "dirname", "realpath", "readlink", "md5sum", "sha1sum", "sha256sum", "cmp", "comm", "fold",
    "expand", "jq", "ps", "pgrep", "pidof", "netstat", "lsof", "vmstat", "iostat", "printenv", "which", "type",
    "getent", "cksum", "od", "hexdump", "strings", "nproc", "lscpu",
}  # fmt: skip
_NO_ARGUMENTS = {"env", "hostname"}


def program_reads(words: Words, effect_of: EffectOf, own: Reads) -> bool:
    """Whether this one program, with these arguments, cannot change anything. `effect_of` judges a command inside,
    `own` the programs that are the subject's."""
    name = words[0] if words else None
    if name is None:
        return not words  # a bare assignment has no words; a name that is not known may be anything
    arguments = words[1:]
    if name in _ANY_ARGUMENTS:
        return True
    if name in _NO_ARGUMENTS:
        return not arguments
    if name in _INNER:
        return _INNER[name](arguments, effect_of, own)
    known = [argument for argument in arguments if argument is not None]
    if len(known) < len(arguments):
        return False
    judge = _JUDGED.get(name)
    return judge(known) if judge is not None else own([name, *known])


def _lab(arguments: Words, effect_of: EffectOf, own: Reads) -> bool:
    if not arguments or arguments[0] is None:
        return False
    if arguments[0] in ("ps", "logs"):
        return True
    if arguments[0] != "exec":
        return False
    inner = [argument for argument in arguments[1:] if argument is not None and argument != "--"]
    # The words make one command line for another shell.
    return None not in arguments and effect_of(" ".join(inner)) == "reads"


def _operator(arguments: Words, effect_of: EffectOf, own: Reads) -> bool:
    if arguments[:1] == ["lab"]:
        return _lab(arguments[1:], effect_of, own)
    return tuple(arguments[:2]) in {("tickets", "list"), ("tickets", "show"), ("audit", "list"), ("audit", "show")}


def _timeout(arguments: Words, effect_of: EffectOf, own: Reads) -> bool:
    if not arguments or arguments[0] is None or not re.fullmatch(r"[\d.]+[smh]?", arguments[0]):
        return False
    return program_reads(arguments[1:], effect_of, own)


_INNER: dict[str, Callable[[Words, EffectOf, Reads], bool]] = {
    "lab": _lab,
    "operator": _operator,
    "timeout": _timeout,
    "time": program_reads,
}

_CURL_FLAGS = set("sSfivkLgN46I")
_CURL_WITH_VALUE = set("mHwXo")
_CURL_LONG = {
    "--silent", "--show-error", "--fail", "--fail-with-body", "--include", "--head", "--verbose", "--insecure",
    "--location", "--compressed", "--globoff", "--no-buffer", "--http1.1", "--retry-connrefused",
}  # fmt: skip
_CURL_LONG_WITH_VALUE = {
    "--max-time": "m", "--connect-timeout": "m", "--header": "H", "--write-out": "w", "--request": "X", "--output": "o",
    "--retry": "m", "--retry-delay": "m",
}  # fmt: skip
_URL = re.compile(r"https?://|localhost\b|[\d\[]")


def _curl(arguments: Sequence[str]) -> bool:
    urls = 0
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument.startswith("--"):
            option, given, value = argument.partition("=")
            if option in _CURL_LONG and not given:
                continue
            letter = _CURL_LONG_WITH_VALUE.get(option)
            if letter is None or given or not rest or not _curl_value(letter, rest.pop(0)):
                return False
        elif argument.startswith("-"):
            letters = argument[1:]
            while letters and letters[0] in _CURL_FLAGS:
                letters = letters[1:]
            if not letters:
                continue
            if letters[0] not in _CURL_WITH_VALUE:
                return False
            value = letters[1:] or (rest.pop(0) if rest else "")
            if not _curl_value(letters[0], value):
                return False
        elif _URL.match(argument):  # other schemes (gopher, dict, telnet) can say anything to a server
            urls += 1
        else:
            return False
    return urls > 0


def _curl_value(letter: str, value: str) -> bool:
    if letter == "X":
        return value in ("GET", "HEAD")
    if letter == "o":
        return value in ("/dev/null", "-")
    if letter == "w":
        return "%output" not in value and not value.startswith("@")
    return bool(value)


def _without(*dangerous: str) -> Callable[[Sequence[str]], bool]:
    """Reads unless one of these options is given; a short one also inside a group such as -nro."""
    letters = {option[1] for option in dangerous if len(option) == 2}

    def judge(arguments: Sequence[str]) -> bool:
        for argument in arguments:
            if argument.startswith("--"):
                # long options may be shortened: --out for --output
                if any(option.startswith(argument.partition("=")[0]) for option in dangerous if len(option) > 2):
                    return False
            elif argument.startswith("-") and letters & set(argument[1:]):
                return False
        return True

    return judge


def _date(arguments: Sequence[str]) -> bool:
    return all(a.startswith("+") or a in ("-u", "-R", "--utc", "-Is", "-Ins") for a in arguments)


def _find(arguments: Sequence[str]) -> bool:
    return not any(a.startswith(("-exec", "-ok", "-delete", "-fprint", "-fls")) for a in arguments)


def _printf(arguments: Sequence[str]) -> bool:
    return not arguments or not arguments[0].startswith("-")


def _sed(arguments: Sequence[str]) -> bool:
    match arguments:
        case ["-n", script, *files]:
            lines = re.fullmatch(r"(\d+|\$|/[^/]*/)(,(\d+|\$|/[^/]*/))?p", script)
            return lines is not None and not any(file.startswith("-") for file in files)
    return False


def _top(arguments: Sequence[str]) -> bool:
    return any(a.startswith("-") and "b" in a for a in arguments)


def _uniq(arguments: Sequence[str]) -> bool:
    return sum(not a.startswith("-") for a in arguments) <= 1


_JUDGED: dict[str, Callable[[Sequence[str]], bool]] = {
    "curl": _curl,
    "column": _without(),
    "date": _date,
    "diff": _without("--output"),
    "file": _without("-C", "--compile"),
    "find": _find,
    "printf": _printf,
    "sed": _sed,
    "sort": _without("-o", "--output", "--compress-program", "-T", "--temporary-directory"),
    "ss": _without("-K", "--kill"),
    "top": _top,
    "uniq": _uniq,
}
