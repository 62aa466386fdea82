"""Keys: a link is used once, what is kept is no secret, and who guesses is soon refused."""

import os
import threading
import time

import pytest
from tests.web.served import serving

from tunewell.errors import SettingError
from tunewell.web.keys import MOST_WRONG, SESSION_S, Keys, Locked, Role


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state" / "keys"


def test_a_link_begins_one_session(folder):
    keys = Keys(folder)
    session, role = keys.begin_session(keys.add_link(Role.VIEW))
    assert (role, keys.role_of(session)) == (Role.VIEW, Role.VIEW)
    link = keys.add_link(Role.STEER)
    assert keys.begin_session(link)[1] is Role.STEER
    assert keys.begin_session(link) is None


def test_of_many_who_use_a_link_at_once_one_gets_in(folder):
    keys = [Keys(folder) for _ in range(4)]
    link, found, ready = keys[0].add_link(Role.STEER), [], threading.Barrier(16)

    def use(own):
        ready.wait()
        found.append(own.begin_session(link))

    threads = [threading.Thread(target=use, args=(keys[n % 4],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in found) == 1


def test_sessions_outlive_the_server_and_links_do_not(folder):
    first = Keys(folder)
    session, _ = first.begin_session(first.add_link(Role.STEER))
    link = first.add_link(Role.STEER)
    again = Keys(folder)
    again.forget_links()
    assert again.role_of(session) is Role.STEER
    assert again.begin_session(link) is None


def test_a_session_ends_when_it_is_told_to_or_is_old(folder):
    keys = Keys(folder)
    ended, old = (keys.begin_session(keys.add_link(Role.VIEW))[0] for _ in range(2))
    keys.end_session(ended)
    assert keys.role_of(ended) is None
    for path in folder.iterdir():
        os.utime(path, (0, time.time() - SESSION_S - 1))
    assert Keys(folder).role_of(old) is None
    assert list(folder.iterdir()) == []


def test_a_session_that_nobody_uses_ends_while_the_server_runs_and_one_in_use_does_not(folder, monkeypatch):
    keys, real, passed = Keys(folder), time.monotonic, 0.0
    monkeypatch.setattr(time, "monotonic", lambda: real() + passed)
    used, idle = (keys.begin_session(keys.add_link(Role.VIEW))[0] for _ in range(2))
    written = {path.name: path.stat().st_mtime for path in folder.iterdir()}
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    for _ in range(3):
        passed += 0.4 * SESSION_S
        assert keys.role_of(used) is Role.VIEW
    assert keys.role_of(idle) is None
    (left,) = folder.iterdir()
    assert left.stat().st_mtime >= written[left.name]  # so that another server knows that it was used


def test_no_secret_is_kept_and_nobody_else_may_read_what_is(folder):
    keys = Keys(folder)
    session, _ = keys.begin_session(keys.add_link(Role.STEER))
    link = keys.add_link(Role.VIEW)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        kept = path.name + path.read_text()
        assert session not in kept
        assert link not in kept


def test_a_folder_that_others_may_read_is_refused(folder):
    Keys(folder)
    folder.chmod(0o755)
    with pytest.raises(SettingError, match="chmod 700"):
        Keys(folder)


def test_a_link_in_the_place_of_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingError, match="chmod 700"):
        Keys(folder)


def test_after_ten_wrong_links_none_is_taken_until_the_owner_makes_another(folder):
    keys = Keys(folder)
    right = keys.add_link(Role.STEER)
    for _ in range(MOST_WRONG):
        assert keys.begin_session("wrong") is None
    for guess in ("wrong", right):
        with pytest.raises(Locked):
            keys.begin_session(guess)
    new = Keys(folder).add_link(Role.STEER)  # of another process: tunewell web --link
    assert keys.begin_session(new)[1] is Role.STEER


def test_a_right_link_forgives_the_wrong_ones(folder):
    keys = Keys(folder)
    for _ in range(3):
        for _ in range(MOST_WRONG - 1):
            assert keys.begin_session("wrong") is None
        assert keys.begin_session(keys.add_link(Role.VIEW)) is not None


@pytest.mark.parametrize("odd", ["", "../../etc/passwd", "\0", "\ud800", "x" * 100_000, "link-" + "0" * 64])
def test_what_is_no_secret_is_none(folder, odd):
    keys = Keys(folder)
    keys.add_link(Role.STEER)
    assert keys.begin_session(odd) is None
    assert keys.role_of(odd) is None


# --- in a browser


def test_the_link_is_cleaned_from_the_address(served):
    import httpx

    with httpx.Client(base_url=served.base) as client:
        answer = client.get(served.server.link())
        assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/", b"")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"tunewell-{served.port}=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert client.get("/").status_code == 200


def test_a_link_on_another_sites_page_opens_by_a_page_of_ours(served):
    """Along a redirect that began elsewhere a strict cookie is not sent."""
    import httpx

    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    with httpx.Client(base_url=served.base) as client:
        answer = client.get(served.server.link(), headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, True)
        assert 'content="0; url=/"' in answer.text
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_a_link_that_is_fetched_in_advance_is_not_used_up(served, header):
    import httpx

    link = served.server.link()
    with httpx.Client(base_url=served.base) as client:
        assert client.get(link, headers={header: "prefetch"}).status_code == 503
        assert client.head(link).status_code == 401
        assert client.get(link).status_code == 303
        assert client.get(link).status_code == 401


def test_wrong_links_lock_the_door_and_not_who_is_in(served):
    import httpx

    with served.browser() as inside, httpx.Client(base_url=served.base) as stranger:
        link = served.server.link()
        answers = [stranger.get("/", params={"token": f"guess-{n}"}).status_code for n in range(MOST_WRONG + 2)]
        assert answers == [401] * MOST_WRONG + [429] * 2
        assert stranger.get(link).status_code == 429
        assert inside.get("/api/studies").status_code == 200
        assert stranger.get(served.server.link()).status_code == 303


def test_a_page_goes_on_when_the_server_is_started_again(store):
    from contextlib import closing

    import httpx

    from tunewell.stores import open_store
    from tunewell.web.serving import Address, Server

    with serving(store) as served:
        port = served.port
        with served.browser() as browser:
            cookies = dict(browser.cookies)
    again = Server(lambda: open_store(store, create=False), str(store), Address(port=port))
    thread = threading.Thread(target=again.run)
    thread.start()
    try:
        with closing(httpx.Client(base_url=again.address.base, cookies=cookies, timeout=60)) as client:
            assert client.get("/api/studies").status_code == 200
    finally:
        again.stop()
        thread.join()


def test_the_key_of_one_store_is_none_of_another(store, tmp_path):
    from tests.web.served import a_study

    a_study(tmp_path / "other.db", "other")
    with serving(store) as served, served.browser() as browser:
        session = browser.cookies[served.cookie]
    with serving(tmp_path / "other.db") as served, served.browser() as browser:
        browser.cookies.clear()
        browser.cookies.set(served.cookie, session)
        assert browser.get("/api/studies").status_code == 401


def test_who_comes_by_a_link_elsewhere_and_has_a_key_is_let_in_by_a_page_of_ours(served):
    import httpx

    elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    with httpx.Client(base_url=served.base) as client:
        answer = client.get("/", headers=elsewhere)
        assert (answer.status_code, 'content="0; url=/"' in answer.text) == (401, True)
        answer = client.get("/", headers={**elsewhere, "Sec-Fetch-Site": "same-origin"})
        assert (answer.status_code, "refresh" in answer.text) == (401, False)


def test_who_may_steer_makes_a_link_for_somebody_who_may_look(served):
    import httpx

    with served.browser() as browser:
        answer = browser.post("/api/links", json={})
        assert (answer.status_code, answer.json()["role"]) == (201, "view")
        assert browser.post("/api/links", json={"role": "steer"}).status_code == 400
    headers = {"X-Tunewell": "1"}
    with httpx.Client(base_url=served.base, headers=headers) as other, httpx.Client(base_url=served.base) as late:
        assert other.get(answer.json()["path"]).status_code == 303
        assert other.get("/api/studies").json()["role"] == "view"
        assert other.post("/api/links", json={}).status_code == 403
        assert late.get(answer.json()["path"]).status_code == 401
