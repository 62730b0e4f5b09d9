"""What counts as reading. The table is the specification: when in doubt, a command changes something."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from operator_core.agent.readonly import effect_of

READS = [
    "# nothing",
    "lab ps",
    "lab logs node-2 -n 50",
    "operator lab ps",
    "operator tickets list",
    "operator audit show 3",
    "ls -la /var/log",
    "cat /etc/hosts | grep -v '^#' | sort -u | head -5",
    "curl -s http://127.0.0.1:7001/healthz",
    "curl -sS -m 2 -H 'accept: text/plain' http://127.0.0.1:7001/metrics | grep store_up",
    "curl -s -m1 -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:7001/readyz",
    "curl -s -X GET http://localhost:80/",
    "curl -sI https://example.org 2>/dev/null",
    "curl -s --max-time 2 --fail 127.0.0.1:7001/healthz",
    "for p in 7001 7002 7003; do curl -s -m 1 http://127.0.0.1:$p/healthz; done",
    'for a in localhost:1 localhost:2; do for p in healthz v1/config; do echo "## $a"; curl http://$a/$p; done; done',
    'for a in 1 2; do curl -s "http://127.0.0.1:${a}/x" && break; sleep 0.3; done',
    "ps aux | grep [n]ode",
    "ps -o pid,args -p 123",
    "ss -tlnp 2>&1 | head",
    "find . -name '*.log' -newer x",
    "sed -n '10,20p' file",
    "sed -n '/error/p' file",
    "tail -n 20 a.log; wc -l a.log",
    "test=1; echo $test",
    "lab exec 'ls -l | wc -l'",
    "lab exec -- cat file",
    "timeout 5 curl -s http://127.0.0.1:1/",
    "date -u +%s",
    "sort < input | uniq -c",
    "cat <<'EOF'\nhello\nEOF",
    "(ls; pwd) | cat",
    "{ ls; pwd; }",
    "! grep -q x file",
    "if curl -sf http://127.0.0.1:1/; then echo up; else echo down; fi",
    "echo a >/dev/null 2>&1",
    "env",
    "jq '.[] | .name' file.json",
    "top -b -n 1 | head",
    "diff a b",
]

CHANGES = [
    "",
    "lab start node-2",
    "lab restart store",
    "lab kill node-1",
    "lab exec 'rm x'",
    "lab exec ls '&&' rm x",
    "lab exec -- rm x",
    "lab",
    "operator reset",
    "operator lab stop node-1",
    "rm -rf /tmp/x",
    "ls > out",
    "ls >> out",
    "ls &> out",
    "ls 2> err",
    "ls >| out",
    "cat <> out",
    "cat < /dev/tcp/127.0.0.1/6379",
    "echo $(rm x)",
    "echo `rm x`",
    'echo "$(id)"',
    "cat <(rm x)",
    "cat <<EOF\n$(rm x)\nEOF",
    'cat <<< "$(rm x)"',
    "echo ${x@P}",
    "echo ${x:-$(rm x)}",
    "echo $((i++))",
    "sudo ls",
    "ls | tee out",
    "ls | xargs rm",
    "ls; rm x",
    "ls && rm x",
    "ls || rm x",
    "ls & rm x",
    "sleep 100 &",
    "if true; then rm x; fi",
    "for f in a b; do rm $f; done",
    "while true; do ls; done",
    "f() { rm x; }; f",
    "ls() { rm x; }; ls",
    "alias ls=rm",
    "eval ls",
    "bash -c ls",
    "sh -c 'rm x'",
    "python -c 'print(1)'",
    "exec ls",
    "source x",
    ". ./x",
    "export PATH=/tmp:$PATH; ls",
    "PATH=/tmp ls",
    "LD_PRELOAD=/tmp/x.so ls",
    "for PATH in /tmp; do ls; done",
    "IFS=x; ls",
    "$cmd",
    "x=rm; $x file",
    "/tmp/ls",
    "./cat file",
    "env rm x",
    "hostname newname",
    "date -s tomorrow",
    "date 010100002030",
    "kill 1",
    "curl -X POST http://127.0.0.1:1/",
    "curl -XDELETE http://127.0.0.1:1/",
    "curl -sXPUT http://127.0.0.1:1/",
    "curl -d a=1 http://127.0.0.1:1/",
    "curl --data a=1 http://127.0.0.1:1/",
    "curl --json '{}' http://127.0.0.1:1/",
    "curl -T file http://127.0.0.1:1/",
    "curl -F a=b http://127.0.0.1:1/",
    "curl -o file http://127.0.0.1:1/",
    "curl -O http://127.0.0.1:1/a",
    "curl -so file http://127.0.0.1:1/",
    "curl -w '%output{/tmp/x}a' http://127.0.0.1:1/",
    "curl -K config http://127.0.0.1:1/",
    "curl -c jar http://127.0.0.1:1/",
    "curl gopher://127.0.0.1:6379/_FLUSHALL",
    "curl dict://127.0.0.1:6379/flushall",
    "curl file.example -o x",
    "curl $url",
    "curl -s http://127.0.0.1:1/ $options",
    "for o in -ofile; do curl $o http://127.0.0.1:1/; done",
    "for s in http gopher; do curl $s://127.0.0.1:6379/_FLUSHALL; done",
    'for u in "http://127.0.0.1:1/ -o x"; do curl $u; done',
    "read u; curl $u",
    "curl",
    "wget http://127.0.0.1:1/",
    "sort -o out in",
    "sort --output=out in",
    "sort --outp out in",
    "sort -ro out in",
    "sort --compress-program=rm in",
    "sort *",
    "uniq in out",
    "find . -delete",
    "find . -exec rm {} ;",
    "find . -fprint out",
    "sed -i s/a/b/ file",
    "sed 's/a/b/w out' file",
    "sed -n '1e rm x' file",
    "sed -n p -i file",
    "awk 'BEGIN{system(\"rm x\")}'",
    "ss -K dst 127.0.0.1",
    "printf -v PATH /tmp",
    "top",
    "timeout 5 rm x",
    "timeout -s KILL 5 ls",
    "time rm x",
    "redis-cli FLUSHALL",
    "systemctl restart x",
    "ls |",
    "ls 'unclosed",
    "[[ -f x ]] && ls",
    "coproc ls",
    "trap 'rm x' EXIT; ls",
    "\\rm x",
    "'r'm x",
    "l''s; r\"\"m x",
]


@pytest.mark.parametrize("command", READS)
def test_reads(command: str) -> None:
    assert effect_of(command) == "reads"


@pytest.mark.parametrize("command", CHANGES)
def test_may_change(command: str) -> None:
    assert effect_of(command) == "changes"


def test_a_loop_over_very_many_values_is_not_worth_judging() -> None:
    values = " ".join(str(n) for n in range(1000))
    assert effect_of(f"for n in {values}; do curl -s http://127.0.0.1:$n/; done") == "changes"


def test_a_subject_vouches_for_its_own_programs_alone() -> None:
    def own(words: Sequence[str]) -> bool:
        return list(words[:2]) == ["kettle", "look"]

    assert effect_of("kettle look | grep hot; timeout 3 kettle look", own) == "reads"
    assert effect_of("lab exec -- kettle look", own) == "reads"
    assert effect_of("kettle boil", own) == "changes"
    assert effect_of("kettle look > /etc/passwd", own) == "changes"
    assert effect_of("kettle look") == "changes"
