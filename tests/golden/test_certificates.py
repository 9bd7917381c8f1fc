"""Manifests where certificates are not the pipeline's own authority's."""

from __future__ import annotations

import pytest
import yaml
from rendering import render

IN_COMMON = "cdc-pipeline/in-common"


def test_brokers_change_together_to_an_authority_of_the_users_own(tmp_path):
    """None of them trusts one that still has a certificate of the other."""
    render("kind", tmp_path, certificates_authority={"certificate": "/etc/ssl/own.pem", "key": "/etc/ssl/own.key"})
    template = yaml.safe_load((tmp_path / "kafka/statefulset-kafka.yaml").read_text())["spec"]["template"]
    word, _by, authority = template["metadata"]["annotations"][IN_COMMON].split()
    assert word == "encrypted" and len(authority) == 12


def test_what_cert_manager_signs_in_a_cluster_cannot_be_rendered_without_one(tmp_path):
    with pytest.raises(RuntimeError, match="manifests contain the authority that clients trust"):
        render("kubernetes", tmp_path / "out", certificates_issuer={"name": "corporate"})
    assert not (tmp_path / "out").exists()
