"""The command: where it listens, what it prints, what it refuses, and that it needs its extra."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from tests.web.served import a_study, serving

from tunewell.cli.main import cli
from tunewell.errors import SettingError
from tunewell.stores import open_store
from tunewell.web.serving import Address, Server


def command(*arguments):
    return CliRunner().invoke(cli, ["web", *arguments])


def begin(store, *arguments, port=0):
    """The command in a process of its own, and the link that it prints."""
    words = [sys.executable, "-m", "tunewell", "web", "--store", str(store), "--no-browser", "--port", str(port)]
    process = subprocess.Popen([*words, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def end(process, with_signal=signal.SIGINT):
    process.send_signal(with_signal)
    said = process.communicate(timeout=60)[1]
    return process.returncode, said


def test_it_prints_a_link_and_serves_until_it_is_interrupted(store):
    process, link = begin(store)
    try:
        base = link.partition("/?token=")[0]
        assert base.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=base, timeout=60) as browser:
            assert browser.get(link).status_code == 303
            assert browser.get("/api/studies").json()["studies"][0]["name"] == "digits"
            port = base.rpartition(":")[2]
            other = command("--store", str(store), "--port", port, "--link", "view")
            assert other.exit_code == 0, other.output
            with httpx.Client(base_url=base, timeout=60) as viewer:
                assert viewer.get(other.output.strip()).status_code == 303
                assert viewer.get("/api/studies").json()["role"] == "view"
    finally:
        code, said = end(process)
    assert code in (0, 130, -signal.SIGINT), said
    assert "Traceback" not in said
    assert "once" in said
    gone = command("--store", str(store), "--port", port, "--link")
    assert gone.exit_code == 2
    assert "start it" in gone.output


def test_a_port_that_is_taken(store):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = command("--store", str(store), "--no-browser", "--port", str(port))
        assert answer.exit_code == 2
        assert f"port {port} is taken; say --port {port + 1}" in answer.output


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["--store", "nothing.db"], "nothing.db"),
        (["--store", "memory"], "name a file"),
        (["--host", "no.such.host.invalid", "--store", "STORE"], "no address of this machine"),
        (["--host", "192.0.2.1", "--store", "STORE"], "--host"),
        (["--uds", "no/such/folder/socket", "--store", "STORE"], "--uds"),
        (["--port", "70000", "--store", "STORE"], "--port"),
        (["--link", "steer", "--port", "1", "--store", "STORE"], "start it"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(store, tmp_path, monkeypatch, arguments, mend):
    monkeypatch.chdir(tmp_path)
    answer = command("--no-browser", *[str(store) if word == "STORE" else word for word in arguments])
    assert answer.exit_code == 2, answer.output
    assert mend in answer.output
    assert "Traceback" not in answer.output


def test_a_socket_in_a_folder_is_its_owners_alone(store, tmp_path):
    path = tmp_path / "socket"
    server = Server(lambda: open_store(store, create=False), str(store), Address(uds=path))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://localhost:9999", timeout=60) as browser:
            assert browser.get("/api/studies").status_code == 401
            assert browser.get("/?" + server.link().partition("?")[2]).status_code == 303
            assert browser.get("/api/studies").status_code == 200
            assert browser.get("/api/studies", headers={"Host": "evil.example"}).status_code == 403
    finally:
        server.stop()
        thread.join()
    assert not path.exists()


def test_a_socket_that_was_left_behind_is_taken_over_and_one_in_use_is_not(store, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = Server(lambda: open_store(store, create=False), str(store), Address(uds=path))
    try:
        with pytest.raises(SettingError, match="--uds"):
            Server(lambda: open_store(store, create=False), str(store), Address(uds=path))
    finally:
        server.close()
    path.write_text("a file of the user's")
    with pytest.raises(SettingError, match="--uds"):
        Server(lambda: open_store(store, create=False), str(store), Address(uds=path))
    assert path.read_text() == "a file of the user's"


def test_another_name_is_let_in_where_it_is_allowed(store):
    with serving(store, allow_hosts=["box.lan"]) as served, served.browser() as browser:
        for host, status in (("box.lan", 200), (f"box.lan:{served.port}", 200), ("box.lan:1", 403), ("evil.lan", 403)):
            assert browser.get("/api/studies", headers={"Host": host}).status_code == status


def test_it_listens_at_this_machine_alone(served):
    assert served.server._socket.getsockname()[0] == "127.0.0.1"


def test_to_read_only_prints_a_link_for_looking(store):
    process, link = begin(store, "--read-only")
    try:
        base = link.partition("/?token=")[0]
        with httpx.Client(base_url=base, timeout=60, headers={"X-Tunewell": "1"}) as browser:
            browser.get(link)
            assert browser.get("/api/studies").json()["role"] == "view"
            assert browser.post("/api/studies/1/pause", json={}).status_code == 403
    finally:
        end(process)


def test_it_ends_though_browsers_listen(store):
    process, link = begin(store)
    base = link.partition("/?token=")[0]
    with httpx.Client(base_url=base, timeout=60) as browser:
        browser.get(link)
        with browser.stream("GET", "/api/studies/1/feed") as response:
            next(response.iter_lines())
            begun = time.monotonic()
            end(process, signal.SIGTERM)
            assert time.monotonic() - begun < 50


def test_where_its_extra_is_not_installed_it_says_so(store, tmp_path):
    """As where starlette cannot be imported."""
    (tmp_path / "starlette.py").write_text("raise ImportError(\"No module named 'starlette'\", name='starlette')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    answer = subprocess.run(
        [sys.executable, "-m", "tunewell", "web", "--store", str(store), "--no-browser"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'tunewell[web]'" in answer.stderr


def test_a_study_that_is_begun_later_is_there(tmp_path):
    url = tmp_path / "tunewell.db"
    open_store(url).close()
    with serving(url) as served, served.browser() as browser:
        assert browser.get("/api/studies").json()["studies"] == []
        a_study(url)
        assert browser.get("/api/studies").json()["studies"][0]["trials"] == 3


def test_the_page_that_opens_the_link_is_its_owners_alone(tmp_path, monkeypatch):
    import webbrowser

    from tunewell.cli.web_command import _open_browser

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    _open_browser("http://127.0.0.1:1/?token=secret", tmp_path)
    path = Path(opened[0].removeprefix("file://"))
    assert "secret" not in opened[0]
    assert "secret" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
