# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.filter.scram_credential import scram_credential


def test_the_same_password_gives_the_same_text_and_does_not_show_in_it():
    first = scram_credential("correct-horse", "admin")
    assert first == scram_credential("correct-horse", "admin")
    assert first.startswith('SCRAM-SHA-512=[name="admin",iterations=4096,salt="')
    assert "correct-horse" not in first
    assert len({first, scram_credential("another", "admin"), scram_credential("correct-horse", "other")}) == 3
