"""No password and no token on record, however it is written."""

import pytest

from tunewell.stores.redaction import redacted, redacted_command, redacted_talk, redacted_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:open sesame@host/db", "postgresql://ada:***@host/db"),
        ("postgresql://ada:open\tsesame@host/db", "postgresql://ada:***@host/db"),
        ("postgresql://ada:open\nsesame@host/db", "postgresql://ada:***@host/db"),
        ("postgresql://ada:s@e/s?a#me@host/db", "postgresql://ada:***@host/db"),
        ("postgresql://ada@corp:sesame@host/db", "postgresql://ada@corp:***@host/db"),
        ("postgresql://host/db?password=sesame@y", "postgresql://host/db?password=***"),
        ("postgresql://host:5432/db?password=sesame@y&x=1", "postgresql://host:5432/db?password=***&x=1"),
        ("postgresql://ada:open@host/db?password=sesame@y", "postgresql://ada:***@host/db?password=***"),
        ("postgresql://ada@host/db?sslpassword=sesame", "postgresql://ada@host/db?sslpassword=***"),
        ("https://host/a?access_token=sesame&b=1", "https://host/a?access_token=***&b=1"),
        ("postgresql://ada@host:5432/db", "postgresql://ada@host:5432/db"),
        ("postgresql://ada:@host/db", "postgresql://ada:@host/db"),
        ("tunewell.db", "tunewell.db"),
    ],
)
def test_of_a_url_the_password_is_hidden_whatever_it_is_made_of(url, shown):
    assert redacted_url(url) == shown


def test_what_looks_like_a_query_may_be_a_part_of_the_password():
    assert redacted_url("postgresql://ada:open?pass=sesame@host/db") == "postgresql://ada:***"


def test_a_tab_does_not_end_a_password_in_text():
    assert redacted("no postgresql://ada:open\tsesame@host/db, mail b@c") == "no postgresql://ada:***@host/db, mail b@c"


@pytest.mark.parametrize(
    "words",
    [
        ["--token", "sesame"],
        ["--token=sesame"],
        ["-token", "sesame"],
        ["--api-key", "sesame"],
        ["--api_key=sesame"],
        ["--apiKey", "sesame"],
        ["--key", "sesame"],
        ["--hf-token", "sesame"],
        ["--wandb-key", "sesame"],
        ["--accessToken=sesame"],
        ["--aws-secret-access-key", "sesame"],
        ["--db-password", "sesame"],
        ["--passwd", "sesame"],
        ["--client-secret", "sesame"],
        ["--credentials", "sesame"],
        ["--token2", "sesame"],
        ["--password-value", "sesame"],
        ["env", "HF_TOKEN=sesame", "python"],
        ["PGPASSWORD=sesame"],
        ["+wandb.api_key=sesame"],
        ["logger.token=sesame"],
        ["-H", "Authorization: Bearer sesame"],
        ["-H", "X-Api-Key: sesame"],
        ["--config", '{"api_key": "sesame", "lr": 3}'],
        ["--config", "{'token':'sesame'}"],
        ["--dsn", "host=db user=ada password=sesame"],
        ["--dsn", "host=db password='open sesame'"],
        ["bash", "-c", "python train.py --token sesame --lr 3"],
        ["--url", "https://host/a?api_key=sesame"],
        ["-p", "sesame"],
        ["-P", "open sesame"],
        ["mysql", "-psesame"],
        ["/usr/bin/mysqldump", "-p", "sesame"],
        ["sshpass", "-p", "sesame", "ssh"],
        ["redis-cli", "-a", "sesame"],
        ["PASSWORD=sesame", "python"],
        ["docker", "run", "-e", "API_KEY=sesame"],
        ["--header=Authorization: Bearer sesame"],
        ["-HAuthorization: Basic sesame"],
        ["curl", "-ume:sesame"],
        ["--user=me:sesame"],
        ["--proxy-user", "me:sesame"],
        ["--otp", "sesame"],
        ["me:sesame@host:/folder"],
        ["https://sesame@host/folder"],
        ["git+https://sesame@host/folder"],
        ["--proxy=http://me:sesame@host:80"],
        ["bash", "-c", "PASSWORD=sesame mysql -psesame x"],
        ["bash", "-c", "curl -u me:sesame host"],
        ["bash", "-c", "python train.py -p 'open sesame' --lr 3"],
        ["--webhook", "https://hooks.slack.com/services/T0/B0/sesame"],
        ["--store", "postgresql://ada:open\tsesame@host/db"],
        ["--store=postgresql://ada:open sesame@host/db"],
    ],
    ids=" ".join,
)
def test_what_is_secret_by_its_name_is_hidden(words):
    shown = redacted_command(["train.py", *words, "--lr", "{lr}"])
    assert "sesame" not in " ".join(shown)
    assert "***" in " ".join(shown)
    assert shown[0] == "train.py"
    assert shown[-2:] == ["--lr", "{lr}"]


@pytest.mark.parametrize(
    "words",
    [
        ["--max-tokens", "512"],
        ["--max_new_tokens=512"],
        ["--tokenizer", "bert"],
        ["--token-dim", "64"],
        ["--num-keys", "8"],
        ["--token", "{token}"],
        ["--use-auth-token", "--lr", "3"],
        ["--password-file", "secrets.txt"],
        ["--passes", "3"],
        ["--monkey", "1"],
        ["--author", "ada"],
        ["--keyboard=us"],
        ["model.token_mixer=mlp"],
        ["--lr", "0.1"],
        ["python", "train.py"],
        ["-p", "0.5"],
        ["-p", "1e-3"],
        ["-p", "{p}"],
        ["-p", "8080:80"],
        ["-p", "data/train"],
        ["-p", "true"],
        ["-p", "-x"],
        ["-p0.5"],
        ["-patience", "3"],
        ["-pool", "max"],
        ["-a", "relu"],
        ["mkdir", "-p", "out"],
        ["srun", "-p", "gpu", "python", "train.py"],
        ["python", "-u", "train.py"],
        ["me@host:/folder"],
        ["-H", "Accept: text/html"],
        ["bash", "-c", "python train.py -p 0.5 --layers '2 3'"],
    ],
    ids=" ".join,
)
def test_what_is_not_secret_is_on_record(words):
    assert redacted_command(words) == words


def test_a_space_does_not_end_a_password_in_quotes():
    assert redacted("no host=h password='open sesame' user=ada") == "no host=h password=*** user=ada"


def test_a_space_does_not_end_a_password_in_text():
    text = "no postgresql://ada:open sesame@host/db, mail b@c"
    assert redacted(text) == "no postgresql://ada:***@host/db, mail b@c"
    for plain in ("see http://host:8080/ or mail b@c", "at http://host/x y:z mail b@c"):
        assert redacted(plain) == plain


def test_a_command_that_prints_its_secret_does_not_put_it_on_record():
    words = ["train.py", "--token", "sesame", "--x", "1"]
    assert redacted_talk("usage: bad token 'sesame' 1", words) == "usage: bad token '***' 1"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("curl -u me:abc", "curl -u me:***"),
        ("t.py --user me:abc", "t.py --user me:***"),
        ("t.py -u host:8080", "t.py -u host:8080"),
        ("t.py -u C:/x", "t.py -u C:/x"),
        ("t.py hf_AbCdEfGhIjKlMnOpQrSt", "t.py ***"),
        ("t.py --id AKIAABCDEFGHIJKLMNOP", "t.py --id ***"),
        ("t.py --model sk-learn", "t.py --model sk-learn"),
        ("t.py https://a.blob/x?sig=abc&se=1", "t.py https://a.blob/x?sig=***&se=1"),
        ("t.py https://b/x?X-Amz-Signature=abc&y=2", "t.py https://b/x?X-Amz-Signature=***&y=2"),
        ("env AWS_SECRET_ACCESS_KEY=abc t.py", "env AWS_SECRET_ACCESS_KEY=*** t.py"),
        ("t.py --hf-token abc --api_key=abc", "t.py --hf-token *** --api_key=***"),
    ],
)
def test_a_secret_is_known_by_its_place_its_name_or_its_looks(command, shown):
    assert " ".join(redacted_command(command.split())) == shown


def test_what_bears_a_token_is_hidden_in_text_too():
    assert redacted_command(["--header", "Bearer abc.def"]) == ["--header", "Bearer ***"]
    assert redacted("401 for Bearer abc.def, and for hf_AbCdEfGhIjKlMnOpQrSt") == "401 for Bearer ***, and for ***"
