# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may do what by S3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from s3_store import BODY
from signed_in import s3_client

# Whoever has it may do everything.
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}],
}
EXPIRY = {"Rules": [{"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
Call = Callable[[Any, str, str], Any]
READ: dict[str, Call] = {
    "get": lambda s3, bucket, key: s3.get_object(Bucket=bucket, Key=key),
    "head": lambda s3, bucket, key: s3.head_object(Bucket=bucket, Key=key),
    "list": lambda s3, bucket, key: s3.list_objects_v2(Bucket=bucket, Prefix=key),
}
WRITE: dict[str, Call] = {
    "put": lambda s3, bucket, key: s3.put_object(Bucket=bucket, Key=f"{key}-new", Body=b"new", IfNoneMatch="*"),
    "put in parts": lambda s3, bucket, key: s3.abort_multipart_upload(
        Bucket=bucket, Key=key, UploadId=s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    ),
}
# Of the objects and of the bucket.
MORE: dict[str, Call] = {
    "delete": lambda s3, bucket, key: s3.delete_object(Bucket=bucket, Key=key),
    "delete several": lambda s3, bucket, key: denied(
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]}), "Errors"
    ),
    "change an object's list of rights": lambda s3, bucket, key: s3.put_object_acl(
        Bucket=bucket, Key=key, ACL="public-read"
    ),
    "tag": lambda s3, bucket, key: s3.put_object_tagging(
        Bucket=bucket, Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
    "read the policy": lambda s3, bucket, key: s3.get_bucket_policy(Bucket=bucket),
    "change the policy": lambda s3, bucket, key: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(POLICY)),
    "let objects expire": lambda s3, bucket, key: s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration=EXPIRY
    ),
    "keep versions": lambda s3, bucket, key: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "change the bucket's list of rights": lambda s3, bucket, key: s3.put_bucket_acl(
        Bucket=bucket, ACL="public-read-write"
    ),
    "make a bucket": lambda s3, bucket, key: s3.create_bucket(Bucket=f"{bucket}-of-a-test"),
    "remove the bucket": lambda s3, bucket, key: s3.delete_bucket(Bucket=bucket),
}
OVERWRITE: dict[str, Call] = {
    "overwrite": lambda s3, bucket, key: s3.put_object(Bucket=bucket, Key=key, Body=BODY),
    "copy": lambda s3, bucket, key: s3.copy_object(Bucket=bucket, Key=f"{key}-new", CopySource=f"{bucket}/{key}"),
}
ALLOWED = {"archive": {**READ, **WRITE, **OVERWRITE}, "reader": READ, "nobody": {}}
CASES = [
    (who, name, call, name in ALLOWED[who])
    for who in ALLOWED
    for name, call in {**READ, **WRITE, **OVERWRITE, **MORE}.items()
]


def denied(answer: dict[str, Any], key: str) -> None:
    """Raises what an answer says of one of several objects."""
    for each in answer.get(key, []):
        raise ClientError({"Error": each, "ResponseMetadata": {"HTTPStatusCode": 403}}, "DeleteObjects")


@pytest.mark.parametrize(("who", "what", "call", "allowed"), CASES, ids=[f"{each[0]}-{each[1]}" for each in CASES])
def test_each_may_do_what_it_needs_and_no_more(
    store: dict[str, Any], kept: str, who: str, what: str, call: Call, allowed: bool
) -> None:
    found = "allowed"
    try:
        call(s3_client(store, who), store["bucket"], kept)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        found = "refused" if status == 403 else f"{status} {error}"
    s3_client(store, "pipeline").delete_object(Bucket=store["bucket"], Key=f"{kept}-new")
    assert found == ("allowed" if allowed else "refused")


def test_a_wrong_secret_key_is_refused(store: dict[str, Any], kept: str) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3_client({**store, "secret_access_key": "wrong"}, "pipeline").get_object(Bucket=store["bucket"], Key=kept)
