# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who is told of alerts becomes Alertmanager's configuration; tests/integration/local/alerts sees what it does."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.receivers import configuration, problems

EMAIL = {"to": ["a@example.org", "b@example.org"], "from": "c@example.org", "server": "smtp.example.org:587"}
SLACK = {"url": "https://hooks.slack.com/services/secret", "channel": "#data"}
DEFINITION = {
    "kafka": [
        {"alert": "Up", "inhibited_by": {"Down": {"component": ["a", "b"], "equal": ["replica"]}, "Gone": {}}},
        {"alert": "Down"},
        {"alert": "Gone"},
    ]
}


def test_each_severity_of_a_receiver_is_a_route():
    config, _files = configuration(
        [{"name": "all", "slack": SLACK}, {"name": "one", "severities": ["critical"], "slack": SLACK}], {}, "", 1, "/s"
    )
    found = [(each["matchers"], each["receiver"]) for each in config["route"]["routes"]]
    assert found == [
        (['alertname="Watchdog"'], "nobody"),
        (['severity="critical"'], "all"),
        (['severity="warning"'], "all"),
        (['severity="critical"'], "one"),
    ]
    assert all(each["continue"] for each in config["route"]["routes"][1:])


def test_secrets_are_files():
    receiver = {
        "name": "on call",
        "email": {**EMAIL, "username": "u", "password": "p-secret", "ca": "-----BEGIN"},
        "slack": SLACK,
        "webhook": {"url": "https://example.org/hook", "token": "t-secret"},
    }
    config, files = configuration([receiver], {}, "", 1, "@{secrets}")
    assert "secret'" not in str(config) and "services/secret" not in str(config)
    assert files == {
        "receivers/on_call.email": "p-secret",
        "receivers/on_call.email.pem": "-----BEGIN",
        "receivers/on_call.slack": SLACK["url"],
        "receivers/on_call.webhook": "t-secret",
    }
    told = config["receivers"][1]
    (email,) = told["email_configs"]
    assert email["to"] == "a@example.org, b@example.org" and email["require_tls"] is True
    assert email["auth_password_file"] == "@{secrets}/receivers/on_call.email"
    assert told["slack_configs"] == [
        {"api_url_file": "@{secrets}/receivers/on_call.slack", "send_resolved": True, "channel": "#data"}
    ]


def test_a_dead_mans_switch_is_called_all_the_time():
    config, _files = configuration([], {}, "https://example.org/ping", 0.5, "")
    (route,) = config["route"]["routes"]
    assert (route["receiver"], route["group_wait"], route["repeat_interval"]) == ("dead-man", "0s", "30s")
    assert {"name": "dead-man", "webhook_configs": [{"url": "https://example.org/ping"}]} in config["receivers"]


def test_what_holds_an_alert_back_is_a_rule():
    config, _files = configuration([], DEFINITION, "", 1, "")
    assert config["inhibit_rules"] == [
        {
            "source_matchers": ['alertname="Down"', 'component=~"a|b"'],
            "target_matchers": ['alertname="Up"'],
            "equal": ["instance_name", "replica"],
        },
        {
            "source_matchers": ['alertname="Gone"'],
            "target_matchers": ['alertname="Up"'],
            "equal": ["instance_name"],
        },
    ]


def test_what_is_gone_holds_back_what_depends_on_it():
    definition = {
        "any": [
            {"alert": "Late", "depends_on": ["connect"]},
            {"alert": "Down", "depends_on": "component"},
            {"alert": "Up", "inhibited_by": {"Down": [{"equal": ["replica"]}, {"component": "prober"}]}},
        ]
    }
    depends = {"kafka": [], "registry": ["kafka"], "connect": ["kafka", "registry"]}
    config, _files = configuration([], definition, "", 1, "", depends)
    found = [(each["source_matchers"][1:], each["target_matchers"], each["equal"]) for each in config["inhibit_rules"]]
    assert found == [
        (['component=~"connect|kafka|registry"'], ['alertname="Late"'], ["instance_name"]),
        (['component=~"kafka"'], ['alertname="Down"', 'component="registry"'], ["instance_name"]),
        (['component=~"kafka|registry"'], ['alertname="Down"', 'component="connect"'], ["instance_name"]),
        ([], ['alertname="Up"'], ["instance_name", "replica"]),
        (['component="prober"'], ['alertname="Up"'], ["instance_name"]),
    ]


@pytest.mark.parametrize(
    ("receiver", "problem"),
    [
        ({"name": "nobody", "slack": SLACK}, "is not a valid name"),
        ({"name": "", "slack": SLACK}, "is not a valid name"),
        ({"name": "a"}, "receives no notifications"),
        ({"name": "a", "email": {**EMAIL, "server": "smtp.example.org"}}, "not host:port"),
        ({"name": "a", "email": {**EMAIL, "username": "u"}}, "one of email.username and email.password"),
        ({"name": "a", "slack": {"url": "hooks.slack.com/x"}}, "slack.url that is no URL"),
        ({"name": "a", "slack": {"url": "https://hooks.slack.com/services/T 1"}}, "slack.url that is no URL"),
        ({"name": "a", "slack": {"url": "https://hooks.slack.com:here/"}}, "slack.url that is no URL"),
        ({"name": "a", "webhook": {"url": "ftp://example.org"}}, "webhook.url that is no URL"),
        ({"name": "a", "webhook": {"url": "http://"}}, "webhook.url that is no URL"),
        ({"name": "a", "webhook": {"url": "https://a", "ca": "/etc/ca.pem"}}, "webhook.ca without a certificate"),
        ({"name": "a", "email": {**EMAIL, "ca": "x"}}, "email.ca without a certificate"),
        ({"name": "a", "email": {**EMAIL, "server": "smtp.example.org:99999"}}, "not host:port"),
        ({"name": "a", "email": {**EMAIL, "to": []}}, "email.to that names nobody"),
        ({"name": "a", "email": {**EMAIL, "to": ["on-call"]}}, "an address that is none, 'on-call'"),
        ({"name": "a", "email": {**EMAIL, "from": "a@b, c@d"}}, "an address that is none"),
    ],
)
def test_what_is_wrong_is_said(receiver, problem):
    ((_name, what, remedy),) = problems([receiver])
    assert problem in what and remedy


def test_right_ones_have_no_problem():
    receivers = [{"name": "a", "email": EMAIL}, {"name": "b c", "slack": SLACK}]
    assert list(problems(receivers)) == []
    named = {"name": "d", "email": {**EMAIL, "to": ["On call <a@example.org>"]}, "webhook": {"url": "http://[::1]:80/"}}
    assert list(problems([named])) == []
    assert [what for _name, what, _remedy in problems([*receivers, receivers[0]])] == ["is defined twice"]


def test_receivers_do_not_share_files():
    alike = [{"name": "b c", "slack": SLACK}, {"name": "b_c", "slack": SLACK}]
    assert [what for _name, what, _remedy in problems(alike)] == ["is defined twice"]
