"""Passwords and other secrets taken out of text that is shown or recorded.

What is a secret is known by where it stands (the password of a URL) and by its name (`--api-key`, `HF_TOKEN=`). Where
it is not certain how far one goes, more is hidden rather than less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

_HIDDEN = "***"
_Span = tuple[int, int]

# a URL, and an entry of its query: in text, where a tab may be of a password, and as a word, which is all of it. What
# an entry holds is looked at and not passed: that of --store=URL has entries of its own.
_IN_TEXT = (
    re.compile(r"[\w+.-]+://(?P<rest>(?:[^\s:/?#@]+:(?!\d+(?:[/?#\s]|$))[^ \r\n@]+ [^\r\n@]{0,100}@)?[^ \r\n]*)"),
    re.compile(r"\b(?P<name>\w+)=(?=(?P<value>'[^'\r\n]*'|[^ \r\n&]+))"),
)
_IN_A_WORD = re.compile(r"[\w+.-]+://(?P<rest>.*)", re.DOTALL), re.compile(r"\b(?P<name>\w+)=(?=(?P<value>[^&]+))")
_HOST_AND_PORT = re.compile(r"[^/?#]*:\d+(?:[/?#]|$)")

_ENDS_A_NAME = re.compile(
    r"(?:password|passwd|passphrase|passcode|secret|token|apikey|accesskey|secretkey|privatekey|credential)s?$"
)
_COUNTED = re.compile(r"(?:tokens|keys)$")
"""A number of these is a setting: `--max-tokens`."""
_LAST_WORDS = frozenset(
    ["pass", "pwd", "pw", "key", "auth", "oauth", "otp", "authorization", "bearer", "cookie", "jwt", "webhook"]
)
_SIGNS_A_URL = frozenset(["sig", "signature"])
"""Names in a query with which whoever has them may do what the URL says."""
_KNOWN_BY_SIGHT = re.compile(
    r"\b(?:Bearer\s+(?P<bearer>[\w.~+/=-]+)"
    r"|(?P<token>(?:hf_|sk-|gh[opusr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|ASIA|AIza|eyJ)[\w.-]{16,}))"
)
"""Tokens of Hugging Face, OpenAI, GitHub, GitLab, Slack, AWS and Google, a JWT, and what bears one in a header."""
_LOGIN = re.compile(r"(?:-u|-U|--user|--login|--proxy-user)")
_LOGIN_AND_VALUE = re.compile(r"(?:-[uU]|--(?:user|login|proxy-user)=)(?P<value>.+)", re.DOTALL)
_WITH_PASSWORD = re.compile(r"[^:/]+:(?P<password>(?!\d+$|[/\\]).+)", re.DOTALL)
"""A name and its password; a host has a port."""
_AT_A_HOST = re.compile(r"[\w.-]+:(?P<password>[^\s/:@]+)@[\w.-]+(?::.*)?")
_ONLY_A_TOKEN = re.compile(r"(?:[\w.-]+\+)?https?://(?P<token>[^\s/?#:@]+)@")
"""Of the web, where nobody logs in by a name alone."""
_SHORT = ("-p", "-P")
_NO_PASSWORD = re.compile(
    r"[-+]?[\d.,:e+-]*(?:inf|nan)?|true|false|yes|no|none|null|.*[/\\].*|-.*", re.IGNORECASE | re.DOTALL
)
"""A number, a port, a truth value, a path, another option."""
_HAVE_ANOTHER_P = frozenset(["mkdir", "srun", "sbatch", "salloc", "cp", "ssh", "scp", "kill", "ps", "nice", "time"])
_TAKE_PASSWORDS = {"-p": re.compile(r"(?:mysql|mariadb)\w*|sshpass|mongo\w*"), "-a": re.compile(r"redis-cli")}
"""Programs that take one behind a short option, with or without a space."""
_IN_QUOTES_OR_NONE = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'])+")
_SAYS_NOTHING = re.compile(r"(?:[-_.]?(?:value|text|string|plain|\d+))+$", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_QUOTED = r"\"[^\"]*\"|'[^']*'"
_NAME = r"[A-Za-z_][\w.-]*"
_OPTION = re.compile(rf"[-+]*(?P<name>{_NAME})(?:=(?P<value>.*))?", re.DOTALL)
_INSIDE = re.compile(
    rf"""(?P<name>{_NAME})["']?(?:\s*[:=]\s*|\s+(?<=\s))(?P<value>(?:(?:Bearer|Basic|Token)\s+)?(?:{_QUOTED}|[^\s,;&}}]+))"""
)


def redacted(text: str, secret: str = "") -> str:
    """Return the text with `***` for every password of a URL in it.

    secret: a URL whose password is hidden wherever else it stands in the text.
    """
    for begin, end in _secrets_of_urls(secret, _IN_A_WORD):
        text = _without(text, secret[begin:end])
    return _hide(text, [*_secrets_of_urls(text, _IN_TEXT), *_tokens(text)])


def redacted_url(url: str) -> str:
    """Return a URL with `***` for its password, whatever characters that has."""
    return _hide(url, _secrets_of_urls(url, _IN_A_WORD))


def redacted_command(words: Sequence[str]) -> list[str]:
    """Return the words of a command with `***` for each password and each value whose name says that it is secret."""
    return [_hide(word, spans) for word, spans in zip(words, _secrets_of_command(words), strict=True)]


def redacted_talk(text: str, words: Sequence[str]) -> str:
    """Return what a command printed, with `***` for the secrets that its words gave it."""
    for word, spans in zip(words, _secrets_of_command(words), strict=True):
        for begin, end in spans:
            text = _without(text, word[begin:end])
    return redacted(text)


def _without(text: str, secret: str) -> str:
    for form in (secret, unquote(secret)):
        if len(form) > 2 or not form.isalnum():  # of a letter or two, which stand everywhere, nothing would be left
            text = text.replace(form, _HIDDEN) if form else text
    return text


def _hide(text: str, spans: Sequence[_Span]) -> str:
    """Return the text with `***` in place of each part; of parts that overlap there is one."""
    whole: list[_Span] = []
    for begin, end in sorted(spans):
        if whole and begin < whole[-1][1]:
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((begin, end))
    for begin, end in reversed(whole):
        text = text[:begin] + _HIDDEN + text[end:]
    return text


def _secrets_of_urls(text: str, patterns: tuple[re.Pattern[str], re.Pattern[str]]) -> list[_Span]:
    """Return where passwords stand: before the last @ of a URL, and in its query."""
    url, in_query = patterns
    in_queries = [found.span("value") for found in in_query.finditer(text) if _is_password(found["name"])]
    spans = list(in_queries)
    for found in url.finditer(text):
        begin, end = found.span("rest")
        ats = [at for at in range(begin, end) if text[at] == "@"]
        # greedy: a password with an @, a / or a quote that nobody escaped is hidden whole
        outside = [at for at in ats if not any(first <= at < last for first, last in in_queries)]
        if ats and not outside and not _HOST_AND_PORT.match(found["rest"]):
            outside = [max(last for _, last in in_queries)]  # what looked like a query is the password's
        if (token := _ONLY_A_TOKEN.match(text, found.start())) is not None:
            spans.append(token.span("token"))
        if outside and 0 <= (colon := text.find(":", begin, outside[-1])) < outside[-1] - 1:
            spans.append((colon + 1, outside[-1]))
    return spans


def _is_password(name: str) -> bool:
    # one that is misspelt is a password too
    return "pass" in name.lower() or name.lower() in _SIGNS_A_URL or _is_secret(name)


def _tokens(text: str) -> list[_Span]:
    """Return where something stands that looks as tokens do."""
    found = _KNOWN_BY_SIGHT.finditer(text)
    return [one.span("bearer" if one["bearer"] is not None else "token") for one in found]


def _secrets_of_command(words: Sequence[str]) -> list[list[_Span]]:
    """Return where secrets stand in each word of a command."""
    secrets = []
    program = _program(words)
    is_named_before = False
    for before, word in zip(("", *words), words, strict=False):
        spans = [*_secrets_of_urls(word, _IN_A_WORD), *_tokens(word), *_logins(before, word)]
        spans += _behind_short_option(program, before, word) + _of_a_script(word)
        option = _OPTION.fullmatch(word)
        if is_named_before and not word.startswith("--"):
            spans.append((0, len(word)))
        elif option and option["value"] is not None and _is_secret(option["name"]):
            spans.append(option.span("value"))
        else:
            spans += [found.span("value") for found in _INSIDE.finditer(word) if _is_secret(found["name"])]
        is_named_before = bool(
            option and option["value"] is None and word.startswith("-") and _is_secret(option["name"])
        )
        secrets.append([(begin, end) for begin, end in spans if end > begin and not _is_placeholder(word[begin:end])])
    return secrets


def _program(words: Sequence[str]) -> str:
    """Return the name of the first program of a command that is known for its short options."""
    known = (word.rsplit("/", 1)[-1] for word in words)
    return next((name for name in known if name in _HAVE_ANOTHER_P or _takes_passwords(name)), "")


def _takes_passwords(program: str) -> list[str]:
    return [option for option, programs in _TAKE_PASSWORDS.items() if programs.fullmatch(program)]


def _logins(before: str, word: str) -> list[_Span]:
    """Return where the password of a login stands: of an option, or before a host."""
    if attached := _LOGIN_AND_VALUE.fullmatch(word):
        begin = attached.start("value")
    else:
        begin = 0 if _LOGIN.fullmatch(before) else len(word)
    found = _WITH_PASSWORD.fullmatch(word, begin) or _AT_A_HOST.fullmatch(word)
    return [] if found is None else [found.span("password")]


def _behind_short_option(program: str, before: str, word: str) -> list[_Span]:
    """Return where a password stands behind `-p`: what is no number and no path, where `-p` is nothing else."""
    taken = _takes_passwords(program)
    if before in taken or (before in _SHORT and program not in _HAVE_ANOTHER_P):
        return [] if _NO_PASSWORD.fullmatch(word) else [(0, len(word))]
    return [(2, len(word))] if word[:2] in taken and word[:3] != "--" else []


def _of_a_script(word: str) -> list[_Span]:
    """Return where secrets stand in a word that is a command itself, as behind `bash -c`."""
    inner = list(_IN_QUOTES_OR_NONE.finditer(word))
    if len(inner) < 2:
        return []
    secrets = _secrets_of_command([one[0] for one in inner])
    return [
        (one.start() + begin, one.start() + end)
        for one, spans in zip(inner, secrets, strict=True)
        for begin, end in spans
    ]


def _is_secret(name: str) -> bool:
    """Return True if what has this name is nobody else's business."""
    name = _SAYS_NOTHING.sub("", name)
    last = (_WORDS.findall(name) or [""])[-1].lower()
    plain = re.sub(r"[-_.]", "", name).lower()
    return last in _LAST_WORDS or bool(_ENDS_A_NAME.search(plain) and not _COUNTED.search(plain))


def _is_placeholder(value: str) -> bool:
    return value.startswith("{") and value.endswith("}")
