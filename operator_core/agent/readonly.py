"""Tells commands that only read from those that may change something.

A command reads only when every part of it is known to: each program of each pipe and list is one that cannot write
with the arguments it was given, nothing is redirected to a file, and nothing is substituted. What is not understood
counts as a change, so a mistake errs on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from operator_core.agent.programs import Reads, program_reads
from operator_core.events import Effect

_parser = Parser(Language(tree_sitter_bash.language()))

_STRUCTURE = {
    "program", "list", "pipeline", "redirected_statement", "negated_command", "subshell", "compound_statement",
    "for_statement", "do_group", "if_statement", "elif_clause", "else_clause", "comment",
    "heredoc_redirect", "heredoc_start", "heredoc_body", "heredoc_content", "heredoc_end", "herestring_redirect",
}  # fmt: skip
_LITERALS = {
    "word",
    "string",
    "string_content",
    "raw_string",
    "number",
    "concatenation",
    "simple_expansion",
    "expansion",
}

_Variables = dict[str, list[str | None]]
"""The values that the command itself gives to each variable; None for one that is not plain text."""

_PLAIN = re.compile(r"[\w./:@%+=,][\w./:@%+=,-]*")
_OWN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_MAX_VALUES = 50


def effect_of(command: str, own: Reads = lambda words: False) -> Effect:
    """`reads` if nothing in this bash command can change anything, as far as is known; else `changes`.

    `own` tells of the programs that are the subject's own.
    """
    root = _parser.parse(command.encode()).root_node
    if root.has_error or not root.named_children:
        return "changes"
    variables: _Variables = {}
    if not _structure_reads(root, variables):
        return "changes"
    rounds = max((len(values) for values in variables.values()), default=1)
    if rounds > _MAX_VALUES:
        return "changes"
    commands = list(_commands(root))
    for index in range(rounds):
        chosen = {name: values[index % len(values)] for name, values in variables.items()}
        for node in commands:
            words = [_text_of(child, chosen) for child in _words(node)]
            if not program_reads(words, lambda inner: effect_of(inner, own), own):
                return "changes"
    return "reads"


def _commands(node: Node) -> Iterator[Node]:
    if node.type == "command":
        yield node
    for child in node.named_children:
        yield from _commands(child)


def _words(command: Node) -> list[Node]:
    words = []
    for child in command.named_children:
        if child.type == "command_name":
            words.extend(child.named_children)
        elif child.type in _LITERALS or child.type in ("brace_expression", "ansi_c_string"):
            words.append(child)
    return words


def _structure_reads(node: Node, variables: _Variables) -> bool:
    """Whether everything but the programs is harmless. Collects the variables that the command sets."""
    if node.type == "variable_assignment":
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        return (
            name is not None
            and value is not None
            and any(child.type == "=" for child in node.children)
            and _remember(variables, name, [value])
        )
    if node.type == "for_statement":
        name = node.child_by_field_name("variable")
        values = node.children_by_field_name("value")
        body = node.child_by_field_name("body")
        return (
            name is not None
            and body is not None
            and bool(values)
            and _remember(variables, name, values)
            and _structure_reads(body, variables)
        )
    if node.type == "file_redirect":
        return _redirect_reads(node)
    if node.type == "command":
        return all(
            child.type in ("command_name", "brace_expression", "ansi_c_string", "file_redirect")
            or child.type in _LITERALS
            or child.type == "variable_assignment"
            for child in node.named_children
        ) and all(_structure_reads(child, variables) for child in node.named_children)
    if node.type == "expansion":  # ${name} and no more: ${name@P} and its like can run commands
        return [child.type for child in node.children] == ["${", "variable_name", "}"]
    if node.type in _STRUCTURE:
        return all(child.type != "&" for child in node.children) and all(
            _structure_reads(child, variables) for child in node.named_children
        )
    if node.type in _LITERALS or node.type == "command_name":
        return all(_structure_reads(child, variables) for child in node.named_children)
    return node.type in ("variable_name", "special_variable_name", "brace_expression", "ansi_c_string")


def _remember(variables: _Variables, name: Node, values: list[Node]) -> bool:
    # Upper-case names (PATH, LD_PRELOAD, IFS ...) decide how other programs run.
    text = _source(name)
    if not _OWN_NAME.fullmatch(text):
        return False
    known = variables.setdefault(text, [])
    for value in values:
        if value.type == "command_substitution" or not _structure_reads(value, {}):
            return False
        plain = _text_of(value, {})
        known.append(plain if plain is not None and _PLAIN.fullmatch(plain) else None)
    return True


def _redirect_reads(node: Node) -> bool:
    operator = next((child.type for child in node.children if not child.is_named), "")
    target = node.child_by_field_name("destination")
    if target is None or target.type not in ("word", "number"):
        return False
    text = _source(target)
    if operator in (">&", "<&"):
        return text.isdigit()
    if operator == "<":
        return not text.startswith(("/dev/tcp", "/dev/udp"))
    return operator in (">", ">>", "&>", "&>>") and text == "/dev/null"


def _text_of(node: Node, variables: dict[str, str | None]) -> str | None:
    """The word that bash makes of this node, or None where that cannot be told from the command alone."""
    source = _source(node)
    if node.type == "word":
        # A glob or brace at the front could become an option.
        if source[:1] in tuple("*?[{~") or (source.startswith("-") and any(c in source for c in "*?[{")):
            return None
        return re.sub(r"\\(.)", r"\1", source, flags=re.DOTALL)
    if node.type in ("number", "string_content"):
        return source
    if node.type == "raw_string":
        return source[1:-1]
    if node.type in ("simple_expansion", "expansion"):
        return variables.get(source.strip("${}"))
    if node.type in ("string", "concatenation", "command_name"):
        if node.type == "string" and not node.named_children:
            return source[1:-1]
        if node.type == "string" and "\\" in source:
            return None
        parts: list[str] = []
        for child in node.named_children:
            # tree-sitter splits a{b,c} into words: only a brace at the front matters, and that is caught above
            part = _source(child) if node.type == "concatenation" and parts and child.type == "word" else None
            part = part if part is not None and "\\" not in part else _text_of(child, variables)
            if part is None:
                return None
            parts.append(part)
        return "".join(parts)
    return None


def _source(node: Node) -> str:
    return (node.text or b"").decode()
