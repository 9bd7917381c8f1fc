# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pipeline that is destroyed leaves its volumes, and the next one goes on with what is in them."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline import Pipeline
from site_runs import Site

_COMES_BACK = 240.0


def claims(pipeline: Pipeline) -> Mapping[str, str]:
    """Names of the volumes' claims, with their identities."""
    found = pipeline.cluster.items(pipeline.cluster.path("persistentvolumeclaims"))
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}


def test_volumes_stay_and_are_taken_up_again(pipeline: Pipeline, site: Site):
    before = claims(pipeline)
    with pipeline.context().postgresql() as connection:
        (rows,) = connection.execute("SELECT count(*) FROM public.orders").fetchone()
    assert before and rows
    site.run(playbook="playbooks/destroy.yml", destroy_data=False).must_succeed()
    assert pipeline.pods() == {} and claims(pipeline) == before
    # Verification, which ends it, sees that the tiles from before and after cover every topic.
    site.run().must_succeed()
    pipeline.settled(_COMES_BACK)
    assert claims(pipeline) == before
    with pipeline.context().postgresql() as connection:
        assert connection.execute("SELECT count(*) FROM public.orders").fetchone() == (rows,)
