# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._secrets import (
    MASK,
    is_secret_name,
    mask,
    mask_pair,
    secret_values,
)


@pytest.mark.parametrize(
    "name",
    [
        "database.password",
        "ssl.keystore.password",
        "producer.override.sasl.jaas.config",
        "value.converter.basic.auth.user.info",
        "aws.secret.access.key",
        "iceberg.catalog.s3.secret-access-key",
        "consumer.override.ssl.key.passphrase",
        "api_key",
        "auth.token",
        "azure.account.key",
        "gcs.credentials.json",
    ],
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "key.converter",
        "message.key.columns",
        "transforms.unwrap.add.fields",
        "ssl.keystore.location",
        "database.password.file",
        "aws.credentials.provider.class",
        "sasl.oauthbearer.token.endpoint.url",
        "topic.key.field.name",
    ],
)
def test_names_of_what_is_public(name):
    assert not is_secret_name(name)


def test_masks_by_name_and_by_declaration_but_not_references():
    settings = {"password": "s3cret", "my.own": "s3cret", "other.password": "${env:X}", "empty.password": "", "a": 1}
    assert mask(settings, ["my.own"]) == {
        "password": MASK,
        "my.own": MASK,
        "other.password": "${env:X}",
        "empty.password": "",
        "a": 1,
    }


def test_a_reference_with_more_around_it_is_no_reference():
    assert mask({"password": "${env:X}suffix"})["password"] == MASK


def test_masks_passwords_in_addresses():
    assert mask({"connection.url": "jdbc:postgresql://u:s3cret@h/d"}) == {
        "connection.url": f"jdbc:postgresql://u:{MASK}@h/d"
    }


def test_a_changed_secret_shows_as_changed():
    before, after = mask_pair({"password": "a", "x.password": "c"}, {"password": "b", "x.password": "c"})
    assert before["password"] != after["password"]
    assert before["x.password"] == after["x.password"] == MASK


def test_short_values_are_not_scrubbed_from_everything():
    assert secret_values({"password": "true", "x.password": "hunter2", "y.password": "${env:LONG}"}) == {"hunter2"}
